{{/* Rules about the autoscaler's class: what each one reads, and what it would leave lying. */}}

{{/* in: root; out: complaints about the class and what is set for another one. */}}
{{- define "torchserve-kserve.validate.autoscaler" -}}
{{- $class := include "torchserve-kserve.autoscalerClass" . }}
{{- $ofKnative := hasSuffix ".autoscaling.knative.dev" $class }}
{{- if and (eq .Values.deploymentMode "Standard") $ofKnative }}
autoscalerClass {{ $class }} is Knative's; write hpa, keda, external or none, or use deploymentMode Knative
{{- else if and (eq .Values.deploymentMode "Knative") (not $ofKnative) }}
autoscalerClass {{ $class }}: deploymentMode Knative does not know it; write kpa.autoscaling.knative.dev or hpa.autoscaling.knative.dev, or use deploymentMode Standard
{{- else if $ofKnative }}
{{- include "torchserve-kserve.validate.autoscalerKnative" . }}
{{- else }}
{{- include (printf "torchserve-kserve.validate.autoscaler.%s" $class) . }}
{{- end }}
{{- if not (has $class (list "none" "external")) }}
{{- include "torchserve-kserve.validate.fixedReplicas" . }}
{{- end }}
{{- if hasPrefix "hpa" $class }}
{{- include "torchserve-kserve.validate.autoscalerRequest" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: JSON list of the keys that say by what to scale, and are set. */}}
{{- define "torchserve-kserve.scalingKeys" -}}
{{- $keys := list -}}
{{- range $key := list "scaleMetric" "scaleTarget" -}}
{{- if not (kindIs "invalid" (index $.Values $key)) -}}{{- $keys = append $keys $key -}}{{- end -}}
{{- end -}}
{{- if .Values.predictor.autoScaling -}}{{- $keys = append $keys "predictor.autoScaling" -}}{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{/* in: root; out: a complaint about scaling between a number and the same number. Knative always has an autoscaler. */}}
{{- define "torchserve-kserve.validate.fixedReplicas" -}}
{{- $keys := include "torchserve-kserve.scalingKeys" . | fromJsonArray }}
{{- if has .Values.autoscalerClass (list "hpa" "keda") }}{{ $keys = prepend $keys "autoscalerClass" }}{{ end }}
{{- if and $keys (eq (int .Values.minReplicas) (int .Values.maxReplicas)) }}
{{ join ", " $keys }}: minReplicas and maxReplicas are both {{ int .Values.minReplicas }}, so there is nothing to scale; raise maxReplicas, or remove {{ ternary "it" "them" (eq (len $keys) 1) }}
{{- end }}
{{- end -}}

{{/* in: root; out: JSON list of the resources of which Kubernetes' HPA takes a share of the request; of memory Knative's counts bytes. */}}
{{- define "torchserve-kserve.scaledShares" -}}
{{- $shares := list -}}
{{- with .Values.predictor.autoScaling -}}
{{- range .metrics -}}
{{- if eq "Utilization" (((.resource).target).type | toString) -}}{{- $shares = append $shares .resource.name -}}{{- end -}}
{{- end -}}
{{- else -}}
{{- $metric := .Values.scaleMetric | default "cpu" -}}
{{- if has $metric (ternary (list "cpu") (list "cpu" "memory") (eq .Values.deploymentMode "Knative")) -}}{{- $shares = list $metric -}}{{- end -}}
{{- end -}}
{{- toJson $shares -}}
{{- end -}}

{{/* in: root; out: complaints about containers of which there is no share: the HPA needs the request of each one in the pod. */}}
{{- define "torchserve-kserve.validate.autoscalerRequest" -}}
{{- $containers := dict -}}
{{- if .Values.runtime.create }}{{ $_ := set $containers "runtime" .Values.runtime.resources }}{{ end -}}
{{- range .Values.predictor.containers }}{{ $_ := set $containers (printf "predictor.containers: %s" .name) .resources }}{{ end -}}
{{- if gt (int .Values.maxReplicas) (int .Values.minReplicas) }}
{{- range $share := include "torchserve-kserve.scaledShares" . | fromJsonArray }}
{{- range $name, $resources := $containers }}
{{- include "torchserve-kserve.validate.request" (dict "root" $ "share" $share "name" $name "resources" $resources) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {root, share: a resource, name: the container's key, resources or nothing}; out: a complaint where it requests nothing of it.
What has a limit alone requests that much. */}}
{{- define "torchserve-kserve.validate.request" -}}
{{- $resources := .resources | default dict }}
{{- if not (or (get ($resources.requests | default dict) .share) (get ($resources.limits | default dict) .share)) }}
{{ .name }} has no resources.requests.{{ .share }}, with which the autoscaler compares use, so it would never scale to maxReplicas {{ int .root.Values.maxReplicas }}; write one, or set maxReplicas={{ int .root.Values.minReplicas }}
{{- end }}
{{- end -}}

{{/* in: root; out: what Knative's autoscalers don't read. */}}
{{- define "torchserve-kserve.validate.autoscalerKnative" -}}
{{- if .Values.predictor.autoScaling }}
predictor.autoScaling: KServe reads it in deploymentMode Standard alone; write scaleMetric and scaleTarget, or use deploymentMode Standard
{{- end }}
{{- end -}}

{{/* in: root; out: complaints where Kubernetes' HPA scales. KServe skips without a word what it can't make of a metric. */}}
{{- define "torchserve-kserve.validate.autoscaler.hpa" -}}
{{- with .Values.predictor.autoScaling }}
{{- range without (include "torchserve-kserve.scalingKeys" $ | fromJsonArray) "predictor.autoScaling" }}
{{ . }}: KServe reads predictor.autoScaling in its place; remove one of the two
{{- end }}
{{- range .metrics }}
{{- if ne "Resource" (toString .type) }}
predictor.autoScaling.metrics: the HPA that KServe makes takes metrics of type Resource alone; write such a one instead of type {{ .type }}, or set autoscalerClass=keda
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints where KEDA scales. */}}
{{- define "torchserve-kserve.validate.autoscaler.keda" -}}
{{- range without (include "torchserve-kserve.scalingKeys" . | fromJsonArray) "predictor.autoScaling" }}
{{ . }}: autoscalerClass keda scales by predictor.autoScaling.metrics alone; write it there, and remove {{ . }}
{{- end }}
{{- if not (.Values.predictor.autoScaling).metrics }}
autoscalerClass keda scales by predictor.autoScaling.metrics, and there is none; write at least one
{{- end }}
{{- end -}}

{{/* in: root; out: complaints where the number of pods is fixed. */}}
{{- define "torchserve-kserve.validate.autoscaler.none" -}}
{{- include "torchserve-kserve.validate.nothingScales" . }}
{{- if and (gt (int .Values.maxReplicas) (int .Values.minReplicas)) (gt (int .Values.minReplicas) 0) }}
maxReplicas {{ int .Values.maxReplicas }}: with autoscalerClass none the number of pods is fixed, it is minReplicas {{ int .Values.minReplicas }}; write the number there and remove maxReplicas, or remove autoscalerClass
{{- end }}
{{- end -}}

{{/* in: root; out: complaints where an autoscaler that KServe doesn't know says how many pods there are. */}}
{{- define "torchserve-kserve.validate.autoscaler.external" -}}
{{- include "torchserve-kserve.validate.nothingScales" . }}
{{- range $key, $number := pick .Values "minReplicas" "maxReplicas" }}
{{- if ne (int $number) 1 }}
{{ $key }} {{ int $number }}: with autoscalerClass external KServe leaves the number of pods to your own autoscaler and would ignore it; set it there and remove it here
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what says by what to scale where KServe makes no autoscaler. */}}
{{- define "torchserve-kserve.validate.nothingScales" -}}
{{- range include "torchserve-kserve.scalingKeys" . | fromJsonArray }}
{{ . }}: with autoscalerClass {{ $.Values.autoscalerClass }} KServe makes no autoscaler and would ignore it; remove it, or remove autoscalerClass
{{- end }}
{{- end -}}
