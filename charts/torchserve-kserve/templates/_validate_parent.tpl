{{/* A rule about the chart as a part of another one. */}}

{{/* in: root; out: a complaint where a parent has the chart a second time: both would have the same objects. The charts of one render have
.Release in common, so the first one leaves its place there. */}}
{{- define "torchserve-kserve.validate.parent" -}}
{{- $mine := .Template.BasePath }}
{{- $first := get .Release "torchserve-kserve" | default $mine }}
{{- $_ := set .Release "torchserve-kserve" $first }}
{{- if ne $first $mine }}
{{ dir $mine | base }} and {{ dir $first | base }} are this chart twice in one release, and both name their objects after the release {{ .Release.Name | quote }}; write all models under one of them, or install the other one as a release of its own
{{- end }}
{{- end -}}
