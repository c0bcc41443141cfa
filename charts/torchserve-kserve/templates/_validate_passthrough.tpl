{{/* Rules about what is passed through to KServe: fields that the chart owns, and what KServe or Knative is certain to refuse. The
rest is the API server's to check, which knows its own version's fields. */}}

{{/* in: root; out: all of these complaints. */}}
{{- define "torchserve-kserve.validate.passThrough" -}}
{{- include "torchserve-kserve.validate.owned" . }}
{{- include "torchserve-kserve.validate.container" . }}
{{- include "torchserve-kserve.validate.containers" . }}
{{- include "torchserve-kserve.validate.volumes" . }}
{{- include "torchserve-kserve.validate.agent" . }}
{{- include "torchserve-kserve.validate.components" . }}
{{- if eq .Values.deploymentMode "Knative" }}
{{- include "torchserve-kserve.validate.neverInKnative" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about fields that have a value of their own. */}}
{{- define "torchserve-kserve.validate.owned" -}}
{{- $owned := include "torchserve-kserve.ownedFields" . | fromYaml }}
{{- $others := include "torchserve-kserve.otherPredictors" . | fromYamlArray }}
{{- range $field, $value := .Values.predictor }}
{{- if kindIs "invalid" $value }}
{{- else if hasKey $owned $field }}
predictor.{{ $field }} is the chart's to write; remove it and use {{ get $owned $field }} instead
{{- else if has $field $others }}
predictor.{{ $field }}: a predictor is of one framework, and the chart writes predictor.model; remove it, and write the container's fields under predictor.model
{{- end }}
{{- end }}
{{- if and .Values.predictor.workerSpec .Values.runtime.create }}
predictor.workerSpec: the chart's runtime has no workers on other nodes; remove it, or set runtime.create=false and runtime.name with a runtime that has
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the server's container, which KServe merges over the runtime's: environment by name, mounts by
path. */}}
{{- define "torchserve-kserve.validate.container" -}}
{{- $model := .Values.predictor.model | default dict }}
{{- $owned := include "torchserve-kserve.ownedModelFields" . | fromYaml }}
{{- if .Values.runtime.create }}{{ $owned = include "torchserve-kserve.ownRuntimeFields" . | fromYaml | merge $owned }}{{ end }}
{{- range $field, $value := $model }}
{{- if and (hasKey $owned $field) (not (kindIs "invalid" $value)) }}
predictor.model.{{ $field }} is the chart's to write; remove it and use {{ get $owned $field }} instead
{{- end }}
{{- end }}
{{- if $model.name }}
predictor.model.name: KServe calls the container kserve-container; remove it
{{- end }}
{{- if ($model.storage).path }}
predictor.model.storage.path is the chart's to write; remove it and use storageUri or persistence.existingClaim instead
{{- end }}
{{- if not (kindIs "invalid" ($model.securityContext).runAsUser) }}
predictor.model.securityContext.runAsUser is the chart's to write; remove it and use securityContext.runAsUser instead
{{- end }}
{{- if .Values.runtime.create }}
{{- include "torchserve-kserve.validate.ownContainer" $model }}
{{- end }}
{{- end -}}

{{/* in: what is given of the model; out: complaints about what the chart's own container is built on. */}}
{{- define "torchserve-kserve.validate.ownContainer" -}}
{{- $env := include "torchserve-kserve.ownedEnv" . | fromYamlArray }}
{{- range .env }}
{{- if has .name $env }}
predictor.model.env: {{ .name }} is the chart's own; remove it
{{- end }}
{{- end }}
{{- range $probe, $given := pick . "startupProbe" "readinessProbe" "livenessProbe" }}
{{- range $handler, $_ := pick ($given | default dict) "exec" "grpc" "httpGet" "tcpSocket" }}
predictor.model.{{ $probe }}.{{ $handler }}: the chart's probe asks in its own way, and KServe would give the container both; write only its times and thresholds
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about volumes and mounts that meet the chart's or KServe's own. */}}
{{- define "torchserve-kserve.validate.volumes" -}}
{{- $mounts := list "/mnt/models" }}
{{- $names := list "kserve-pvc-source" "kserve-provision-location" }}
{{- if and .Values.runtime.create (or .Values.predictor.volumes (.Values.predictor.model).volumeMounts) }}
{{- $runtime := include "torchserve-kserve.runtimeSpec" . | fromYaml }}
{{- range (first $runtime.containers).volumeMounts }}{{ $mounts = append $mounts .mountPath }}{{ end }}
{{- range $runtime.volumes }}{{ $names = append $names .name }}{{ end }}
{{- end }}
{{- range .Values.predictor.volumes }}
{{- if and (has .name $names) (not (and (eq .name "tmp") .emptyDir)) }}
predictor.volumes: {{ .name }} is the chart's or KServe's own volume; give yours another name{{ if eq .name "tmp" }}, or write emptyDir, for example with a sizeLimit{{ end }}
{{- end }}
{{- end }}
{{- range (.Values.predictor.model).volumeMounts }}
{{- if has (toString .mountPath | trimSuffix "/") $mounts }}
predictor.model.volumeMounts: at {{ .mountPath }} the chart or KServe mounts a volume of its own; write another mountPath
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the agent that logs and batches requests. */}}
{{- define "torchserve-kserve.validate.agent" -}}
{{- if and .Values.logger (not .Values.logger.mode) }}
logger.mode is not set; write all, request or response
{{- end }}
{{- if and .Values.batcher (has (.Values.logger).mode (list "all" "response")) }}
logger.mode is {{ .Values.logger.mode }} and batcher is set: KServe's agent sends no answer that comes out of a batch; write logger.mode request, or remove batcher
{{- end }}
{{- if .Values.batcher }}
{{- if ne .Values.protocol "v1" }}
batcher: KServe batches requests of protocol v1 alone and passes those of {{ .Values.protocol }} on one by one; remove it, or write protocol v1
{{- end }}
{{- if gt (len (.Values.models | default dict)) 1 }}
batcher: KServe would put requests for different models into one batch and send it to one of them; remove it, or give each of the {{ len .Values.models }} models a release of its own
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what Knative takes in no pod, whatever its administrator allows. */}}
{{- define "torchserve-kserve.validate.neverInKnative" -}}
{{- $fields := include "torchserve-kserve.neverInKnative" . | fromYamlArray }}
{{- range $component := list "predictor" "transformer" "explainer" }}
{{- range $field, $value := index $.Values $component }}
{{- if and (has $field $fields) (not (kindIs "invalid" $value)) }}
{{ $component }}.{{ $field }}: deploymentMode Knative refuses it; remove it, or use deploymentMode Standard
{{- end }}
{{- end }}
{{- if eq true (get (index $.Values $component) "automountServiceAccountToken" | default false) }}
{{ $component }}.automountServiceAccountToken: Knative takes false alone; remove it, or use deploymentMode Standard
{{- end }}
{{- end }}
{{- range $field, $value := .Values.predictor.model }}
{{- if and (has $field (include "torchserve-kserve.neverInKnativeContainer" . | fromYamlArray)) (not (kindIs "invalid" $value)) }}
predictor.model.{{ $field }}: deploymentMode Knative refuses it; remove it, or use deploymentMode Standard
{{- end }}
{{- end }}
{{- end -}}
