{{/* When the server is up: its budget, its probes. */}}

{{/* in: root; out: seconds until the slowest start is given up: seeding, then every model's own start-up, before which pip
may take as long, then a margin. */}}
{{- define "torchserve-kserve.startupSeconds" -}}
{{- $seconds := add 30 (int .Values.seed.timeoutSeconds) -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $seconds = int $model.startupTimeout | mul (ternary 2 1 $.Values.pip.enabled) | add $seconds -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* in: root; out: the port on which the start program tells readiness over HTTP, or nothing: KServe's agent asks the server's probe
itself in Standard mode, and can't run a command. In Knative mode queue-proxy asks. */}}
{{- define "torchserve-kserve.readyPort" -}}
{{- if and (include "torchserve-kserve.hasAgent" .) .Values.runtime.create (eq .Values.deploymentMode "Standard") }}8087{{ end -}}
{{- end -}}

{{/* in: root; out: the probe's handler: every model has a worker that is ready, asked inside the pod. It is a command in Knative,
too: then Knative believes Kubernetes; of any other kind it asks its queue-proxy, which sees an open port too early. */}}
{{- define "torchserve-kserve.readyProbe" -}}
{{- $ports := include "torchserve-kserve.ports" . | fromJson -}}
{{- $asked := include "torchserve-kserve.readyPort" . -}}
{{- if $asked -}}
httpGet: {path: /, port: {{ $asked }}}
{{- else -}}
exec:
  command:
    - bash
    - /opt/torchserve-kserve/start/ready.sh
    - {{ prepend $ports.others $ports.management | join "," | quote }}
    {{- range $key, $model := include "torchserve-kserve.models" . | fromJson }}
    - {{ ternary $key (printf "%s/%s" $model.name $model.version) (eq $key $model.name) | quote }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: the liveness probe's handler. The wrapper's is a command: TorchServe listens inside the pod only, and Knative
sends a request to KServe's port whatever port is written, even where that one speaks gRPC. */}}
{{- define "torchserve-kserve.aliveProbe" -}}
{{- $ports := include "torchserve-kserve.ports" . | fromJson -}}
{{- if eq .Values.runtime.flavor "native" -}}
httpGet: {path: /ping, port: {{ $ports.inference }}}
{{- else -}}
exec:
  command: [bash, /opt/torchserve-kserve/start/alive.sh, {{ $ports.inference }}/ping, {{ $ports.rest }}/]
{{- end -}}
{{- end -}}

{{/* in: root; out: YAML of the three probes. Knative's queue-proxy probes in the readiness probe's rhythm from the start on, so a
long one would add to every start from zero; the server is unready after 15 s in both modes. */}}
{{- define "torchserve-kserve.probes" -}}
{{- $knative := eq .Values.deploymentMode "Knative" -}}
startupProbe:
  {{- include "torchserve-kserve.readyProbe" . | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: {{ include "torchserve-kserve.startupSeconds" . }}
readinessProbe:
  {{- include "torchserve-kserve.readyProbe" . | nindent 2 }}
  periodSeconds: {{ ternary 2 5 $knative }}
  timeoutSeconds: 5
  failureThreshold: {{ ternary 7 3 $knative }}
livenessProbe:
  {{- include "torchserve-kserve.aliveProbe" . | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
