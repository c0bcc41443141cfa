{{/* Rules about extraObjects: what helm could not send, and what the chart's own look at them would stumble over. */}}

{{/* in: root; out: complaints about entries that are no object. Of an entry whose condition is false there is no text. */}}
{{- define "torchserve-kserve.validate.extraObjects" -}}
{{- range $index, $object := .Values.extraObjects }}
{{- with include "torchserve-kserve.extraObject" (dict "root" $ "object" $object) | trim }}
{{- include "torchserve-kserve.validate.extraText" (dict "key" (printf "extraObjects[%d]" $index) "text" .) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {key, text: YAML of an entry}; out: complaints about it. */}}
{{- define "torchserve-kserve.validate.extraText" -}}
{{- $read := fromYaml .text }}
{{- $broken := and (hasKey $read "Error") (not (hasKey $read "kind")) }}
{{- if .text | trimPrefix "---" | regexMatch "(?m)^---" }}
{{ .key }} has several YAML documents; write each as an entry of its own
{{- else if or (not $read) $broken }}
{{ .key }} is no YAML map; write an object with apiVersion, kind and metadata.name
{{- else }}
{{- include "torchserve-kserve.validate.extraFields" (dict "key" .key "object" $read) }}
{{- end }}
{{- end -}}

{{/* in: {key, object: a map}; out: complaints about the fields that every object has. */}}
{{- define "torchserve-kserve.validate.extraFields" -}}
{{- range $field := list "apiVersion" "kind" }}
{{- if or (not (get $.object $field)) (not (kindIs "string" (get $.object $field))) }}
{{ $.key }} has no {{ $field }}; write an object with apiVersion, kind and metadata.name
{{- end }}
{{- end }}
{{- $metadata := ternary .object.metadata dict (kindIs "map" .object.metadata) }}
{{- range $map := list "annotations" "labels" }}
{{- if not (has (index $metadata $map | kindOf) (list "map" "invalid")) }}
{{ $.key }}.metadata.{{ $map }} is no map; write a map of texts
{{- end }}
{{- end }}
{{- if not $metadata.name }}
{{ .key }} has no metadata.name; write an object with apiVersion, kind and metadata.name
{{- end }}
{{- end -}}
