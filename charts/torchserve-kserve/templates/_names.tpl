{{/* Names, labels and hashes. The InferenceService is named as the release; whatever is immutable carries a hash. Whoever writes
a name into YAML quotes it: a release may be named true. */}}

{{/* in: text; out: the ten hex digits of it that go into names and markers. */}}
{{- define "torchserve-kserve.hash" -}}
{{- . | sha256sum | trunc 10 -}}
{{- end -}}

{{/* in: {root, component}; out: labels that stay the same when only the chart's version changes. They are the only ones
on the InferenceService, the runtime and pod templates, where a changed label is a new pod. */}}
{{- define "torchserve-kserve.stableLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
app.kubernetes.io/part-of: {{ .root.Chart.Name | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end -}}

{{/* in: {root, component}; out: the stable labels and the chart's and TorchServe's versions. */}}
{{- define "torchserve-kserve.labels" -}}
{{ include "torchserve-kserve.stableLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end -}}

{{/* in: root; out: name of the claim in use. */}}
{{- define "torchserve-kserve.claimName" -}}
{{- if .Values.persistence.create -}}
{{ .Release.Name }}-model-store
{{- else -}}
{{ .Values.persistence.existingClaim }}
{{- end -}}
{{- end -}}

{{/* in: root; out: name of the InferenceService's Service in Standard mode. */}}
{{- define "torchserve-kserve.predictorService" -}}
{{ .Release.Name }}-predictor
{{- end -}}
