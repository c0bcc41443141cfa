{{/* The one rule that looks at the cluster; docs/decisions/0010 says why. */}}

{{/* in: root; out: a complaint about a mode that is not the running release's. KServe refuses it, too, but when Helm has changed other
objects already, after which helm rollback fails. What has no cluster at hand (helm template, Argo CD) finds nothing here. */}}
{{- define "torchserve-kserve.validate.mode" -}}
{{- if .Release.IsUpgrade }}
{{- $running := lookup "serving.kserve.io/v1beta1" "InferenceService" .Release.Namespace .Release.Name | default dict }}
{{- $mode := dig "status" "deploymentMode" "" $running }}
{{- $mode = get (dict "RawDeployment" "Standard" "Serverless" "Knative") $mode | default $mode }}
{{- if and $mode (ne $mode .Values.deploymentMode) }}
deploymentMode {{ .Values.deploymentMode }}: the release runs in mode {{ $mode }}, which KServe changes for no InferenceService; write {{ $mode }}, or set persistence.retain=true, uninstall the release and install it again
{{- end }}
{{- end }}
{{- end -}}
