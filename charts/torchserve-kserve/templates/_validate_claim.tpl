{{/* Rules about where the archives lie: the claim, or storageUri. */}}

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
{{- range include "torchserve-kserve.claimKeys" . | fromJsonArray }}
persistence.{{ . }} is set beside storageUri, which needs no claim; remove one of the two
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
{{- $azure := regexMatch (include "torchserve-kserve.azureForm" .) . }}
{{- if not (has $scheme (list "s3" "gs" "hf" "https" "http" "hdfs" "webhdfs" "oci" "file")) }}
storageUri: KServe does not fetch from {{ $scheme }}://; write s3://, gs://, hf://, https://, http://, hdfs://, webhdfs://, oci:// or file://
{{- else if and (hasPrefix "http" $scheme) (not $azure) (not (regexMatch "[.](git|tar|tgz|tar[.]gz|zip)([?#].*)?$" .)) }}
storageUri: over {{ $scheme }} KServe fetches one file, which has to be an archive with model-store/ in it; write the URL of a .tar, .tar.gz, .tgz or .zip, or models.<name>.uri for a single .mar
{{- else if regexMatch "[.]mar/?$" . }}
storageUri {{ . | quote }} is a single .mar, which KServe would put beside model-store and not into it; write the folder that has model-store/ in it, or models.<name>.uri for a single .mar
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
{{- include (ternary "torchserve-kserve.validate.newClaim" "torchserve-kserve.validate.noNewClaim" .Values.persistence.create) . }}
{{- if has "ReadWriteOncePod" $modes }}
persistence.accessModes: ReadWriteOncePod lets one pod use the claim, but the seeding Job and a rolling update need two; write ReadWriteOnce or ReadWriteMany
{{- end }}
{{- if and (include "torchserve-kserve.plan" .) (eq (toJson $modes) (toJson (list "ReadOnlyMany"))) }}
{{- $instead := ternary "replace every model's uri by a marName" "set runtime.create=true and replace every model's uri by a marName" .Values.runtime.create }}
persistence.accessModes: the seeding Job can't write to a ReadOnlyMany claim; write ReadWriteOnce or ReadWriteMany, or {{ $instead }}
{{- end }}
{{- with .Values.persistence.subPath }}
{{- if or (regexMatch "(^/|/$|//)" .) (has ".." (splitList "/" .)) }}
persistence.subPath {{ . | quote }} is not a directory below the claim's root; write it relative, without '..' and without a slash at either end
{{- end }}
{{- end }}
{{- end -}}
