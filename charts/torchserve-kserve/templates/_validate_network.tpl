{{/* Rules about monitoring and NetworkPolicies. */}}

{{/* in: root; out: complaints about metrics. */}}
{{- define "torchserve-kserve.validate.metrics" -}}
{{- $metrics := .Values.metrics }}
{{- range $part := list "podMonitor" "prometheusRule" "dashboard" }}
{{- if and (get $metrics $part).enabled (not $metrics.enabled) }}
metrics.{{ $part }}.enabled is true and metrics.enabled is not, so there would be nothing to see; set metrics.enabled=true
{{- end }}
{{- end }}
{{- if and $metrics.enabled (not .Values.runtime.create) }}
metrics.enabled: the port is the chart's own runtime's; set runtime.create=true, or remove it and follow the other runtime's own annotations
{{- end }}
{{- if and $metrics.enabled (eq false .Values.properties.enable_metrics_api) }}
metrics.enabled: with properties.enable_metrics_api false TorchServe listens on no port for metrics; remove it, or metrics.enabled
{{- end }}
{{- if and $metrics.enabled (eq "log" (.Values.properties.metrics_mode | default "")) }}
metrics.enabled: with properties.metrics_mode log TorchServe writes its metrics to its log alone; write prometheus, or remove metrics.enabled
{{- end }}
{{- if and $metrics.from (not $metrics.enabled) }}
metrics.from is set and metrics.enabled is not, so there is no port to open; set metrics.enabled=true, or remove metrics.from
{{- else if and $metrics.from (not .Values.networkPolicy.enabled) }}
metrics.from is set and networkPolicy.enabled is not, so anyone may read the metrics; set networkPolicy.enabled=true, or remove metrics.from
{{- else if and $metrics.podMonitor.enabled .Values.networkPolicy.enabled (not $metrics.from) }}
metrics.podMonitor.enabled: networkPolicy.enabled lets nobody read the metrics as long as metrics.from is empty; set metrics.from, for example [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
{{- end }}
{{- include "torchserve-kserve.validate.metricsPort" . }}
{{- end -}}

{{/* in: root; out: JSON list of the ports in the predictor's pods that something listens on, but for metrics.port: TorchServe, the wrapper,
KServe's agent, queue-proxy, the sidecar of Istio. */}}
{{- define "torchserve-kserve.takenPorts" -}}
{{- $ports := include "torchserve-kserve.ports" . | fromJson -}}
{{- $taken := list -}}
{{- range $name, $port := omit $ports "others" }}{{ $taken = append $taken $port }}{{ end -}}
{{- if include "torchserve-kserve.hasAgent" . -}}{{- $taken = include "torchserve-kserve.agentPort" . | int | append $taken -}}{{- end -}}
{{- if (.Values.logger).storage -}}{{- $taken = append $taken 9083 -}}{{- end -}}
{{- with include "torchserve-kserve.readyPort" . -}}{{- $taken = append $taken (int .) -}}{{- end -}}
{{- if eq .Values.deploymentMode "Knative" -}}{{- $taken = include "torchserve-kserve.queueProxyPorts" . | fromJson | values | concat $taken -}}{{- end -}}
{{- if .Values.kubeflow.enabled -}}{{- $taken = concat $taken (list 15000 15001 15004 15006 15008 15020 15021 15053 15090) -}}{{- end -}}
{{- uniq $taken | toJson -}}
{{- end -}}

{{/* in: root; out: JSON list of the same and metrics.port. */}}
{{- define "torchserve-kserve.podPorts" -}}
{{- include "torchserve-kserve.takenPorts" . | fromJsonArray | concat (list (float64 .Values.metrics.port)) | toJson -}}
{{- end -}}

{{/* in: root; out: a complaint about a metrics port that is one of them. */}}
{{- define "torchserve-kserve.validate.metricsPort" -}}
{{- if has (float64 .Values.metrics.port) (include "torchserve-kserve.takenPorts" . | fromJsonArray) }}
metrics.port {{ int .Values.metrics.port }} is taken in the pod; write another one, for example 8082
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about settings of no policy. */}}
{{- define "torchserve-kserve.validate.network" -}}
{{- $policy := .Values.networkPolicy }}
{{- if not $policy.enabled }}
{{- range $key := list "from" "egress" "seedEgress" }}
{{- $value := index $policy $key }}
{{- if or $value (and (ne $key "from") (not (kindIs "invalid" $value))) }}
networkPolicy.{{ $key }} is set and networkPolicy.enabled is not, so there is no policy to have it; set networkPolicy.enabled=true, or remove networkPolicy.{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $policy.enabled (not (kindIs "invalid" $policy.seedEgress)) (not (include "torchserve-kserve.plan" .)) }}
networkPolicy.seedEgress: there is no seeding Job; remove it, or write networkPolicy.egress for the predictor
{{- end }}
{{- if and $policy.enabled (kindIs "slice" $policy.seedEgress) (not $policy.seedEgress) }}
{{- range (include "torchserve-kserve.parts" . | fromJson).parts }}
{{- if or .uriFrom (has (.uri | default "" | include "torchserve-kserve.kind") (list "http" "storage")) }}
networkPolicy.seedEgress is empty, and the seeding Job fetches {{ .key }} over the network; allow DNS and its server there, or write null
{{- end }}
{{- end }}
{{- end }}
{{- if and $policy.enabled (kindIs "slice" $policy.egress) (not $policy.egress) }}
{{- if and .Values.storageUri (not (hasPrefix "pvc:" .Values.storageUri)) }}
networkPolicy.egress is empty, and KServe fetches storageUri from inside the predictor's pods; allow DNS and its server there, or write null
{{- end }}
{{- if .Values.logger }}
networkPolicy.egress is empty, and KServe's agent sends what logger asks for from inside the predictor's pods; allow DNS and its sink there, or write null
{{- end }}
{{- if .Values.kubeflow.enabled }}
networkPolicy.egress is empty, and the sidecar of kubeflow.enabled gets its settings from istiod, without which no pod gets ready; allow DNS and istiod there, or write null
{{- end }}
{{- if .Values.pip.enabled }}
networkPolicy.egress is empty, and pip.enabled fetches packages from inside the predictor's pods; allow DNS and the index there, or write null
{{- end }}
{{- end }}
{{- end -}}
