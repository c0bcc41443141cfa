{{/* Rules about where the archives come from: each model's source, and all that is fetched for it. */}}

{{/* in: root; out: complaints about the models' sources. */}}
{{- define "torchserve-kserve.validate.sources" -}}
{{- range $path, $one := include "torchserve-kserve.versions" . | fromJson }}
{{- $model := $one.given }}
{{- $key := printf "models.%s" $path }}
{{- $sources := list }}
{{- range $source := list "uri" "uriFrom" "build" "marName" }}
{{- if get $model $source }}{{ $sources = append $sources $source }}{{ end }}
{{- end }}
{{- if gt (len $sources) 1 }}
{{ $key }} has {{ join " and " $sources }}; keep one: uri, uriFrom or build for what the seeding Job brings (the chart names the file), marName for a file that is on the claim
{{- else if not $sources }}
{{ $key }} has no source; set {{ if $.Values.storageUri }}{{ $key }}.marName to its file in the model-store of storageUri{{ else }}{{ $key }}.uri to where its archive is, or {{ $key }}.marName to a file that is on an existing claim{{ end }}
{{- else if $model.marName }}
{{- include "torchserve-kserve.validate.marName" (dict "root" $ "key" $key "model" $model) }}
{{- else if and $.Values.storageUri (not (hasPrefix "pvc:" $.Values.storageUri)) }}
{{ $key }}.{{ first $sources }} would be seeded to a claim, and with storageUri there is none; write {{ $key }}.marName, the file in the model-store of {{ $.Values.storageUri }}, or remove storageUri
{{- else if $model.build }}
{{- include "torchserve-kserve.validate.build" (dict "key" $key "model" $model) }}
{{- end }}
{{- end }}
{{- range (include "torchserve-kserve.parts" . | fromJson).parts }}
{{- include "torchserve-kserve.validate.part" (dict "root" $ "part" .) }}
{{- end }}
{{- include "torchserve-kserve.validate.shared" . }}
{{- end -}}

{{/* in: {root, key, model}; out: complaints about a file that is there already. */}}
{{- define "torchserve-kserve.validate.marName" -}}
{{- if not (regexMatch "^[A-Za-z0-9_-]+([.]mar)?$" .model.marName) }}
{{ .key }}.marName {{ .model.marName | quote }} is nothing that TorchServe finds in model-store; write a name of letters, digits, '_' and '-' that ends in .mar and has no other dot, or a directory's without a dot
{{- end }}
{{- if not (include "torchserve-kserve.filledBefore" .root) }}
{{ .key }} has no uri, so its file would have to be on an existing claim; set {{ .key }}.uri, or persistence.create=false and persistence.existingClaim, or for a volume that has it persistence.volumeName, selector or dataSource
{{- end }}
{{- if .model.sha256 }}
{{ .key }}.sha256 is checked when the archive is downloaded from a uri; remove it, or set {{ .key }}.uri instead of marName
{{- end }}
{{- if .model.credentials }}
{{ .key }}.credentials are sent to the server of a uri; remove them, or set {{ .key }}.uri instead of marName
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about two models that have one source and want it to be two files: it is fetched once, for the first. */}}
{{- define "torchserve-kserve.validate.shared" -}}
{{- $first := dict }}
{{- range $name, $model := include "torchserve-kserve.models" . | fromJson }}
{{- if and $model.source (not $model.source.build) }}
{{- $what := ternary "uri" "uriFrom" (hasKey $model.source "uri") }}
{{- $source := get $model.source $what | toJson }}
{{- $wanted := dict "sha256" $model.sha256 "version" $model.version "credentials" ($model.source.credentials | default "") }}
{{- $mine := dict "name" $name "model" $model.name "wanted" $wanted }}
{{- $other := get $first $source | default $mine }}
{{- include "torchserve-kserve.validate.sharedBy" (dict "what" $what "mine" $mine "other" $other) }}
{{- $_ := set $first $source $other }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {what: uri or uriFrom, mine and other: {name, model, wanted}}; out: complaints about what the two want differently. Two
versions of one model that are one archive are refused on their own. */}}
{{- define "torchserve-kserve.validate.sharedBy" -}}
{{- $wanted := .mine.wanted }}
{{- range $key := ternary (omit $wanted "version") $wanted (eq .other.model .mine.model) | keys | sortAlpha }}
{{- if ne (get $wanted $key) (get $.other.wanted $key) }}
models.{{ $.mine.name }} and models.{{ $.other.name }} have one {{ $.what }} and different {{ $key }}; write the same {{ $key }} for both
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {key, model}; out: complaints about a build as a whole; parts are looked at like other sources. */}}
{{- define "torchserve-kserve.validate.build" -}}
{{- $handler := .model.build.handler }}
{{- range $option := list "sha256" "credentials" }}
{{- if get $.model $option }}
{{ $.key }}.{{ $option }} is for one file, and a build has several; write it beside each part's uri
{{- end }}
{{- end }}
{{- if and (kindIs "string" $handler) (not (contains "://" $handler)) }}
{{- if not (regexMatch "^[a-z][a-z0-9_]*$" $handler) }}
{{ .key }}.build.handler {{ $handler | quote }} is neither a built-in handler nor a URI; write for example image_classifier, or configMap://my-code/handler.py
{{- end }}
{{- end }}
{{- $seen := dict }}
{{- range (include "torchserve-kserve.build" .model.build | fromJson | include "torchserve-kserve.buildParts" | fromJson).parts }}
{{- $name := .uri | default "" | include "torchserve-kserve.fileName" }}
{{- if and .uri (hasKey $seen $name) (not (hasSuffix "/" .uri)) }}
{{ $.key }}.build: {{ get $seen $name }} and {{ .option }} both name a file {{ $name | quote }}, and an archive has one; rename one of them
{{- end }}
{{- $_ := set $seen $name .option }}
{{- end }}
{{- end -}}
