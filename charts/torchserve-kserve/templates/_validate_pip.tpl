{{/* Rules about pip, which installs what the requirements files of archives name. */}}

{{/* in: root; out: complaints about its settings. */}}
{{- define "torchserve-kserve.validate.pip" -}}
{{- $pip := .Values.pip }}
{{- if $pip.enabled }}
{{- include "torchserve-kserve.validate.pipUrls" $pip }}
{{- include "torchserve-kserve.validate.pipTime" . }}
{{- if not .Values.runtime.create }}
pip.enabled is true while runtime.create is false: pip's settings are variables of the chart's own runtime; set runtime.create=true, or take a runtime whose image has the packages and remove pip
{{- end }}
{{- if and $pip.credentials.secretName (not $pip.indexUrl) }}
pip.credentials.secretName is set without pip.indexUrl, and PyPI has no login; set pip.indexUrl, or remove the Secret
{{- end }}
{{- else if or $pip.indexUrl $pip.extraIndexUrl $pip.trustedHost $pip.credentials.secretName }}
pip has settings while pip.enabled is false, so nothing is installed; set pip.enabled=true, or remove them
{{- end }}
{{- end -}}

{{/* in: the value pip; out: complaints about the URLs of indexes. */}}
{{- define "torchserve-kserve.validate.pipUrls" -}}
{{- $urls := dict "pip.indexUrl" (compact (list .indexUrl)) "pip.extraIndexUrl" .extraIndexUrl }}
{{- range $key, $list := $urls }}
{{- range $list }}
{{- $url := urlParse . }}
{{- if $url.userinfo }}
{{ $key }} has a login in it, which anyone would read in the runtime; write it without, and name a Secret in pip.credentials.secretName
{{- else if and (eq $url.scheme "http") (not (has $url.host $.trustedHost)) (not (has $url.hostname $.trustedHost)) }}
{{ $key }} {{ . }} is plain http, and pip ignores it unless its host is trusted; write https, or add {{ $url.host }} to pip.trustedHost
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: a complaint where the start would be given up before pip has given up the last index. */}}
{{- define "torchserve-kserve.validate.pipTime" -}}
{{- $seconds := 0 }}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson }}
{{- $seconds = add $seconds (int $model.startupTimeout) }}
{{- end }}
{{- $needed := len (.Values.pip.extraIndexUrl | default list) | add 1 | mul 35 }}
{{- if and .Values.models (lt $seconds $needed) }}
models.<name>.startupTimeout: {{ $seconds }} s for all models together are over before pip has given up {{ ternary "an index that does not answer" "indexes that do not answer" (empty .Values.pip.extraIndexUrl) }}; raise it to {{ $needed }} or more
{{- end }}
{{- end -}}
