{{/* Rules about one URI, its credentials, and the file of a build that it names. */}}

{{/* out: regular expression of a port's number, 1 to 65535. */}}
{{- define "torchserve-kserve.portForm" -}}
([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])
{{- end -}}

{{/* out: YAML map of a kind of source, or of a scheme of KServe's library, to the form of its URIs and what is said of another. */}}
{{- define "torchserve-kserve.uriForms" -}}
http:
  form: '^https?://([^/?#@\s]*@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\])(:{{ include "torchserve-kserve.portForm" . }})?/[!-~]+$'
  says: is not a complete URL of a file; write https://host/path/model.mar, with what is not printable ASCII percent-encoded
configMap:
  form: '^configMap://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._a-zA-Z0-9]+$'
  says: does not name a key of a ConfigMap; write configMap://name/key
pvc:
  form: '^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/[^/\s]+)+$'
  says: does not name a file of a claim; write pvc://claim/path/model.mar, the path from the claim's root and without '..'
oci:
  form: '^oci://[a-z0-9][a-zA-Z0-9._:/@-]*#(/[A-Za-z0-9._+=@~-]+)+$'
  says: does not name a file of an image; write oci://registry/image:tag#/path/model.mar, the path without '..'
upload:
  form: '^upload://[A-Za-z0-9][A-Za-z0-9._-]*$'
  says: does not name a file to upload; write upload://model.mar, the file's name alone
s3: &bucket
  form: '^[a-z0-9]+://[^/?#\s]+/[!-~]+$'
  says: does not name an object of a bucket; write the bucket and the key, for example s3://bucket/path/model.mar
gs: *bucket
hf:
  form: '^hf://[^/?#\s]+/[^/?#\s]+(#[!-~]+)?$'
  says: does not name a repository or a file in it; write hf://owner/repository#path/model.mar, with :revision before the '#' if need be
hdfs: &path
  form: '^[a-z]+://[!-~]+$'
  says: does not name a file in printable ASCII; write hdfs://path/model.mar
webhdfs: *path
https:
  form: '^https://[^/?#\s]+/[!-~]+$'
  says: does not name a file in printable ASCII; percent-encode the rest
{{- end -}}

{{/* in: {root, part: one of all parts}; out: complaints about it. */}}
{{- define "torchserve-kserve.validate.part" -}}
{{- $uri := .part.uri | default "" }}
{{- $kind := include "torchserve-kserve.kind" $uri }}
{{- $key := printf "%s.uri" .part.key }}
{{- if .part.option }}{{ $key = .part.key }}{{ end }}
{{- if and $uri .part.uriFrom .part.option }}
{{ .part.key }} has uri and uriFrom; keep one of them
{{- else if $uri }}
{{- include "torchserve-kserve.validate.uri" (dict "key" $key "uri" $uri "kind" $kind "ofBuild" .part.option) }}
{{- end }}
{{- if .part.option }}
{{- include "torchserve-kserve.validate.ofBuild" .part }}
{{- else if and (eq $kind "pvc") (hasPrefix (printf "pvc://%s/" (include "torchserve-kserve.claimName" .root)) $uri) }}
{{ $key }} {{ $uri | quote }} is on the release's own claim; write {{ .part.key }}.marName, the file in its model-store below persistence.subPath, instead
{{- end }}
{{- include "torchserve-kserve.validate.credentials" (dict "part" .part "kind" $kind) }}
{{- end -}}

{{/* in: {key, uri, kind, ofBuild: the option of torch-model-archiver, where it is for one}; out: complaints about a source's URI; without what may be secret in it. */}}
{{- define "torchserve-kserve.validate.uri" -}}
{{- $scheme := ternary (splitList ":" .uri | first) .kind (eq .kind "storage") }}
{{- if not .kind }}
{{- $schemes := list "http://" "https://" "s3://" "gs://" "hf://" "hdfs://" "webhdfs://" "pvc://" "configMap://" }}
{{- if .ofBuild }}
{{ .key }}: its scheme is not supported; write one of {{ join ", " $schemes }} and oci://
{{- else if contains "://" .uri }}
{{ .key }}: its scheme is not supported; write one of {{ join ", " $schemes }}, oci:// and upload://
{{- else }}
{{ .key }} has no scheme; write one of {{ join ", " $schemes }} and oci://, or for a file of your own machine upload://{{ base .uri }}
{{- end }}
{{- else }}
{{- $rule := get (include "torchserve-kserve.uriForms" . | fromYaml) $scheme }}
{{- if or (not (regexMatch $rule.form .uri)) (and (has .kind (list "pvc" "oci")) (regexMatch "/[.][.]?(/|$)" .uri)) }}
{{ .key }} {{ regexReplaceAll "[?].*$" (regexReplaceAll "//[^?#]*@" .uri "//") "" | quote }} {{ $rule.says }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: a part of a build; out: complaints about what only a packed archive can be, and about a handler that is no program. */}}
{{- define "torchserve-kserve.validate.ofBuild" -}}
{{- if not (or .uri .uriFrom) }}
{{ .key }} has no source; set its uri or uriFrom
{{- end }}
{{- if hasPrefix "upload:" (.uri | default "") }}
{{ .key }}: a part of a build can't be uploaded; write another source, or upload a packed archive to the model's uri
{{- end }}
{{- if and .uri (hasSuffix ".build.handler" .key) (not (regexMatch "[.]py([?#].*)?$" .uri)) }}
{{ .key }} does not end in .py, so torch-model-archiver would not take it; write the URI of the handler's Python file
{{- end }}
{{- end -}}

{{/* in: {part, kind}; out: complaints about credentials that nobody would send, or that are there twice. */}}
{{- define "torchserve-kserve.validate.credentials" -}}
{{- if not .part.credentials }}
{{- else if eq .kind "storage" }}
{{ .part.key }}.credentials are for http:// and https://; KServe's storage library takes its own from the Job's environment: write seed.s3.credentials, seed.envFrom or seed.env
{{- else if has .kind (list "configMap" "pvc" "oci" "upload") }}
{{ .part.key }}.credentials are for http:// and https://, and {{ .kind }}:// takes none; remove them{{ if eq .kind "oci" }} and write imagePullSecrets{{ end }}
{{- else if regexMatch "^https?://[^/?#]*@" (.part.uri | default "") }}
{{ .part.key }} has credentials and a user in its uri; remove the one in the uri, which can be read in the plan
{{- end }}
{{- end -}}
