{{/* What a Kubeflow profile needs besides the sidecars. */}}

{{/* in: root; out: YAML list of the AuthorizationPolicy's rules: predict, readiness and metadata of the release's models, and
the paths of Knative's own probes. Explain, TorchServe's other APIs and every other model stay closed. */}}
{{- define "torchserve-kserve.authorizationRules" -}}
{{- $get := list "/v2" "/v2/health/live" "/v2/health/ready" -}}
{{- $post := list -}}
{{- range $name, $_ := .Values.models -}}
{{- $get = concat $get (list (printf "/v1/models/%s" $name) (printf "/v2/models/%s" $name) (printf "/v2/models/%s/ready" $name)) -}}
{{- $v1 := printf "/v1/models/%s:predict" $name -}}
{{- $post = ternary $v1 (printf "/v2/models/%s/infer" $name) (eq $.Values.protocol "v1") | append $post -}}
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
- to:
    - operation:
        methods: [GET]
        paths: [/healthz, /metrics, /wait-for-drain]
{{- end -}}
