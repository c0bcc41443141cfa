{{/* The ServingRuntime: the whole server container, so that KServe has nothing to merge. */}}

{{/* in: root; out: how many workers all models have at the start; TorchServe starts no others by itself. */}}
{{- define "torchserve-kserve.workers" -}}
{{- $workers := 0 -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $workers = add $workers (int $model.minWorkers) -}}
{{- end -}}
{{- $workers -}}
{{- end -}}

{{/* in: root; out: threads per worker, so that all workers together use the CPU limit once; nothing without a limit in
cores or millicores. PyTorch would take the node's cores. */}}
{{- define "torchserve-kserve.threads" -}}
{{- $limit := include "torchserve-kserve.text" (((.Values.runtime.resources).limits).cpu | default "") -}}
{{- if regexMatch "^[0-9]+([.][0-9]*)?m?$" $limit -}}
{{- $cores := ternary (divf (trimSuffix "m" $limit | float64) 1000) (float64 $limit) (hasSuffix "m" $limit) -}}
{{- divf $cores (include "torchserve-kserve.workers" . | int | max 1) | floor | int | max 1 -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML list of the container's ports. KServe serves the first; Knative takes one only. In Standard mode the
wrapper's other one is in the Service under its own number. */}}
{{- define "torchserve-kserve.containerPorts" -}}
{{- $number := include "torchserve-kserve.ports" . | fromJson -}}
{{- $http := dict "name" (ternary "http1" "http" (eq .Values.deploymentMode "Knative")) "containerPort" $number.rest "protocol" "TCP" -}}
{{- $grpc := dict "name" "h2c" "containerPort" $number.grpc "protocol" "TCP" -}}
{{- $ports := ternary (list $grpc $http) (list $http $grpc) (eq .Values.protocol "grpc-v2") -}}
{{- if or (eq .Values.runtime.flavor "native") (eq .Values.deploymentMode "Knative") -}}
{{- $ports = list (first $ports) -}}
{{- end -}}
{{- if and .Values.metrics.enabled (eq .Values.deploymentMode "Standard") -}}
{{- $ports = dict "name" "metrics" "containerPort" (int .Values.metrics.port) "protocol" "TCP" | append $ports -}}
{{- end -}}
{{- range $ports }}
- {name: {{ .name }}, containerPort: {{ .containerPort }}, protocol: {{ .protocol }}}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list of the wrapper's own environment. It asks for a model every DELAY seconds, MAX_TRY times. */}}
{{- define "torchserve-kserve.wrapperEnv" -}}
- {name: CONFIG_PATH, value: /etc/torchserve/config.properties}
- {name: PROTOCOL_VERSION, value: {{ .Values.protocol }}}
- {name: MODEL_LOAD_DELAY, value: "1"}
- {name: MODEL_LOAD_MAX_TRY, value: {{ include "torchserve-kserve.startupSeconds" . | quote }}}
- {name: MODEL_LOAD_TIMEOUT, value: "5"}
{{- end -}}

{{/* in: root; out: YAML map of the predictor pods' labels, or nothing. KServe takes them from the runtime and from the predictor. */}}
{{- define "torchserve-kserve.podLabels" -}}
{{- if include "torchserve-kserve.hasClaim" . }}
{{ include "torchserve-kserve.claimLabel" . }}
{{- end }}
{{- if .Values.kubeflow.enabled }}
{{ include "torchserve-kserve.sidecar" (dict "inject" "true") }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML map of their annotations, or nothing. */}}
{{- define "torchserve-kserve.podAnnotations" -}}
{{- if and .Values.runtime.create (eq .Values.deploymentMode "Knative") }}
{{- include "torchserve-kserve.fileAnnotations" . }}
{{- end }}
{{- include "torchserve-kserve.scrapeAnnotations" . }}
{{- if .Values.kubeflow.enabled }}
{{ include "torchserve-kserve.sidecar" (dict "inject" "true") }}
{{- end }}
{{- end -}}

{{/* in: root; out: seconds that requests in flight are given when a pod has to go; it goes as soon as there is none. Standard: what
a request may take. Knative: a pod has the request timeout (its default: 300) to end, and queue-proxy uses the first 30 of it: it
waits until nothing new has come for so long. */}}
{{- define "torchserve-kserve.drainSeconds" -}}
{{- if eq .Values.deploymentMode "Standard" -}}
{{- .Values.timeout | default (include "torchserve-kserve.responseSeconds" .) | int | max 20 -}}
{{- else -}}
{{- sub (.Values.timeout | default 300 | int) 35 | max 5 -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: seconds for which a pod that has to go waits for another request, or nothing for the start program's own: KServe's
batcher holds requests back for maxLatency (its default: 5000 milliseconds) where nobody sees them. */}}
{{- define "torchserve-kserve.lingerSeconds" -}}
{{- with .Values.batcher -}}
{{- $held := .maxLatency | default 5000 | int -}}
{{- addf 2.5 (divf $held 1000) -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML of what the predictor's pods have besides labels and annotations, in the runtime or in the predictor alike, or
nothing. */}}
{{- define "torchserve-kserve.podFields" -}}
{{- with include "torchserve-kserve.pullSecrets" . }}
{{ . }}
{{- end }}
{{- with include "torchserve-kserve.gpuPodFields" . | trim }}
{{ . }}
{{- end }}
{{- if and (eq .Values.deploymentMode "Standard") (include "torchserve-kserve.oneNode" .) }}
affinity: {{- include "torchserve-kserve.claimAffinity" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: the ServingRuntime's spec. The runtime's name hashes it. */}}
{{- define "torchserve-kserve.runtimeSpec" -}}
{{- $image := include "torchserve-kserve.serverImage" . | fromJson -}}
multiModel: false
supportedModelFormats:
  - {name: pytorch, autoSelect: false}
protocolVersions: [{{ .Values.protocol }}]
{{- with include "torchserve-kserve.podLabels" . | trim }}
labels: {{- . | nindent 2 }}
{{- end }}
{{- with include "torchserve-kserve.podAnnotations" . | trim }}
annotations: {{- . | nindent 2 }}
{{- end }}
{{- include "torchserve-kserve.podFields" . }}
containers:
  - name: kserve-container
    image: {{ include "torchserve-kserve.image" (dict "root" . "image" $image) | quote }}
    imagePullPolicy: {{ $image.pullPolicy }}
    # Not the image's entrypoint: that one lives on when TorchServe has died.
    command: [python, /opt/torchserve-kserve/start/start.py]
    args:
      - --ts-config
      - /etc/torchserve/config.properties
      - --models
      - /mnt/models
      {{- if include "torchserve-kserve.plan" . }}
      - --marker
      - {{ include "torchserve-kserve.marker" . }}
      {{- end }}
      - --timeout-seconds
      - {{ int .Values.seed.timeoutSeconds | quote }}
      - --drain-seconds
      - {{ include "torchserve-kserve.drainSeconds" . | quote }}
      {{- if eq .Values.runtime.flavor "wrapper" }}
      - --wrapper
      - /home/model-server/kserve_wrapper/__main__.py
      {{- end }}
      {{- with include "torchserve-kserve.readyPort" . }}
      - --ready-port
      - {{ . | quote }}
      {{- with (include "torchserve-kserve.ports" $ | fromJson).others }}
      - --ready-behind
      {{- range . }}
      - {{ int . | quote }}
      {{- end }}
      {{- end }}
      {{- end }}
      {{- with include "torchserve-kserve.lingerSeconds" . }}
      - --linger-seconds
      - {{ . | quote }}
      {{- end }}
      {{- if include "torchserve-kserve.pipSecret" . }}
      - --pip-login
      - /etc/pip-login
      {{- end }}
    env:
      {{- include "torchserve-kserve.serverEnv" . | nindent 6 }}
      {{- with .Values.runtime.env }}{{ toYaml . | nindent 6 }}{{ end }}
    {{- with .Values.runtime.envFrom }}
    envFrom: {{- toYaml . | nindent 6 }}
    {{- end }}
    ports: {{- include "torchserve-kserve.containerPorts" . | trim | nindent 6 }}
    {{- include "torchserve-kserve.probes" . | nindent 4 }}
    terminationMessagePolicy: FallbackToLogsOnError
    resources: {{- include "torchserve-kserve.serverResources" . | nindent 6 }}
    securityContext: {{- include "torchserve-kserve.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/torchserve, readOnly: true}
      - {name: start, mountPath: /opt/torchserve-kserve/start, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- with include "torchserve-kserve.caMount" .Values.runtime.ca | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if include "torchserve-kserve.pipSecret" . }}
      - {name: pip-login, mountPath: /etc/pip-login, readOnly: true}
      {{- end }}
volumes:
  - name: config
    {{- include "torchserve-kserve.filesVolume" (dict "root" . "data" "torchserve-kserve.configData" "name" "torchserve-kserve.configName") | nindent 4 }}
  - name: start
    {{- include "torchserve-kserve.filesVolume" (dict "root" . "data" "torchserve-kserve.startData" "name" "torchserve-kserve.startName") | nindent 4 }}
  - name: tmp
    emptyDir: {}
  {{- with include "torchserve-kserve.caVolume" (dict "ca" .Values.runtime.ca) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "torchserve-kserve.pipSecret" . }}
  # Optional: of a Secret that is missing the start program says so, instead of a pod that never starts.
  - name: pip-login
    secret: {secretName: {{ . | quote }}, defaultMode: 420, optional: true}
  {{- end }}
{{- end -}}

{{/* in: root; out: name of the ServingRuntime; of the chart's own the spec's content is hashed, not its layout. */}}
{{- define "torchserve-kserve.runtimeName" -}}
{{- if .Values.runtime.create -}}
{{ .Release.Name }}-{{ include "torchserve-kserve.runtimeSpec" . | fromYaml | toJson | include "torchserve-kserve.hash" }}
{{- else -}}
{{ .Values.runtime.name }}
{{- end -}}
{{- end -}}
