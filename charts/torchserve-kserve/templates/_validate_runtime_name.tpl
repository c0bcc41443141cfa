{{/* Rules about a runtime that is not the chart's own. */}}

{{/* in: root; out: complaints about which runtime is used. */}}
{{- define "torchserve-kserve.validate.runtimeName" -}}
{{- $runtime := .Values.runtime }}
{{- if and $runtime.create $runtime.name }}
runtime.name is set while runtime.create is true, so the chart's own runtime would be used; set runtime.create=false to use {{ $runtime.name | quote }}, or remove the name
{{- else if not (or $runtime.create $runtime.name) }}
runtime.create is false and no runtime is named; set runtime.name, for example to KServe's own kserve-torchserve, or runtime.create=true
{{- else if not $runtime.create }}
{{- include "torchserve-kserve.validate.otherRuntime" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what does not go with a runtime that reads its configuration from the claim. */}}
{{- define "torchserve-kserve.validate.otherRuntime" -}}
{{- $stock := eq .Values.runtime.name "kserve-torchserve" }}
{{- if and $stock (eq .Values.runtime.flavor "native") }}
runtime.name kserve-torchserve: KServe's model server answers there, and TorchServe would take its port; set runtime.flavor=wrapper
{{- end }}
{{- if and $stock (ne .Values.runtime.serviceEnvelope "stock") }}
runtime.serviceEnvelope {{ .Values.runtime.serviceEnvelope }}: the image of the runtime kserve-torchserve does not have that envelope; write stock, or name a runtime with the project's own image
{{- end }}
{{- if .Values.runtime.requestLogs }}
runtime.requestLogs is of the chart's own runtime; set runtime.create=true, or remove it and follow the other runtime's own logs
{{- end }}
{{- if .Values.storageUri }}
runtime.create is false beside storageUri: the runtime would read the config/config.properties of {{ .Values.storageUri }} and nothing of these values; remove storageUri, or set runtime.create=true
{{- end }}
{{- if and (eq .Values.deploymentMode "Knative") (not (kindIs "invalid" .Values.canaryTrafficPercent)) }}
canaryTrafficPercent: with runtime.create=false all revisions read one config/config.properties, so they serve the same models; remove it, or set runtime.create=true
{{- end }}
{{- end -}}
