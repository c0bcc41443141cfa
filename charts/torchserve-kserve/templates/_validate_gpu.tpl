{{/* Rules about GPUs: all of it through one switch, so that no half of it is set. */}}

{{/* in: root; out: complaints about them. */}}
{{- define "torchserve-kserve.validate.gpu" -}}
{{- include (ternary "torchserve-kserve.validate.gpuOn" "torchserve-kserve.validate.gpuOff" .Values.gpu.enabled) . }}
{{- include "torchserve-kserve.validate.gpuVariable" . }}
{{- end -}}

{{/* in: root; out: complaints about what has no effect while the switch is off, or does half of its work. */}}
{{- define "torchserve-kserve.validate.gpuOff" -}}
{{- if gt (int .Values.gpu.count) 1 }}
gpu.count is {{ int .Values.gpu.count }} while gpu.enabled is false, so the server gets no GPU; set gpu.enabled=true, or remove it
{{- end }}
{{- range $key, $given := pick .Values.gpu "runtimeClassName" "tolerations" "nodeSelector" }}
{{- if $given }}
gpu.{{ $key }} is set while gpu.enabled is false, so the server gets no GPU; set gpu.enabled=true, or remove it
{{- end }}
{{- end }}
{{- range $kind, $quantities := .Values.runtime.resources }}
{{- range $name, $_ := $quantities }}
{{- if regexMatch "^(nvidia[.]com|amd[.]com|([a-z]+[.])?intel[.]com|habana[.]ai)/" $name }}
runtime.resources.{{ $kind }} has {{ $name }} while gpu.enabled is false, so the server keeps its image for CPUs; remove it and set gpu.enabled=true, gpu.resourceName={{ $name }} and gpu.count instead
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what contradicts the switch. */}}
{{- define "torchserve-kserve.validate.gpuOn" -}}
{{- range $kind, $quantities := .Values.runtime.resources }}
{{- if hasKey ($quantities | default dict) $.Values.gpu.resourceName }}
runtime.resources.{{ $kind }} has {{ $.Values.gpu.resourceName }}, which the chart writes from gpu.count; remove it and set gpu.count instead
{{- end }}
{{- end }}
{{- $image := .Values.gpu.image }}
{{- if and .Values.runtime.create (not (or $image.tag $image.digest)) }}
gpu.image has neither tag nor digest; set one of them
{{- end }}
{{- if and (not .Values.runtime.create) (or $image.registry $image.repository $image.digest) }}
gpu.image is set while runtime.create is false, and the server's image is the one of the runtime {{ .Values.runtime.name | quote }}; remove gpu.image, or set runtime.create=true
{{- end }}
{{- if and .Values.gpu.runtimeClassName .Values.predictor.runtimeClassName }}
predictor.runtimeClassName is set beside gpu.runtimeClassName, and a pod has one; remove one of the two
{{- end }}
{{- range .Values.gpu.tolerations }}
{{- if and (eq (.operator | default "Equal") "Exists") .value }}
gpu.tolerations: the operator Exists takes no value; remove the value {{ .value | quote }}, or write Equal
{{- end }}
{{- if and .tolerationSeconds (ne (.effect | default "") "NoExecute") }}
gpu.tolerations: tolerationSeconds is for the effect NoExecute alone; write effect: NoExecute, or remove it
{{- end }}
{{- if and (not .key) (ne (.operator | default "Equal") "Exists") }}
gpu.tolerations: without a key it has to be for every taint; write its key, or operator: Exists
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about variables: GPUs that the container gets past Kubernetes, which then gives them to other pods, too;
what TorchServe does not understand. */}}
{{- define "torchserve-kserve.validate.gpuVariable" -}}
{{- range .Values.runtime.env }}
{{- if and (eq .name "NVIDIA_VISIBLE_DEVICES") (not (has .value (list "none" "void"))) }}
runtime.env: NVIDIA_VISIBLE_DEVICES gives the server GPUs that Kubernetes gives to other pods, too; remove it and set gpu.enabled=true and gpu.count instead
{{- end }}
{{- if and (eq .name "CUDA_VISIBLE_DEVICES") (not (regexMatch "^(-?[0-9]+(,-?[0-9]+)*)?$" (.value | default ""))) }}
runtime.env: with {{ .value }} in CUDA_VISIBLE_DEVICES TorchServe ends at its start; write the GPUs' numbers, for example 0,1, or remove it
{{- end }}
{{- end }}
{{- end -}}
