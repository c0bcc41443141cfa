{{/* Rules about several versions of one model. */}}

{{/* in: {root, name, model: its values}; out: complaints about them. */}}
{{- define "torchserve-kserve.validate.versions" -}}
{{- $key := printf "models.%s" .name }}
{{- $versions := .model.versions | default dict }}
{{- if and (hasKey .model "versions") (not $versions) }}
{{ $key }}.versions is empty; name a version and its source in it, or remove it
{{- else if not $versions }}
{{- if .model.defaultVersion }}
{{ $key }}.defaultVersion is set without versions, and the one version is the default anyway; set {{ $key }}.version, or remove it
{{- end }}
{{- else }}
{{- range omit .model "versions" "defaultVersion" "example" | keys | sortAlpha }}
{{ $key }} has {{ . }} beside versions, where it belongs to no version; move it into each of them that needs it
{{- end }}
{{- if and .model.defaultVersion (not (hasKey $versions .model.defaultVersion)) }}
{{ $key }}.defaultVersion {{ .model.defaultVersion | quote }} is none of its versions; write one of {{ keys $versions | sortAlpha | join ", " }}
{{- else if and (gt (len $versions) 1) (not .model.defaultVersion) }}
{{ $key }} has {{ len $versions }} versions and no default; set {{ $key }}.defaultVersion to the one that a call without a version gets: {{ keys $versions | sortAlpha | join ", " }}
{{- end }}
{{- include "torchserve-kserve.validate.versionFiles" . }}
{{- end }}
{{- end -}}

{{/* in: {root, name, model}; out: complaints about two versions that are one archive, which says itself which version it is, and about
two uploads, which the seeding pod would not tell apart. */}}
{{- define "torchserve-kserve.validate.versionFiles" -}}
{{- $name := .name }}
{{- $seen := dict }}
{{- $uploads := list }}
{{- range $_, $model := include "torchserve-kserve.models" .root | fromJson }}
{{- if eq $model.name $name }}
{{- with get $seen $model.file }}
models.{{ $name }}.versions: {{ . }} and {{ $model.version }} are one archive, and an archive has one version in its manifest; give each its own source
{{- end }}
{{- if $model.file }}{{ $_ := set $seen $model.file $model.version }}{{ end }}
{{- if hasPrefix "upload://" ($model.source.uri | default "") }}{{ $uploads = append $uploads $model.version }}{{ end }}
{{- end }}
{{- end }}
{{- if gt (len $uploads) 1 }}
models.{{ $name }}.versions: {{ join " and " $uploads }} both wait for an upload, and an upload names the model only; keep upload:// in one of them
{{- end }}
{{- end -}}
