{{/* Names, labels and hashes. The InferenceService is named as the release; whatever is immutable carries a hash. Whoever writes
a name into YAML quotes it: a release may be named true. */}}

{{/* in: {root, name: a define that takes the root}; out: what it says, worked out once in a render: names that hash what they name
are asked for again and again. */}}
{{- define "torchserve-kserve.once" -}}
{{- $said := get .root "torchserve-kserve.once" | default dict -}}
{{- if not (hasKey $said .name) -}}
{{- $_ := include .name .root | set $said .name -}}
{{- $_ := set .root "torchserve-kserve.once" $said -}}
{{- end -}}
{{- get $said .name -}}
{{- end -}}

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

{{/* in: root; out: "true" where the release has a claim: KServe fetches storageUri into the pod. */}}
{{- define "torchserve-kserve.hasClaim" -}}
{{- if not .Values.storageUri -}}true{{- end -}}
{{- end -}}

{{/* in: root; out: name of the claim in use, where there is one. */}}
{{- define "torchserve-kserve.claimName" -}}
{{- if .Values.persistence.create -}}
{{ .Release.Name }}-model-store
{{- else -}}
{{ .Values.persistence.existingClaim }}
{{- end -}}
{{- end -}}

{{/* in: root; out: name of the predictor's Service: Kubernetes' in Standard mode, Knative's (which makes one of Kubernetes')
in Knative mode. */}}
{{- define "torchserve-kserve.predictorService" -}}
{{ .Release.Name }}-predictor
{{- end -}}

{{/* in: root; out: the predictor's URL in the cluster. Knative knows its Services by the full name; KServe's own shorter one
(<release>.<namespace>) is there only with Istio. */}}
{{- define "torchserve-kserve.clusterUrl" -}}
http://{{ include "torchserve-kserve.predictorService" . }}.{{ .Release.Namespace }}.svc
{{- if eq .Values.deploymentMode "Knative" -}}.cluster.local{{- end -}}
{{- end -}}
