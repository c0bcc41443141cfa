{{/* Who says how many pods there are, and what of KServe's fields that autoscaler reads. */}}

{{/* in: root; out: the autoscaler's class, KServe's (or Knative's) default where none is given. */}}
{{- define "torchserve-kserve.autoscalerClass" -}}
{{- .Values.autoscalerClass | default (ternary "kpa.autoscaling.knative.dev" "hpa" (eq .Values.deploymentMode "Knative")) -}}
{{- end -}}

{{/* in: root; out: YAML map of the annotation that chooses it, or nothing. KServe looks for it on the InferenceService alone. */}}
{{- define "torchserve-kserve.autoscalerAnnotation" -}}
{{- with .Values.autoscalerClass }}
{{ ternary "autoscaling.knative.dev/class" "serving.kserve.io/autoscalerClass" (eq $.Values.deploymentMode "Knative") }}: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML map of what KServe reads of how many pods: with none it writes minReplicas into the Deployment, with
external it leaves the number alone. */}}
{{- define "torchserve-kserve.replicas" -}}
{{- $class := include "torchserve-kserve.autoscalerClass" . -}}
{{- if ne $class "external" -}}
minReplicas: {{ int .Values.minReplicas }}
{{- if ne $class "none" }}
maxReplicas: {{ int .Values.maxReplicas }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* in: root; out: how many pods the values ask for at most. */}}
{{- define "torchserve-kserve.mostReplicas" -}}
{{- max (int .Values.minReplicas) (int .Values.maxReplicas) -}}
{{- end -}}
