{{/* The alerts: what they ask Prometheus, and what they say. docs/monitoring.md has a remedy for each. */}}

{{/* in: {root, name, severity, summary, description, expr, for}; out: YAML list with one alerting rule. */}}
{{- define "torchserve-kserve.alert" -}}
- alert: {{ .name }}
  expr: {{ .expr | quote }}
  for: {{ .for | default .root.Values.metrics.prometheusRule.for }}
  labels:
    severity: {{ .severity }}
    release: {{ .root.Release.Name | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
  annotations:
    summary: {{ printf "%s/%s: %s" .root.Release.Namespace .root.Release.Name .summary | quote }}
    description: {{ .description | quote }}
{{ end -}}

{{/* in: root; out: true where no pod at all may be right: scaled to zero, or by an autoscaler of the user's own, which sets its own minimum. */}}
{{- define "torchserve-kserve.mayBeAtZero" -}}
{{- if or (eq 0 (int .Values.minReplicas)) (eq .Values.autoscalerClass "external") }}true{{ end -}}
{{- end -}}

{{/* in: root; out: YAML list of the alerts about the pods, by kube-state-metrics. A release that may be at zero is silent there, and
all are where Prometheus has nothing of kube-state-metrics: the zero for no ready pod is made of what that says of any pod. */}}
{{- define "torchserve-kserve.podAlerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $ready := printf "kube_pod_status_ready{%s,condition=\"true\"}" (include "torchserve-kserve.series" .) -}}
{{- $few := printf "(sum(%s) or 0 * count(kube_pod_status_ready)) < %d" $ready (int .Values.minReplicas) -}}
{{- $expr := ternary (printf "sum(%s) == 0" $ready) $few (include "torchserve-kserve.mayBeAtZero" . | eq "true") -}}
{{- include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeModelNotReady" "severity" "critical" "expr" $expr
  "for" $rule.notReadyFor
  "summary" "too few pods have all their models ready"
  "description" "{{ $value }} pods are ready. Look at the pods' events and logs, and at the seeding Job's.") }}
{{- if include "torchserve-kserve.plan" . }}
{{- $job := printf "kube_job_failed{namespace=\"%s\",job_name=~\"%s-seed-[0-9a-f]{10}\",condition=\"true\"} > 0" .Release.Namespace .Release.Name }}
{{ include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeSeedFailed" "severity" "critical" "expr" $job "for" "0m"
  "summary" "the seeding Job has failed"
  "description" "Job {{ $labels.job_name }} is not tried again. The end of its log has the reason; then delete it and repeat helm upgrade.") }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list of the alerts about TorchServe's own metrics. A worker that has died loads its model again, which is a new
WorkerLoadTime under its name. Requests2XX counts the probes' calls, too, so errors are told by the share of predict calls. */}}
{{- define "torchserve-kserve.serverAlerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $of := include "torchserve-kserve.series" . -}}
{{- if not (include "torchserve-kserve.mayBeAtZero" .) }}
{{ include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeMetricsAbsent" "severity" "warning"
  "expr" (printf "absent(WorkerLoadTime{%s})" $of)
  "for" $rule.notReadyFor
  "summary" "no worker reports metrics"
  "description" "No pod is scraped, or no worker has loaded a model. Look at Prometheus' targets, then at the pods.") }}
{{- end }}
{{ include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeWorkerDied" "severity" "warning" "for" "0m"
  "expr" (printf "sum by (namespace, pod) (changes(WorkerLoadTime{%s}[15m])) > %d" $of (int $rule.workerRestarts))
  "summary" "workers die and are started again"
  "description" "Workers of pod {{ $labels.pod }} were started again {{ $value }} times in 15 minutes. Its log has the handler's last lines; look for memory, too.") }}
{{ include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeQueueTime" "severity" "warning"
  "expr" (printf "sum by (namespace, model_name) (rate(ts_queue_latency_microseconds{%s}[5m])) / sum by (namespace, model_name) (rate(ts_inference_requests_total{%s}[5m])) / 1000 > %d" $of $of (int $rule.queueMilliseconds))
  "summary" "requests wait long for a worker"
  "description" "A request for model {{ $labels.model_name }} waits {{ $value }} ms on average. Add workers, replicas or CPU.") }}
{{ include "torchserve-kserve.alert" (dict "root" . "name" "TorchServeErrors" "severity" "warning"
  "expr" (printf "100 * sum by (namespace) (rate(Requests5XX{%s}[5m])) / sum by (namespace) (rate(ts_inference_requests_total{%s}[5m])) > %d" $of $of (int $rule.errorPercent))
  "summary" "many requests are answered by a 5xx"
  "description" "{{ $value }} of 100 predict calls fail. The pods' logs have the handlers' tracebacks.") }}
{{- end -}}
