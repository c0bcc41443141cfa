{{/* One switch, gpu.enabled: the server's image and resources, TorchServe's number_of_gpu, and which nodes the pods may be on. */}}

{{/* in: root; out: JSON of the server's image, in the form of runtime.image; what gpu.image leaves empty is runtime.image's. */}}
{{- define "torchserve-kserve.serverImage" -}}
{{- $image := .Values.runtime.image -}}
{{- if .Values.gpu.enabled -}}
{{- $image = pick .Values.gpu.image "tag" "digest" -}}
{{- range $key := list "registry" "repository" "pullPolicy" -}}
{{- $_ := get $.Values.gpu.image $key | default (get $.Values.runtime.image $key) | set $image $key -}}
{{- end -}}
{{- end -}}
{{- toJson $image -}}
{{- end -}}

{{/* in: root; out: YAML of the server's resources. Of an extended resource Kubernetes takes the limit as the request. */}}
{{- define "torchserve-kserve.serverResources" -}}
{{- $resources := include "torchserve-kserve.resources" .Values.runtime.resources | fromYaml -}}
{{- if .Values.gpu.enabled -}}
{{- $limits := merge (dict .Values.gpu.resourceName (toString (int .Values.gpu.count))) ($resources.limits | default dict) -}}
{{- $_ := set $resources "limits" $limits -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* in: root; out: YAML map of TorchServe's properties about GPUs, or nothing. It uses as many of those it sees, at most. */}}
{{- define "torchserve-kserve.gpuProperties" -}}
{{- if .Values.gpu.enabled }}
number_of_gpu: {{ int .Values.gpu.count | quote }}
{{- end }}
{{- end -}}

{{/* in: {root, usual: whether tolerations that are not given are those of the usual taint}; out: YAML of the fields that get a pod onto
GPU nodes, or nothing. NVIDIA's taint is that for parts of its GPUs, too. */}}
{{- define "torchserve-kserve.gpuNodeFields" -}}
{{- $gpu := .root.Values.gpu -}}
{{- $tolerations := $gpu.tolerations -}}
{{- if and .usual (kindIs "invalid" $tolerations) -}}
{{- $taint := ternary "nvidia.com/gpu" $gpu.resourceName (hasPrefix "nvidia.com/" $gpu.resourceName) -}}
{{- $tolerations = list (dict "key" $taint "operator" "Exists" "effect" "NoSchedule") -}}
{{- end -}}
{{- with $tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $gpu.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: these of the predictor's pods. Knative takes them only where its administrator has said so, so there they are only
those that were asked for. */}}
{{- define "torchserve-kserve.gpuPodFields" -}}
{{- if .Values.gpu.enabled -}}
{{- include "torchserve-kserve.gpuNodeFields" (dict "root" . "usual" (eq .Values.deploymentMode "Standard")) }}
{{- end -}}
{{- end -}}
