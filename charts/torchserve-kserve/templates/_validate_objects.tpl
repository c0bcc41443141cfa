{{/* Rules about what is written through: the InferenceService's annotations and labels, domains, Kubeflow. */}}

{{/* in: root; out: all of these complaints. */}}
{{- define "torchserve-kserve.validate.objects" -}}
{{- include "torchserve-kserve.validate.annotations" . }}
{{- include "torchserve-kserve.validate.labels" . }}
{{- include "torchserve-kserve.validate.domains" . }}
{{- if and .Values.kubeflow.authorizationPolicy.enabled (not .Values.kubeflow.enabled) }}
kubeflow.authorizationPolicy.enabled is true and kubeflow.enabled is not, so the predictor may have no sidecar to keep to it; set kubeflow.enabled=true
{{- end }}
{{- if and .Values.kubeflow.authorizationPolicy.rules (not .Values.kubeflow.authorizationPolicy.enabled) }}
kubeflow.authorizationPolicy.rules is set and kubeflow.authorizationPolicy.enabled is not, so there is no policy to have them; set kubeflow.authorizationPolicy.enabled=true, or remove the rules
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about annotations that the chart owns, or that KServe drops in favour of another field. */}}
{{- define "torchserve-kserve.validate.annotations" -}}
{{- $instead := dict "serving.kserve.io/deploymentMode" "deploymentMode"
  "serving.knative.dev/progress-deadline" "seed.timeoutSeconds or the models' startupTimeout"
  "serving.kserve.io/autoscalerClass" "autoscalerClass" "autoscaling.knative.dev/class" "autoscalerClass"
  "autoscaling.knative.dev/min-scale" "minReplicas" "autoscaling.knative.dev/minScale" "minReplicas"
  "autoscaling.knative.dev/max-scale" "maxReplicas" "autoscaling.knative.dev/maxScale" "maxReplicas"
  "autoscaling.knative.dev/target" "scaleTarget" "autoscaling.knative.dev/metric" "scaleMetric" }}
{{- range $map, $entries := dict "annotations" .Values.annotations "predictor.annotations" .Values.predictor.annotations }}
{{- range $key, $value := $entries | default dict }}
{{- if hasKey $instead $key }}
{{ $map }}: {{ $key }} is written by the chart or KServe; remove it and set {{ get $instead $key }} instead
{{- else if regexMatch "^(torchserve-kserve|internal[.]serving[.]kserve[.]io)/" $key }}
{{ $map }}: {{ $key }} is for the chart or KServe alone; remove it
{{- else }}
{{- include "torchserve-kserve.validate.entry" (dict "root" $ "map" $map "key" $key "value" (toString $value)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about labels that the chart or KServe owns. */}}
{{- define "torchserve-kserve.validate.labels" -}}
{{- $own := include "torchserve-kserve.stableLabels" (dict "root" . "component" "predictor") | fromYaml }}
{{- range $map, $entries := dict "labels" .Values.labels "predictor.labels" .Values.predictor.labels }}
{{- range $key, $value := $entries | default dict }}
{{- $noValue := include "torchserve-kserve.validate.labelValue" (dict "map" $map "key" $key "value" (toString $value)) }}
{{- if or (hasKey $own $key) (has $key (list "app" "component" "serving.kserve.io/inferenceservice")) (hasPrefix "torchserve-kserve/" $key) }}
{{ $map }}: {{ $key }} is for the chart or KServe alone; remove it
{{- else if $noValue }}
{{- $noValue }}
{{- else }}
{{- include "torchserve-kserve.validate.entry" (dict "root" $ "map" $map "key" $key "value" (toString $value)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {map: the value's name, key, value}; out: a complaint about what can't be a label's value. */}}
{{- define "torchserve-kserve.validate.labelValue" -}}
{{- if not (regexMatch "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$" .value) }}
{{ .map }}: the value of {{ .key }} is no label's; write at most 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends
{{- end }}
{{- end -}}

{{/* in: {map, key}; out: a complaint about a key that Kubernetes takes for no label and no annotation. */}}
{{- define "torchserve-kserve.validate.key" -}}
{{- $prefix := regexFind "^[^/]*/" .key }}
{{- if or (gt (len $prefix) 254) (not (regexMatch "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$" .key)) }}
{{ .map }}: {{ .key | quote }} is no key of Kubernetes; write a name of at most 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends, and before it, if at all, a domain and '/'
{{- end }}
{{- end -}}

{{/* in: {root, map: the value's name, key, value}; out: a complaint about what is true of both maps: no key of Kubernetes, a
key that only the other mode reads, a key that takes back what kubeflow.enabled does. */}}
{{- define "torchserve-kserve.validate.entry" -}}
{{- $mode := .root.Values.deploymentMode }}
{{- $instead := dict "networking.knative.dev/visibility" "networking.kserve.io/visibility" }}
{{- if eq $mode "Knative" }}
{{- $instead = dict "networking.kserve.io/visibility" "networking.knative.dev/visibility" }}
{{- end }}
{{- $noKey := include "torchserve-kserve.validate.key" . }}
{{- if $noKey }}
{{- $noKey }}
{{- else if hasKey $instead .key }}
{{ .map }}: {{ .key }} has no effect in deploymentMode {{ $mode }}; write {{ get $instead .key }} instead
{{- else if and (eq $mode "Standard") (hasPrefix "autoscaling.knative.dev/" .key) }}
{{ .map }}: {{ .key }} has no effect in deploymentMode Standard; remove it, or set deploymentMode=Knative
{{- else if and .root.Values.kubeflow.enabled (eq .key "sidecar.istio.io/inject") (ne .value "true") }}
{{ .map }}: {{ .key }} keeps the predictor out of the mesh, into which kubeflow.enabled puts it; remove it, or set kubeflow.enabled=false
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about hosts of DomainMappings. */}}
{{- define "torchserve-kserve.validate.domains" -}}
{{- if and .Values.domainMapping.hosts (ne .Values.deploymentMode "Knative") }}
domainMapping.hosts: Knative's gateway takes no host for the plain Service of deploymentMode {{ .Values.deploymentMode }}; remove it, the host comes from KServe's own setting domainTemplate, or set deploymentMode=Knative
{{- end }}
{{- range .Values.domainMapping.hosts }}
{{- if hasSuffix ".cluster.local" . }}
domainMapping.hosts: {{ . }} is a name of the cluster's own, which Knative refuses; write one of another domain
{{- end }}
{{- end }}
{{- if and .Values.domainMapping.tlsSecretName (not .Values.domainMapping.hosts) }}
domainMapping.tlsSecretName is the certificate of no host; set domainMapping.hosts, or remove it
{{- end }}
{{- end -}}
