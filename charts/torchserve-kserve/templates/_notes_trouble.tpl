{{/* The part of NOTES for a release that does not get ready. */}}

{{/* in: root; out: YAML list of the predictor pods' containers beside the server. */}}
{{- define "torchserve-kserve.notes.containers" -}}
{{- if eq .Values.deploymentMode "Knative" }}
- queue-proxy
{{- end }}
{{- if .Values.kubeflow.enabled }}
- istio-proxy
{{- end }}
{{- if include "torchserve-kserve.hasAgent" . }}
- agent
{{- end }}
{{- range .Values.predictor.containers }}
- {{ .name }}
{{- end }}
{{- end -}}

{{/* in: root; out: what to look at, in the order in which it has to come right. */}}
{{- define "torchserve-kserve.notes.look" -}}
{{- $look := include "torchserve-kserve.look" . | fromJson -}}
If it does not get ready, ask its pods what they wait for, or what they ended with:

   {{ $look.why }}

If that does not tell, what fits first of these:
{{ range include "torchserve-kserve.look.order" . | fromJsonArray }}
   # if {{ first . }}
   {{ last . }}
{{- end }}
   # all of it, in the order in which it happened
   {{ include "torchserve-kserve.look.kubectl" . }} get events --sort-by=.lastTimestamp
   # KServe's own reason, which it writes late; RuntimeNotRecognized in it is left over from the install
   {{ include "torchserve-kserve.look.kubectl" . }} get inferenceservice {{ .Release.Name }} -o jsonpath='{.status.modelStatus.lastFailureInfo}{"\n"}'
{{- with include "torchserve-kserve.notes.containers" . | fromYamlArray }}

Its pods have {{ ternary "another container" "more containers" (eq (len .) 1) }} with a log: -c {{ join ", -c " . }}.
{{- end }}
{{- if or .Values.transformer .Values.explainer }}

The pods of the transformer and explainer: the same with component=transformer, component=explainer.
{{- end }}

The same in k9s, where l shows a pod's log, p the one before its last restart, d what it waits for, Enter its containers:

   k9s -n {{ .Release.Namespace }} -c pods
   /{{ .Release.Name }}-  Enter        the server's pods are {{ include "torchserve-kserve.predictorService" . }}-…{{ if include "torchserve-kserve.plan" . }}, the Job's {{ .Release.Name }}-seed-…{{ end }}
   {{- if include "torchserve-kserve.hasClaim" . }}
   :pvc  Enter          the claims
   {{- end }}
{{- end -}}
