{{/* pip, which TorchServe runs for the requirements file of an archive (install_py_dep_per_model). */}}

{{/* in: root; out: YAML list of the server's variables that are pip's options, or nothing. Only /tmp is writable, and TorchServe reads
pip's output when pip has ended, so that more than a pipe's 64 KiB of it would stop both. An index that does not answer is given up after
three tries of ten seconds. */}}
{{- define "torchserve-kserve.pipEnv" -}}
{{- with .Values.pip }}
{{- if .enabled }}
{{- with .indexUrl }}
- {name: PIP_INDEX_URL, value: {{ . | quote }}}
{{- end }}
{{- with .extraIndexUrl }}
- {name: PIP_EXTRA_INDEX_URL, value: {{ join " " . | quote }}}
{{- end }}
{{- with .trustedHost }}
- {name: PIP_TRUSTED_HOST, value: {{ join " " . | quote }}}
{{- end }}
- {name: PIP_NO_CACHE_DIR, value: "1"}
- {name: PIP_DISABLE_PIP_VERSION_CHECK, value: "1"}
- {name: PIP_NO_INPUT, value: "1"}
- {name: PIP_QUIET, value: "1"}
- {name: PIP_RETRIES, value: "2"}
- {name: PIP_TIMEOUT, value: "10"}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: the Secret with pip's login, or nothing. */}}
{{- define "torchserve-kserve.pipSecret" -}}
{{- if .Values.pip.enabled -}}{{ .Values.pip.credentials.secretName }}{{- end -}}
{{- end -}}
