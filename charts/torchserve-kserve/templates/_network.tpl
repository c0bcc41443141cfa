{{/* NetworkPolicies: who may open a connection to the release's pods. What kubelet asks a pod on its own node is never held up. */}}

{{/* in: root; out: YAML list of peers: who may predict, the release's own transformer and explainer, and helm test; in
Knative mode the activator, too. */}}
{{- define "torchserve-kserve.predictPeers" -}}
{{- toYaml .Values.networkPolicy.from }}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ .Chart.Name | quote }}
      app.kubernetes.io/instance: {{ .Release.Name | quote }}
      app.kubernetes.io/component: test
{{- range $component := list "transformer" "explainer" }}
{{- if index $.Values $component }}
- podSelector:
    matchLabels: {serving.kserve.io/inferenceservice: {{ $.Release.Name | quote }}, component: {{ $component }}}
{{- end }}
{{- end }}
{{- if eq .Values.deploymentMode "Knative" }}
{{ include "torchserve-kserve.knativePeer" . }}
{{- end }}
{{- end -}}

{{/* out: YAML list with Knative's own namespace: activator and autoscaler. */}}
{{- define "torchserve-kserve.knativePeer" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: knative-serving}
{{- end -}}

{{/* in: list of numbers; out: YAML list of a policy's ports. */}}
{{- define "torchserve-kserve.policyPorts" -}}
{{- range . }}
- {port: {{ . }}, protocol: TCP}
{{- end }}
{{- end -}}

{{/* in: root; out: "true" where KServe puts its agent into the predictor's pods, which then takes the predict calls. */}}
{{- define "torchserve-kserve.hasAgent" -}}
{{- if or .Values.logger .Values.batcher }}true{{ end -}}
{{- end -}}

{{/* out: JSON of the ports of Knative's queue-proxy: what predict calls come to, by protocol; its own; what the autoscaler reads; what
it counts for users. */}}
{{- define "torchserve-kserve.queueProxyPorts" -}}
{"http1": 8012, "http2": 8013, "https": 8112, "admin": 8022, "autoscaler": 9090, "user": 9091}
{{- end -}}

{{/* out: the port of KServe's agent. */}}
{{- define "torchserve-kserve.agentPort" -}}9081{{- end -}}

{{/* in: root; out: YAML list of the ports that answer predict calls. Knative's are queue-proxy's; what the server listens on, and the
agent, is called from inside the pod. In Standard mode the agent takes the place of the first port in KServe's
Service; a Service without an address of its own (serviceClusterIPNone) leads to the server past it. */}}
{{- define "torchserve-kserve.predictPorts" -}}
{{- $ports := pick (include "torchserve-kserve.ports" . | fromJson) "rest" "grpc" | values | sortAlpha -}}
{{- if include "torchserve-kserve.hasAgent" . -}}{{- $ports = include "torchserve-kserve.agentPort" . | int | append $ports -}}{{- end -}}
{{- $queue := include "torchserve-kserve.queueProxyPorts" . | fromJson -}}
{{- ternary (list $queue.http1 $queue.http2 $queue.https) $ports (eq .Values.deploymentMode "Knative") | include "torchserve-kserve.policyPorts" | trim -}}
{{- end -}}

{{/* in: root; out: YAML list of rules: what may reach the predictor. */}}
{{- define "torchserve-kserve.predictorIngress" -}}
{{- $queue := include "torchserve-kserve.queueProxyPorts" . | fromJson -}}
{{- $knative := eq .Values.deploymentMode "Knative" -}}
- ports: {{- include "torchserve-kserve.predictPorts" . | nindent 4 }}
  {{- if .Values.networkPolicy.from }}
  from: {{- include "torchserve-kserve.predictPeers" . | nindent 4 }}
  {{- end }}
{{- if $knative }}
- ports: {{- include "torchserve-kserve.policyPorts" (list $queue.autoscaler) | trim | nindent 4 }}
  from: {{- include "torchserve-kserve.knativePeer" . | nindent 4 }}
{{- end }}
{{- with .Values.metrics.from }}
{{- $port := int $.Values.metrics.port }}
- ports: {{- ternary (list $port $queue.user) (list $port) $knative | include "torchserve-kserve.policyPorts" | trim | nindent 4 }}
  from: {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* in: list of egress rules, or nil; out: YAML of a policy's types, and its egress where that is restricted. */}}
{{- define "torchserve-kserve.policyEgress" -}}
{{- if kindIs "invalid" . -}}
policyTypes: [Ingress]
{{- else -}}
policyTypes: [Ingress, Egress]
egress: {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
