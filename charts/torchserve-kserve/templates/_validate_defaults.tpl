{{/* A null among the values takes a default away, and the schema sees only what is left. */}}

{{/* in: root; out: complaints about defaults that are gone and that templates can't do without; of a map, not of what is in it. */}}
{{- define "torchserve-kserve.validate.defaults" -}}
{{- $maps := dict "Values" .Values }}
{{- range $line := include "torchserve-kserve.neededDefaults" . | splitList "\n" }}
{{- $keys := splitList " " $line }}
{{- $parent := first $keys }}
{{- $map := get $maps $parent | default dict }}
{{- range $key := ternary (rest $keys) list (hasKey $maps $parent) }}
{{- $value := index $map $key }}
{{- if kindIs "map" $value }}
{{- $_ := set $maps (printf "%s.%s" $parent $key | trimPrefix "Values.") $value }}
{{- else if kindIs "invalid" $value }}
{{ printf "%s.%s" $parent $key | trimPrefix "Values." }} is null, which takes the chart's default away; remove it, or write a value
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: none; out: lines of a map's name and the keys in it, an outer map before those in it. */}}
{{- define "torchserve-kserve.neededDefaults" -}}
Values deploymentMode domainMapping extraProperties gpu kserve kubeflow maxReplicas metrics minReplicas networkPolicy persistence pip predictor properties protocol runtime securityContext seed
gpu count enabled image resourceName
kubeflow authorizationPolicy enabled
kubeflow.authorizationPolicy enabled
metrics dashboard enabled podMonitor port prometheusRule
metrics.dashboard enabled
metrics.podMonitor enabled interval
metrics.prometheusRule enabled errorPercent for notReadyFor queueMilliseconds workerRestarts
networkPolicy enabled
persistence accessModes create dataSource retain selector size
pip credentials enabled
runtime ca create flavor image serviceEnvelope
runtime.image pullPolicy repository
seed ca connections json s3 storageImage timeoutSeconds
seed.s3 anonymous credentials pathStyle
seed.storageImage pullPolicy repository
{{- end -}}
