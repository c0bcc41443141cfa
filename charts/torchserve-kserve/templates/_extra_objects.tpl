{{/* Objects of the user's own. */}}

{{/* in: {root, object: a map or a text}; out: YAML of it, with the templates in it rendered. */}}
{{- define "torchserve-kserve.extraObject" -}}
{{- tpl (ternary .object (toYaml .object) (kindIs "string" .object)) .root -}}
{{- end -}}

{{/* in: root; out: complaints about those that are no object. */}}
{{- define "torchserve-kserve.validate.extraObjects" -}}
{{- range $index, $object := .Values.extraObjects }}
{{- $text := include "torchserve-kserve.extraObject" (dict "root" $ "object" $object) }}
{{- $read := fromYaml $text }}
{{- if not (trim $text) }}{{/* a condition in it is false */}}
{{- else if regexMatch "(?m)^---" (trim $text | trimPrefix "---") }}
extraObjects[{{ $index }}] has several YAML documents; write each as an entry of its own
{{- else if or (not $read) (and (hasKey $read "Error") (not (hasKey $read "kind"))) }}
extraObjects[{{ $index }}] is no YAML map; write an object with apiVersion, kind and metadata.name
{{- else }}
{{- range $key := list "apiVersion" "kind" }}
{{- if or (not (get $read $key)) (not (kindIs "string" (get $read $key))) }}
extraObjects[{{ $index }}] has no {{ $key }}; write an object with apiVersion, kind and metadata.name
{{- end }}
{{- end }}
{{- $metadata := ternary $read.metadata dict (kindIs "map" $read.metadata) }}
{{- range $map := list "annotations" "labels" }}
{{- if not (has (index $metadata $map | kindOf) (list "map" "invalid")) }}
extraObjects[{{ $index }}].metadata.{{ $map }} is no map; write a map of texts
{{- end }}
{{- end }}
{{- if not $metadata.name }}
extraObjects[{{ $index }}] has no metadata.name; write an object with apiVersion, kind and metadata.name
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
