{{/* The claim that the chart makes. */}}

{{/* in: root; out: YAML map of its annotations, or nothing. */}}
{{- define "torchserve-kserve.claimAnnotations" -}}
{{- if .Values.persistence.retain }}
helm.sh/resource-policy: keep
{{- end }}
{{- with .Values.persistence.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of where its volume comes from, or nothing: Kubernetes then makes an empty one. */}}
{{- define "torchserve-kserve.claimVolume" -}}
{{- with .Values.persistence.dataSource }}
{{- if .name }}
dataSource:
  {{- with .apiGroup }}
  apiGroup: {{ . | quote }}
  {{- end }}
  kind: {{ .kind }}
  name: {{ .name | quote }}
{{- end }}
{{- end }}
{{- with .Values.persistence.selector }}
selector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.persistence.volumeName }}
volumeName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* in: root; out: "true" where files may be in the model store before the seeding Job has brought any: a claim that is there, or one that
is made of a volume or a copy, or what storageUri names. */}}
{{- define "torchserve-kserve.filledBefore" -}}
{{- $claim := .Values.persistence -}}
{{- if or .Values.storageUri (not $claim.create) $claim.dataSource.name $claim.volumeName $claim.selector -}}true{{- end -}}
{{- end -}}
