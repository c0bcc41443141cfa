{{/* The server's environment: what the chart writes, the user's own, a certificate authority. */}}

{{/* in: root; out: YAML list of the variables by which Python's libraries find the authority, or nothing. In our own runtime they name
the file that the start program makes of it and the usual ones; another's has the authority alone. */}}
{{- define "torchserve-kserve.caEnv" -}}
{{- if include "torchserve-kserve.hasCa" .Values.runtime.ca }}
{{- $file := include (ternary "torchserve-kserve.caBundle" "torchserve-kserve.caFile" .Values.runtime.create) . }}
{{- if .Values.runtime.create }}
- {name: TORCHSERVE_KSERVE_CA, value: {{ include "torchserve-kserve.caFile" . }}}
{{- end }}
{{- range $name := list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" }}
- {name: {{ $name }}, value: {{ $file }}}
{{- end }}
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
