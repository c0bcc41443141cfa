{{/* The server's environment: what the chart writes, the user's own, a certificate authority. */}}

{{/* in: root; out: "true" where there is an authority for the server. */}}
{{- define "torchserve-kserve.hasCa" -}}
{{- with .Values.runtime.ca }}{{ if or .configMapName .secretName }}true{{ end }}{{ end -}}
{{- end -}}

{{/* out: the file of the authority in the server's container. */}}
{{- define "torchserve-kserve.caFile" -}}
/etc/torchserve-kserve/ca.crt
{{- end -}}

{{/* in: root; out: YAML list of the variables by which Python's libraries find the authority, or nothing. */}}
{{- define "torchserve-kserve.caEnv" -}}
{{- if include "torchserve-kserve.hasCa" . }}
{{- range $name := list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" }}
- {name: {{ $name }}, value: {{ include "torchserve-kserve.caFile" $ }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list with the authority's volume, or nothing. Without it the pod does not start, and its events say why. */}}
{{- define "torchserve-kserve.caVolume" -}}
{{- $ca := .Values.runtime.ca -}}
{{- with $ca.configMapName }}
- name: ca
  configMap: {name: {{ . | quote }}, items: [{key: {{ $ca.key | quote }}, path: ca.crt}]}
{{- end }}
{{- with $ca.secretName }}
- name: ca
  secret: {secretName: {{ . | quote }}, items: [{key: {{ $ca.key | quote }}, path: ca.crt}]}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list with its mount, or nothing; Knative wants it read-only. */}}
{{- define "torchserve-kserve.caMount" -}}
{{- if include "torchserve-kserve.hasCa" . }}
- {name: ca, mountPath: {{ include "torchserve-kserve.caFile" . | dir }}, readOnly: true}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list of variables that a user without an entry in the image's /etc/passwd needs, or nothing: such a one has
no home and no name, which libraries ask for. */}}
{{- define "torchserve-kserve.userEnv" -}}
{{- if ne (int .Values.securityContext.runAsUser) 1000 }}
- {name: HOME, value: /tmp}
- {name: USER, value: model-server}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list of the environment that the chart writes into its own runtime. OMP_NUM_THREADS gives way to the user's. */}}
{{- define "torchserve-kserve.serverEnv" -}}
{{- $given := list -}}
{{- range .Values.runtime.env }}{{ $given = append $given .name }}{{ end -}}
- {name: TEMP, value: /tmp}
- {name: LOG_LOCATION, value: /tmp/logs}
- {name: METRICS_LOCATION, value: /tmp/logs}
- {name: PYTHONUNBUFFERED, value: "1"}
{{- with ternary "" (include "torchserve-kserve.threads" .) (has "OMP_NUM_THREADS" $given) }}
- {name: OMP_NUM_THREADS, value: {{ . | quote }}}
{{- end }}
{{- if eq .Values.runtime.flavor "wrapper" }}
{{ include "torchserve-kserve.wrapperEnv" . }}
{{- end }}
{{- include "torchserve-kserve.pipEnv" . }}
{{- include "torchserve-kserve.userEnv" . }}
{{- include "torchserve-kserve.caEnv" . }}
{{- end -}}
