{{/* Rules about where the archives come from: the models' sources, the claim, storageUri. */}}

{{/* in: root; out: complaints about where the models' archives come from. */}}
{{- define "torchserve-kserve.validate.sources" -}}
{{- $sha256 := dict }}
{{- $owner := dict }}
{{- range $name, $given := .Values.models }}
{{- $model := $given | default dict }}
{{- $key := printf "models.%s" $name }}
{{- if and $model.uri $model.marName }}
{{ $key }} has both uri and marName; keep uri alone to download the archive (the chart names the file) or marName alone for a file that is on the claim
{{- else if and $model.uri $.Values.storageUri (not (hasPrefix "pvc:" $.Values.storageUri)) }}
{{ $key }}.uri would be seeded to a claim, and with storageUri there is none; write {{ $key }}.marName, the file in the model-store of {{ $.Values.storageUri }}, or remove storageUri
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
{{- if and $.Values.persistence.create (not $.Values.storageUri) }}
{{ $key }} has no uri, so its file would have to be on an existing claim; set {{ $key }}.uri, or persistence.create=false and persistence.existingClaim
{{- end }}
{{- if $model.sha256 }}
{{ $key }}.sha256 is checked when the archive is downloaded from a uri; remove it, or set {{ $key }}.uri instead of marName
{{- end }}
{{- else }}
{{ $key }} has no source; set {{ if $.Values.storageUri }}{{ $key }}.marName to its file in the model-store of storageUri{{ else }}{{ $key }}.uri to where its archive is, or {{ $key }}.marName to a file that is on an existing claim{{ end }}
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
{{- else if regexMatch "^(s3|gs|hf|hdfs|webhdfs|oci):" .uri }}
{{ .key }}: the seeding Job does not fetch from {{ splitList ":" .uri | first }}://, KServe does; write storageUri for a folder that has model-store/ in it, and marName instead of uri
{{- else }}
{{ .key }}: its scheme is not supported; write http://…, https://… or configMap://name/key
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the claim. */}}
{{- define "torchserve-kserve.validate.persistence" -}}
{{- if .Values.storageUri }}
{{- include "torchserve-kserve.validate.storageUri" . }}
{{- else }}
{{- include "torchserve-kserve.validate.claim" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about a model store that KServe fetches. */}}
{{- define "torchserve-kserve.validate.storageUri" -}}
{{- $claim := hasPrefix "pvc:" .Values.storageUri }}
{{- if $claim }}
storageUri {{ .Values.storageUri | quote }} is a claim; write persistence.create=false, persistence.existingClaim and persistence.subPath instead
{{- end }}
{{- if not $claim }}
{{- range $key, $given := pick .Values.persistence "existingClaim" "subPath" "retain" }}
{{- if $given }}
persistence.{{ $key }} is set beside storageUri, which needs no claim; remove one of the two
{{- end }}
{{- end }}
{{- if not (or .Values.persistence.create .Values.persistence.existingClaim) }}
persistence.create is false beside storageUri, which makes and uses no claim anyway; remove one of the two
{{- end }}
{{- include "torchserve-kserve.validate.scheme" .Values.storageUri }}
{{- end }}
{{- end -}}

{{/* in: storageUri; out: a complaint about what KServe doesn't fetch, or fetches as a file that is no model store. */}}
{{- define "torchserve-kserve.validate.scheme" -}}
{{- $scheme := regexFind "^[^:]*" . }}
{{- $azure := regexMatch "^https://[^/]+[.](blob|file)[.](core[.]windows|storage[.]azure)[.]net/" . }}
{{- if not (has $scheme (list "s3" "gs" "hf" "https" "http" "hdfs" "webhdfs" "oci" "file")) }}
storageUri: KServe does not fetch from {{ $scheme }}://; write s3://, gs://, hf://, https://, http://, hdfs://, webhdfs://, oci:// or file://
{{- else if and (hasPrefix "http" $scheme) (not $azure) (not (regexMatch "[.](git|tar|tgz|tar[.]gz|zip)([?#].*)?$" .)) }}
storageUri: over {{ $scheme }} KServe fetches one file, which has to be an archive with model-store/ in it; write the URL of a .tar, .tar.gz, .tgz or .zip, or models.<name>.uri for a single .mar
{{- else if regexMatch "[.]mar/?$" . }}
storageUri {{ . | quote }} is a single .mar, which KServe would put beside model-store and not into it; write the folder that has model-store/ in it
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about a claim. */}}
{{- define "torchserve-kserve.validate.claim" -}}
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
