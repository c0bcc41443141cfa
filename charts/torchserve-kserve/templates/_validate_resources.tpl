{{/* Rules about resources. Kubernetes refuses a pod that asks for more than it may use, and KServe says so late. */}}

{{/* in: root; out: complaints about them. */}}
{{- define "torchserve-kserve.validate.resources" -}}
{{- range $key := list "runtime" "seed" }}
{{- $resources := (index $.Values $key).resources | default dict }}
{{- range $name, $limit := $resources.limits }}
{{- $request := get ($resources.requests | default dict) $name | default 0 }}
{{- if gt (include "torchserve-kserve.number" $request | float64) (include "torchserve-kserve.number" $limit | float64) }}
{{ $key }}.resources.limits.{{ $name }} {{ include "torchserve-kserve.text" $limit }} is less than requests.{{ $name }} {{ include "torchserve-kserve.text" $request }}; lower {{ $key }}.resources.requests.{{ $name }}, too, or raise the limit
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
