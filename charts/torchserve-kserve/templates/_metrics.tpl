{{/* Monitoring: where TorchServe's metrics are, and what Prometheus and Grafana are told of them. */}}

{{/* in: root; out: regular expression of the predictor pods' names: a Deployment's in Standard mode, a revision's in Knative mode. It
does not match the pods of a release whose name begins with this one's. */}}
{{- define "torchserve-kserve.podPattern" -}}
{{ include "torchserve-kserve.predictorService" . }}-{{ ternary "[a-z0-9]+" "[0-9]+-deployment-[a-z0-9]+" (eq .Values.deploymentMode "Standard") }}-[a-z0-9]{5}
{{- end -}}

{{/* in: root; out: selector of the predictor's series, without its braces. */}}
{{- define "torchserve-kserve.series" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "torchserve-kserve.podPattern" . }}"
{{- end -}}

{{/* in: root; out: YAML map of the labels that all pods of the predictor have; KServe writes both. */}}
{{- define "torchserve-kserve.predictorSelector" -}}
serving.kserve.io/inferenceservice: {{ .Release.Name | quote }}
component: predictor
{{- end -}}

{{/* in: root; out: YAML map of the pods' annotations for scrapers that go by them, or nothing. */}}
{{- define "torchserve-kserve.scrapeAnnotations" -}}
{{- if .Values.metrics.enabled }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .Values.metrics.port | int | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of the PodMonitor's endpoint. Knative lets a container name one port only, so its target is the pod's address at
the port that Knative does not know. */}}
{{- define "torchserve-kserve.metricsEndpoint" -}}
{{- $monitor := .Values.metrics.podMonitor -}}
port: {{ ternary "metrics" "user-port" (eq .Values.deploymentMode "Standard") }}
path: /metrics
interval: {{ $monitor.interval }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if eq .Values.deploymentMode "Knative" }}
relabelings:
  - sourceLabels: [__address__]
    regex: (.+):[0-9]+
    replacement: $1:{{ int .Values.metrics.port }}
    targetLabel: __address__
{{- end }}
{{- end -}}

{{/* in: root; out: Grafana's dashboard of this release, JSON. */}}
{{- define "torchserve-kserve.dashboard" -}}
{{- $series := include "torchserve-kserve.series" . | replace "\"" "\\\"" -}}
{{- $name := printf "%s/%s" .Release.Namespace .Release.Name -}}
{{- $uid := printf "torchserve-%s" (include "torchserve-kserve.hash" $name) -}}
{{- .Files.Get "files/dashboard.json" | replace "@series@" $series | replace "@name@" $name | replace "@uid@" $uid | replace "@release@" .Release.Name | replace "@namespace@" .Release.Namespace -}}
{{- end -}}
