{{/* The InferenceService's predictor: how many pods, and what of a pod KServe takes from here only. */}}

{{/* in: root; out: KServe's storageUri: the claim, which it mounts, or what its storage-initializer fetches. */}}
{{- define "torchserve-kserve.storageUri" -}}
{{- if .Values.storageUri -}}
{{ .Values.storageUri }}
{{- else -}}
{{ printf "pvc://%s/%s" (include "torchserve-kserve.claimName" .) .Values.persistence.subPath | trimSuffix "/" }}
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML map of KServe's scaling and traffic fields whose value is not null. */}}
{{- define "torchserve-kserve.extensions" -}}
{{- range $name := list "scaleMetric" "scaleTarget" "timeout" "containerConcurrency" "canaryTrafficPercent" }}
{{- $value := index $.Values $name }}
{{- if not (kindIs "invalid" $value) }}
{{ $name }}: {{ include "torchserve-kserve.text" $value }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: the deployment mode by the name that the cluster's KServe has for it. */}}
{{- define "torchserve-kserve.deploymentMode" -}}
{{- $old := and .Values.kserve.version (semverCompare "<0.16.0-0" .Values.kserve.version) -}}
{{- if $old -}}
{{- get (dict "Standard" "RawDeployment" "Knative" "Serverless") .Values.deploymentMode -}}
{{- else -}}
{{- .Values.deploymentMode -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML map of the predictor's own annotations, or nothing. */}}
{{- define "torchserve-kserve.predictorAnnotations" -}}
{{- if eq .Values.deploymentMode "Knative" }}
serving.knative.dev/progress-deadline: {{ include "torchserve-kserve.startupSeconds" . }}s
{{- end }}
{{- if not .Values.runtime.create }}
{{- include "torchserve-kserve.podAnnotations" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of what the predictor says of the pods where the runtime is not the chart's: what our own one would have. */}}
{{- define "torchserve-kserve.otherRuntimePods" -}}
{{- with include "torchserve-kserve.podLabels" . | trim }}
labels: {{- . | nindent 2 }}
{{- end }}
{{- include "torchserve-kserve.podFields" . }}
{{- with include "torchserve-kserve.caVolume" (dict "ca" .Values.runtime.ca) | trim }}
volumes: {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of the environment that the model adds to that runtime's container, with the authority's mount, or nothing. */}}
{{- define "torchserve-kserve.otherRuntimeEnv" -}}
{{- $env := include "torchserve-kserve.caEnv" . | fromYamlArray | concat (.Values.runtime.env | default list) -}}
{{- with $env }}
env: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.runtime.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "torchserve-kserve.caMount" .Values.runtime.ca | trim }}
volumeMounts: {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of what the model says of that runtime's container. Which directories it writes to, only its author knows. Its
port is written for gRPC alone: KServe calls 8080 of a container that names none. */}}
{{- define "torchserve-kserve.otherRuntimeContainer" -}}
resources: {{- include "torchserve-kserve.serverResources" . | nindent 2 }}
{{- with include "torchserve-kserve.otherRuntimeEnv" . | trim }}
{{ . }}
{{- end }}
securityContext: {{- omit (include "torchserve-kserve.containerSecurity" . | fromYaml) "readOnlyRootFilesystem" | toYaml | nindent 2 }}
{{- if eq .Values.protocol "grpc-v2" }}
ports: {{- include "torchserve-kserve.containerPorts" . | trim | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML of the predictor as the chart has it, before what is passed through: _passthrough.tpl. */}}
{{- define "torchserve-kserve.predictor" -}}
{{- include "torchserve-kserve.replicas" . }}
{{- include "torchserve-kserve.extensions" . }}
# KServe takes these from here only; of the runtime's pod fields it copies affinity, volumes and pull secrets.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . | quote }}
{{- end }}
{{- if and .Values.gpu.enabled .Values.gpu.runtimeClassName }}
runtimeClassName: {{ .Values.gpu.runtimeClassName | quote }}
{{- end }}
{{- if eq .Values.deploymentMode "Standard" }}
# The drain, and what the server needs to stop after it.
terminationGracePeriodSeconds: {{ include "torchserve-kserve.drainSeconds" . | add 10 }}
{{- if .Values.storageUri }}
# For the init container that KServe adds, which has none of its own, and which `restricted` would refuse.
securityContext:
  seccompProfile: {type: RuntimeDefault}
{{- end }}
deploymentStrategy:
  type: RollingUpdate
  rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
{{- end }}
{{- /* Knative refuses both of those. It surges always, and gives a pod as long as a request may take. */}}
{{- with include "torchserve-kserve.predictorAnnotations" . | trim }}
annotations: {{- . | nindent 2 }}
{{- end }}
{{- if not .Values.runtime.create }}
{{- include "torchserve-kserve.otherRuntimePods" . }}
{{- end }}
model:
  modelFormat: {name: pytorch}
  runtime: {{ include "torchserve-kserve.runtimeName" . | quote }}
  protocolVersion: {{ .Values.protocol }}
  storageUri: {{ include "torchserve-kserve.storageUri" . | quote }}
  {{- if not .Values.runtime.create }}
  {{- include "torchserve-kserve.otherRuntimeContainer" . | nindent 2 }}
  {{- end }}
{{- end -}}
