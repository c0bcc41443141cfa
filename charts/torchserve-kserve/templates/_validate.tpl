{{/* Rules that values.schema.json can't state, a topic each. Every define returns its complaints, one per line; a complaint
is one sentence: which key, what is wrong, what to write instead. Tests rely on the sentences. */}}

{{/* in: root; out: complaints about the release's name, which is the InferenceService's. */}}
{{- define "torchserve-kserve.validate.release" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) }}
release name {{ .Release.Name | quote }} can't name an InferenceService; install it under one that starts with a letter and holds only a-z, 0-9 and '-'
{{- end }}
{{- if gt (len .Release.Name) 40 }}
release name {{ .Release.Name | quote }} has {{ len .Release.Name }} characters; install it under one of at most 40, because KServe adds to it
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the models' names and how they are served. */}}
{{- define "torchserve-kserve.validate.models" -}}
{{- if not .Values.models }}
models is empty; name a model and its source, for example --set models.bert.uri=https://example.com/bert-model.mar
{{- end }}
{{- range $name, $given := .Values.models }}
{{- $model := $given | default dict }}
{{- if not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" $name) }}
models: the URL can't carry the name {{ $name | quote }}; use at most 63 letters, digits, '.', '_' and '-', with a letter or a digit first
{{- end }}
{{- $minWorkers := $model.minWorkers | default 1 | int }}
{{- if lt ($model.maxWorkers | default $minWorkers | int) $minWorkers }}
models.{{ $name }}.maxWorkers {{ int $model.maxWorkers }} is less than minWorkers {{ $minWorkers }}; raise maxWorkers or lower minWorkers
{{- end }}
{{- if gt ($model.batchSize | default 1 | int) 1 }}
models.{{ $name }}.batchSize {{ int $model.batchSize }}: TorchServe's envelope for protocol {{ $.Values.protocol }} answers only the first request of a batch; write 1 and send several instances in a request
{{- end }}
{{- if and $model.example (not (kindIs "slice" $model.example.instances)) }}
models.{{ $name }}.example is not a request of protocol {{ $.Values.protocol }}; write a list under instances, for example {"instances": [{"data": "Hello World!"}]}
{{- end }}
{{- end }}
{{- /* The test pod gets them as one argument, for which Linux has 128 KiB. */}}
{{- $bytes := include "torchserve-kserve.testRequests" . | len }}
{{- if gt $bytes 102400 }}
models.<name>.example: all examples together are {{ $bytes }} bytes of JSON, more than helm test can send; shorten them to at most 102400 bytes
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about where the models' archives come from. */}}
{{- define "torchserve-kserve.validate.sources" -}}
{{- $sha256 := dict }}
{{- $owner := dict }}
{{- range $name, $given := .Values.models }}
{{- $model := $given | default dict }}
{{- $key := printf "models.%s" $name }}
{{- if and $model.uri $model.marName }}
{{ $key }} has both uri and marName; keep uri alone to download the archive (the chart names the file) or marName alone for a file that is on the claim
{{- else if $model.uri }}
{{- include "torchserve-kserve.validate.uri" (dict "key" (printf "%s.uri" $key) "uri" $model.uri) }}
{{- $sum := $model.sha256 | default "" | lower }}
{{- if and (hasKey $sha256 $model.uri) (ne (get $sha256 $model.uri) $sum) }}
{{ $key }} and models.{{ get $owner $model.uri }} have one uri and different sha256; write the same sha256 for both
{{- end }}
{{- $_ := set $sha256 $model.uri $sum }}
{{- $_ := set $owner $model.uri $name }}
{{- else if $model.marName }}
{{- if not (regexMatch "^[A-Za-z0-9_-]+[.]mar$" $model.marName) }}
{{ $key }}.marName {{ $model.marName | quote }} is not a file that TorchServe finds in model-store; write a name of letters, digits, '_' and '-' that ends in .mar and has no other dot
{{- end }}
{{- if $.Values.persistence.create }}
{{ $key }} has no uri, so its file would have to be on an existing claim; set {{ $key }}.uri, or persistence.create=false and persistence.existingClaim
{{- end }}
{{- if $model.sha256 }}
{{ $key }}.sha256 is checked when the archive is downloaded from a uri; remove it, or set {{ $key }}.uri instead of marName
{{- end }}
{{- else }}
{{ $key }} has no source; set {{ $key }}.uri to where its archive is, or {{ $key }}.marName to a file that is on an existing claim
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {key, uri}; out: complaints about a source's URI. */}}
{{- define "torchserve-kserve.validate.uri" -}}
{{- if regexMatch "^configMap:" .uri }}
{{- if not (regexMatch "^configMap://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._a-zA-Z0-9]+$" .uri) }}
{{ .key }} {{ .uri | quote }} does not name a key of a ConfigMap; write configMap://name/key
{{- end }}
{{- else if regexMatch "^https?:" .uri }}
{{- if not (regexMatch "^https?://[^/?#\\s]+/[!-~]+$" .uri) }}
{{ .key }} {{ regexReplaceAll "//[^/@]*@" .uri "//" | quote }} is not a complete URL of a file; write https://host/path/model.mar, with what is not printable ASCII percent-encoded
{{- end }}
{{- else }}
{{ .key }}: its scheme is not supported; write http://…, https://… or configMap://name/key
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the claim. */}}
{{- define "torchserve-kserve.validate.persistence" -}}
{{- $modes := .Values.persistence.accessModes }}
{{- if and .Values.persistence.create .Values.persistence.existingClaim }}
persistence.existingClaim is set while persistence.create is true; set persistence.create=false to use the claim {{ .Values.persistence.existingClaim | quote }}
{{- end }}
{{- if not (or .Values.persistence.create .Values.persistence.existingClaim) }}
persistence.create is false and no claim is named; set persistence.existingClaim, or persistence.create=true
{{- end }}
{{- if has "ReadWriteOncePod" $modes }}
persistence.accessModes: ReadWriteOncePod lets one pod use the claim, but the seeding Job and a rolling update need two; write ReadWriteOnce or ReadWriteMany
{{- end }}
{{- if and (include "torchserve-kserve.plan" .) (eq (toJson $modes) (toJson (list "ReadOnlyMany"))) }}
persistence.accessModes: the seeding Job can't write to a ReadOnlyMany claim; write ReadWriteOnce or ReadWriteMany, or replace every model's uri by a marName
{{- end }}
{{- with .Values.persistence.subPath }}
{{- if or (regexMatch "(^/|/$|//)" .) (has ".." (splitList "/" .)) }}
persistence.subPath {{ . | quote }} is not a directory below the claim's root; write it relative, without '..' and without a slash at either end
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about scaling and the image. */}}
{{- define "torchserve-kserve.validate.predictor" -}}
{{- if gt (int .Values.minReplicas) (int .Values.maxReplicas) }}
minReplicas {{ int .Values.minReplicas }} is more than maxReplicas {{ int .Values.maxReplicas }}; raise maxReplicas or lower minReplicas
{{- end }}
{{- if and (eq .Values.deploymentMode "Standard") (lt (int .Values.minReplicas) 1) }}
minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more
{{- end }}
{{- if not (or .Values.runtime.image.tag .Values.runtime.image.digest) }}
runtime.image has neither tag nor digest; set one of them
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about extraProperties, with the value to use instead of a key that the chart owns. */}}
{{- define "torchserve-kserve.validate.extraProperties" -}}
{{- $own := include "torchserve-kserve.ownProperties" . | fromYaml | keys }}
{{- $own = concat $own (list "model_snapshot" "load_models" "models" "use_env_allowed_urls") }}
{{- $instead := dict "service_envelope" "set protocol" "model_snapshot" "set models" "load_models" "set models" "models" "set models" }}
{{- range $key, $value := .Values.extraProperties }}
{{- if has $key $own }}
extraProperties.{{ $key }} is written by the chart; remove it{{ with get $instead $key }} and {{ . }} instead{{ end }}
{{- else if not (regexMatch "^[A-Za-z0-9_.-]+$" $key) }}
extraProperties: {{ $key | quote }} is not a key of config.properties; write letters, digits, '_', '.' and '-'
{{- else if regexMatch "[\\r\\n]" (toString $value) }}
extraProperties.{{ $key }} has a line break, which would start another property; write it on one line
{{- end }}
{{- end }}
{{- end -}}
