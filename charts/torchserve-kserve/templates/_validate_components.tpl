{{/* Rules about the transformer and the explainer, which are passed through to KServe. */}}

{{/* in: root; out: complaints about a transformer and an explainer that KServe would refuse. */}}
{{- define "torchserve-kserve.validate.components" -}}
{{- if and .Values.transformer (not .Values.transformer.containers) }}
transformer.containers is not set; write the transformer's container, for example [{name: kserve-container, image: …}]
{{- end }}
{{- if and .Values.explainer (not (or .Values.explainer.containers .Values.explainer.art)) }}
explainer has neither containers nor art; write the explainer's container, for example [{name: kserve-container, image: …}]
{{- end }}
{{- range $component := list "transformer" "explainer" }}
{{- include "torchserve-kserve.validate.componentScaling" (dict "root" $ "name" $component "given" (index $.Values $component | default dict)) }}
{{- end }}
{{- end -}}

{{/* in: {root, name, given}; out: complaints about how one of them scales, as for the predictor. */}}
{{- define "torchserve-kserve.validate.componentScaling" -}}
{{- $standard := eq .root.Values.deploymentMode "Standard" }}
{{- $least := ternary 1 .given.minReplicas (kindIs "invalid" .given.minReplicas) | int }}
{{- if and .given.maxReplicas (gt $least (int .given.maxReplicas)) }}
{{ .name }}.minReplicas {{ $least }} is more than its maxReplicas {{ int .given.maxReplicas }}; raise maxReplicas or lower minReplicas
{{- end }}
{{- if and $standard (lt $least 1) }}
{{ .name }}.minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more
{{- end }}
{{- if $standard }}
{{- include "torchserve-kserve.validate.knativeAlone" (dict "given" .given "at" (printf "%s." .name)) }}
{{- end }}
{{- end -}}
