{{/* A certificate authority of the user's: runtime.ca of the server, seed.ca of the seeding Job. */}}

{{/* in: runtime.ca or seed.ca; out: "true" where it names one. */}}
{{- define "torchserve-kserve.hasCa" -}}
{{- with . }}{{ if or .configMapName .secretName }}true{{ end }}{{ end -}}
{{- end -}}

{{/* out: its file in a container. */}}
{{- define "torchserve-kserve.caFile" -}}
/etc/torchserve-kserve/ca.crt
{{- end -}}

{{/* out: the file in which the start program joins the server's to the usual ones. */}}
{{- define "torchserve-kserve.caBundle" -}}
/tmp/ca-certificates.crt
{{- end -}}

{{/* in: {ca: runtime.ca or seed.ca, optional: whether the pod starts without it}; out: YAML list with its volume, or nothing. The events
of a pod that does not start say why; a program that may start says so itself. */}}
{{- define "torchserve-kserve.caVolume" -}}
{{- $how := dict "items" (list (dict "key" .ca.key "path" "ca.crt")) -}}
{{- if .optional -}}{{- $_ := set $how "optional" true -}}{{- end -}}
{{- with .ca.configMapName }}
- name: ca
  configMap: {{- merge (dict "name" .) $how | toYaml | nindent 4 }}
{{- end }}
{{- with .ca.secretName }}
- name: ca
  secret: {{- merge (dict "secretName" .) $how | toYaml | nindent 4 }}
{{- end }}
{{- end -}}

{{/* in: runtime.ca or seed.ca; out: YAML list with its mount, or nothing; Knative wants it read-only. */}}
{{- define "torchserve-kserve.caMount" -}}
{{- if include "torchserve-kserve.hasCa" . }}
- {name: ca, mountPath: {{ include "torchserve-kserve.caFile" . | dir }}, readOnly: true}
{{- end }}
{{- end -}}
