{{/* What a Kubeflow profile needs besides the sidecars. */}}

{{/* in: root; out: YAML list of the AuthorizationPolicy's rules: predict, readiness and metadata of the release's models, and
in Knative mode what activator and autoscaler ask queue-proxy for, at its ports alone (the wrapper's own /metrics is at 8080).
Explain, TorchServe's other APIs and every other model stay closed. kubelet's probes and its call of /wait-for-drain need no
rule: Istio's agent makes them inside the pod. */}}
{{- define "torchserve-kserve.authorizationRules" -}}
{{- $get := list "/v2" "/v2/health/live" "/v2/health/ready" -}}
{{- $post := list -}}
{{- range $name, $_ := .Values.models -}}
{{- $get = concat $get (list (printf "/v1/models/%s" $name) (printf "/v2/models/%s" $name) (printf "/v2/models/%s/ready" $name)) -}}
{{- $both := eq $.Values.runtime.serviceEnvelope "torchserve_kserve" -}}
{{- if or $both (eq $.Values.protocol "v1") -}}{{- $post = printf "/v1/models/%s:predict" $name | append $post -}}{{- end -}}
{{- if or $both (ne $.Values.protocol "v1") -}}{{- $post = printf "/v2/models/%s/infer" $name | append $post -}}{{- end -}}
{{- end -}}
{{- if eq .Values.protocol "grpc-v2" -}}
{{- range list "ModelInfer" "ModelReady" "ModelMetadata" "ServerLive" "ServerReady" "ServerMetadata" -}}
{{- $post = printf "/inference.GRPCInferenceService/%s" . | append $post -}}
{{- end -}}
{{- end -}}
- to:
    - operation:
        methods: [POST]
        paths: {{- toYaml $post | nindent 10 }}
- to:
    - operation:
        methods: [GET]
        paths: {{- toYaml $get | nindent 10 }}
{{- if eq .Values.deploymentMode "Knative" }}
{{- $queue := include "torchserve-kserve.queueProxyPorts" . | fromJson }}
- to:
    - operation:
        methods: [GET]
        paths: [/healthz]
        ports: [{{ ternary $queue.http2 $queue.http1 (eq .Values.protocol "grpc-v2") | toString | quote }}]
    - operation:
        methods: [GET]
        paths: [/metrics]
        ports: [{{ $queue.autoscaler | toString | quote }}]
{{- end }}
{{- end -}}
