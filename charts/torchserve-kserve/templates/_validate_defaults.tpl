{{/* A null among the values takes a default away, and the schema sees only what is left. */}}

{{/* in: root; out: complaints about defaults that are gone and that templates can't do without; of a map, not of what is in it. */}}
{{- define "torchserve-kserve.validate.defaults" -}}
{{- $maps := dict "" .Values }}
{{- range $path := regexSplit "\\s+" (include "torchserve-kserve.neededDefaults" . | trim) -1 }}
{{- $steps := splitList "." $path }}
{{- $map := get $maps (initial $steps | join ".") }}
{{- $value := ternary (get ($map | default dict) (last $steps)) nil (hasKey ($map | default dict) (last $steps)) }}
{{- if kindIs "map" $value }}{{- $_ := set $maps $path $value }}{{- end }}
{{- if and (kindIs "map" $map) (kindIs "invalid" $value) }}
{{ $path }} is null, which takes the chart's default away; remove it, or write a value
{{- end }}
{{- end }}
{{- end -}}

{{/* in: none; out: the keys, sorted, so that a map comes before what is in it. */}}
{{- define "torchserve-kserve.neededDefaults" -}}
deploymentMode domainMapping extraProperties gpu gpu.count gpu.enabled gpu.image gpu.resourceName kserve kubeflow
kubeflow.authorizationPolicy kubeflow.authorizationPolicy.enabled kubeflow.enabled maxReplicas metrics metrics.dashboard
metrics.dashboard.enabled metrics.enabled metrics.podMonitor metrics.podMonitor.enabled metrics.podMonitor.interval metrics.port
metrics.prometheusRule metrics.prometheusRule.enabled metrics.prometheusRule.errorPercent metrics.prometheusRule.for
metrics.prometheusRule.notReadyFor metrics.prometheusRule.queueMilliseconds metrics.prometheusRule.workerRestarts minReplicas
networkPolicy networkPolicy.enabled persistence persistence.accessModes persistence.create persistence.dataSource
persistence.retain persistence.selector persistence.size pip pip.credentials pip.enabled predictor properties protocol runtime
runtime.ca runtime.create runtime.flavor runtime.image runtime.image.pullPolicy runtime.image.repository
runtime.serviceEnvelope securityContext seed seed.ca seed.connections seed.json seed.s3 seed.s3.anonymous
seed.s3.credentials seed.s3.pathStyle seed.storageImage seed.storageImage.pullPolicy seed.storageImage.repository
seed.timeoutSeconds
{{- end -}}
