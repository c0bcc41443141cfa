{{/* Objects of the user's own. */}}

{{/* in: {root, object: a map or a text}; out: YAML of it, with the templates in it rendered. */}}
{{- define "torchserve-kserve.extraObject" -}}
{{- tpl (ternary .object (toYaml .object) (kindIs "string" .object)) .root -}}
{{- end -}}
