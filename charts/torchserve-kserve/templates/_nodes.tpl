{{/* Which nodes the seeding Job's pod may be on: with a claim for one node it has to meet the predictor, and a Job that came first to
a node that the predictor can't take would keep it waiting for ever. */}}

{{/* in: {root, usual: as for gpuNodeFields}; out: JSON of tolerations and nodeSelector of the predictor, GPU nodes' and those that are
passed through. Of a list that is passed through KServe would forget the runtime's. */}}
{{- define "torchserve-kserve.predictorNodes" -}}
{{- $gpu := dict -}}
{{- if .root.Values.gpu.enabled -}}{{- $gpu = include "torchserve-kserve.gpuNodeFields" . | fromYaml -}}{{- end -}}
{{- $given := pick .root.Values.predictor "tolerations" "nodeSelector" -}}
{{- $tolerations := concat ($gpu.tolerations | default list) ($given.tolerations | default list) | uniq -}}
{{- $selector := merge (dict) ($given.nodeSelector | default dict) ($gpu.nodeSelector | default dict) -}}
{{- dict "tolerations" $tolerations "nodeSelector" $selector | toJson -}}
{{- end -}}

{{/* in: root; out: YAML of these fields in the Job's pod, or nothing. */}}
{{- define "torchserve-kserve.jobNodeFields" -}}
{{- if include "torchserve-kserve.oneNode" . -}}
{{- range $field, $value := include "torchserve-kserve.predictorNodes" (dict "root" . "usual" true) | fromJson }}
{{- with $value }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML of the Job's affinity, or nothing: the claim's, and the predictor's to nodes. */}}
{{- define "torchserve-kserve.jobAffinity" -}}
{{- include "torchserve-kserve.claimAffinity" . }}
{{- if include "torchserve-kserve.oneNode" . -}}
{{- with (.Values.predictor.affinity).nodeAffinity }}
nodeAffinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}
