{{/* Rules about the predictor: what each deployment mode can't do, the runtime's flavour and image. */}}

{{/* in: root; out: complaints about scaling and traffic. KServe would ignore in Standard mode what only Knative does. */}}
{{- define "torchserve-kserve.validate.scaling" -}}
{{- if and (gt (int .Values.minReplicas) (int .Values.maxReplicas)) (not (has .Values.autoscalerClass (list "none" "external"))) }}
minReplicas {{ int .Values.minReplicas }} is more than maxReplicas {{ int .Values.maxReplicas }}; raise maxReplicas or lower minReplicas
{{- end }}
{{- include (printf "torchserve-kserve.validate.scaling%s" .Values.deploymentMode) . }}
{{- end -}}

{{/* in: root; out: what Standard mode can't do. Whether KEDA can scale to zero depends on its metrics. */}}
{{- define "torchserve-kserve.validate.scalingStandard" -}}
{{- if and (lt (int .Values.minReplicas) 1) (not (has .Values.autoscalerClass (list "keda" "external"))) }}
minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more
{{- end }}
{{- include "torchserve-kserve.validate.knativeAlone" (dict "given" .Values "at" "") }}
{{- if eq "hpa" (include "torchserve-kserve.autoscalerClass" .) }}
{{- include "torchserve-kserve.validate.scalingHpa" . }}
{{- end }}
{{- end -}}

{{/* in: {given: of the predictor or another component, at: what its keys stand after}; out: complaints about what Standard mode ignores. */}}
{{- define "torchserve-kserve.validate.knativeAlone" -}}
{{- range $key, $does := dict "canaryTrafficPercent" "splits no traffic" "containerConcurrency" "limits no pod's requests" }}
{{- if not (kindIs "invalid" (index $.given $key)) }}
{{ $.at }}{{ $key }}: deploymentMode Standard {{ $does }}, KServe would ignore it; remove it, or use deploymentMode Knative
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what Kubernetes' autoscaler scales by. KServe checks its target where the class is written. */}}
{{- define "torchserve-kserve.validate.scalingHpa" -}}
{{- if has .Values.scaleMetric (list "concurrency" "rps") }}
scaleMetric {{ .Values.scaleMetric }}: deploymentMode Standard scales by cpu or memory; write one of them, or use deploymentMode Knative
{{- end }}
{{- include "torchserve-kserve.validate.memoryTarget" (dict "root" . "unit" "percent of the memory request") }}
{{- if .Values.autoscalerClass }}
{{- include "torchserve-kserve.validate.hpaTarget" (dict "root" . "class" "hpa" "unit" "percent of the request") }}
{{- end }}
{{- end -}}

{{/* in: root; out: what Knative mode can't do. Its autoscaler for CPU and memory has to be chosen. */}}
{{- define "torchserve-kserve.validate.scalingKnative" -}}
{{- $hpa := eq "hpa.autoscaling.knative.dev" (include "torchserve-kserve.autoscalerClass" .) }}
{{- if and (has .Values.scaleMetric (list "cpu" "memory")) (not $hpa) }}
scaleMetric {{ .Values.scaleMetric }}: deploymentMode Knative scales by concurrency or rps; write one of them, or choose the other autoscaler by autoscalerClass: hpa.autoscaling.knative.dev
{{- end }}
{{- if $hpa }}
{{- if has .Values.scaleMetric (list "concurrency" "rps") }}
scaleMetric {{ .Values.scaleMetric }}: the autoscaler hpa.autoscaling.knative.dev scales by cpu or memory; write one of them, or remove autoscalerClass
{{- end }}
{{- include "torchserve-kserve.validate.memoryTarget" (dict "root" . "unit" "MiB") }}
{{- include "torchserve-kserve.validate.hpaTarget" (dict "root" . "class" "hpa.autoscaling.knative.dev" "unit" "percent of the CPU request or MiB of memory") }}
{{- if lt (int .Values.minReplicas) 1 }}
minReplicas 0: the autoscaler hpa.autoscaling.knative.dev can't scale to zero; write 1 or more, or remove autoscalerClass
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {root, unit}; out: a complaint about memory without a target: KServe knows a default for cpu only. */}}
{{- define "torchserve-kserve.validate.memoryTarget" -}}
{{- if and (eq "memory" (.root.Values.scaleMetric | default "")) (kindIs "invalid" .root.Values.scaleTarget) }}
scaleMetric memory: without scaleTarget KServe writes no metric, and Kubernetes would scale by cpu; set scaleTarget, {{ .unit }}
{{- end }}
{{- end -}}

{{/* in: {root, class, unit}; out: a complaint about a target that KServe refuses. */}}
{{- define "torchserve-kserve.validate.hpaTarget" -}}
{{- if gt (int .root.Values.scaleTarget) 100 }}
scaleTarget {{ int .root.Values.scaleTarget }}: with the autoscaler {{ .class }} KServe takes no more than 100 ({{ .unit }}); write 100 or less
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about a request that is given up before the model may answer. */}}
{{- define "torchserve-kserve.validate.timeout" -}}
{{- $knative := eq .Values.deploymentMode "Knative" }}
{{- $given := not (kindIs "invalid" .Values.timeout) }}
{{- $timeout := ternary .Values.timeout 300 $given | default 300 | int }}
{{- range $name, $model := include "torchserve-kserve.models" . | fromJson }}
{{- if and (or $given $knative) (gt (int $model.responseTimeout) $timeout) }}
models.{{ $name }}.responseTimeout {{ int $model.responseTimeout }} is more than {{ ternary (printf "timeout %d" $timeout) "Knative's timeout of 300 seconds" $given }}, when the request is given up; set timeout to {{ int $model.responseTimeout }} or more{{ if and $knative (gt (int $model.responseTimeout) 600) }}, where Knative's administrator has raised max-revision-timeout-seconds (600) to that{{ end }}, or lower responseTimeout
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the server's flavour, protocol, envelope and image. */}}
{{- define "torchserve-kserve.validate.runtime" -}}
{{- $runtime := .Values.runtime }}
{{- $image := include "torchserve-kserve.serverImage" . | fromJson }}
{{- $repository := $image.repository }}
{{- $reference := include "torchserve-kserve.image" (dict "root" . "image" $image) }}
{{- $key := ternary "gpu.image" "runtime.image" (and .Values.gpu.enabled .Values.gpu.image.repository | empty | not) }}
{{- if not (or $runtime.image.tag $runtime.image.digest) }}
runtime.image has neither tag nor digest; set one of them
{{- end }}
{{- if and (eq $runtime.flavor "native") (eq .Values.protocol "grpc-v2") }}
protocol grpc-v2: TorchServe itself does not speak it on KServe's port; set runtime.flavor=wrapper with an image that has the wrapper, or write protocol v2
{{- end }}
{{- if and $runtime.create (eq $runtime.flavor "wrapper") (regexMatch "(^|/)pytorch/torchserve$" $repository) }}
runtime.flavor wrapper: the image {{ $repository }} has no wrapper; write {{ $key }}.repository=pytorch/torchserve-kfs and {{ $key }}.tag=0.12.0{{ if eq $key "gpu.image" }}-gpu{{ end }}, or use the project's own image
{{- end }}
{{- if and $runtime.create (eq $runtime.flavor "wrapper") (regexMatch "(^|/)pytorch/torchserve-kfs:0[.][0-9]([.-].*)?$" $reference) }}
runtime.flavor wrapper: the wrapper in {{ $reference }} reads its configuration from one path that is not the chart's; write {{ $key }}.tag=0.12.0, or at least 0.10.0
{{- end }}
{{- if and $runtime.create (eq $runtime.serviceEnvelope "torchserve_kserve") (regexMatch "(^|/)pytorch/torchserve(-kfs)?$" $repository) }}
runtime.serviceEnvelope torchserve_kserve: the image {{ $repository }} does not have that envelope; write stock, or use the project's own image
{{- end }}
{{- include "torchserve-kserve.validate.runtimeName" . }}
{{- end -}}
