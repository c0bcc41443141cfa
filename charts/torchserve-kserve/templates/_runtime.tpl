{{/* The ServingRuntime: the whole server container, so that KServe has nothing to merge. */}}

{{/* in: root; out: seconds until the slowest start is given up: seeding, then every model's own start-up, then a margin. */}}
{{- define "torchserve-kserve.startupSeconds" -}}
{{- $seconds := add 30 (int .Values.seed.timeoutSeconds) -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $seconds = add $seconds (int $model.startupTimeout) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* in: root; out: threads per worker, so that all workers together use the CPU limit once; nothing without a limit in
cores or millicores. PyTorch would take the node's cores. */}}
{{- define "torchserve-kserve.threads" -}}
{{- $limit := include "torchserve-kserve.text" (((.Values.runtime.resources).limits).cpu | default "") -}}
{{- if regexMatch "^[0-9]+([.][0-9]*)?m?$" $limit -}}
{{- $cores := ternary (divf (trimSuffix "m" $limit | float64) 1000) (float64 $limit) (hasSuffix "m" $limit) -}}
{{- $workers := 0 -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $workers = add $workers (int $model.minWorkers) -}}
{{- end -}}
{{- divf $cores (max 1 $workers) | floor | int | max 1 -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: the probe's command: every model has a worker that is ready, asked inside the pod. */}}
{{- define "torchserve-kserve.readyProbe" -}}
exec:
  command:
    - bash
    - /opt/torchserve-kserve/start/ready.sh
    - "8081"
    {{- range $name, $_ := .Values.models }}
    - {{ $name | quote }}
    {{- end }}
{{- end -}}

{{/* in: root; out: the ServingRuntime's spec. The runtime's name hashes it. */}}
{{- define "torchserve-kserve.runtimeSpec" -}}
multiModel: false
supportedModelFormats:
  - {name: pytorch, autoSelect: false}
protocolVersions: [{{ .Values.protocol }}]
labels:
  {{- include "torchserve-kserve.claimLabel" . | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "torchserve-kserve.claimAffinity" . }}
affinity: {{- . | nindent 2 }}
{{- end }}
containers:
  - name: kserve-container
    image: {{ include "torchserve-kserve.image" . | quote }}
    imagePullPolicy: {{ .Values.runtime.image.pullPolicy }}
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
    env:
      - {name: TEMP, value: /tmp}
      - {name: LOG_LOCATION, value: /tmp/logs}
      - {name: METRICS_LOCATION, value: /tmp/logs}
      - {name: PYTHONUNBUFFERED, value: "1"}
      {{- with include "torchserve-kserve.threads" . }}
      - {name: OMP_NUM_THREADS, value: {{ . | quote }}}
      {{- end }}
    ports:
      - {name: http1, containerPort: 8080, protocol: TCP}
    startupProbe:
      {{- include "torchserve-kserve.readyProbe" . | nindent 6 }}
      periodSeconds: 1
      timeoutSeconds: 5
      failureThreshold: {{ include "torchserve-kserve.startupSeconds" . }}
    readinessProbe:
      {{- include "torchserve-kserve.readyProbe" . | nindent 6 }}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 3
    livenessProbe:
      httpGet: {path: /ping, port: 8080}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    terminationMessagePolicy: FallbackToLogsOnError
    resources: {{- include "torchserve-kserve.resources" .Values.runtime.resources | nindent 6 }}
    securityContext: {{- include "torchserve-kserve.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/torchserve, readOnly: true}
      - {name: start, mountPath: /opt/torchserve-kserve/start, readOnly: true}
      - {name: tmp, mountPath: /tmp}
volumes:
  - name: config
    configMap: {name: {{ include "torchserve-kserve.configName" . | quote }}}
  - name: start
    configMap: {name: {{ include "torchserve-kserve.startName" . | quote }}}
  - name: tmp
    emptyDir: {}
{{- end -}}

{{/* in: root; out: name of the ServingRuntime; the spec's content is hashed, not its layout. */}}
{{- define "torchserve-kserve.runtimeName" -}}
{{ .Release.Name }}-{{ include "torchserve-kserve.runtimeSpec" . | fromYaml | toJson | include "torchserve-kserve.hash" }}
{{- end -}}
