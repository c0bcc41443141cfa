{{/* What is passed through is KServe's to check, and what the chart itself looks into has to have a shape that it can look into. */}}

{{/* in: root; out: complaints about fields of another shape. */}}
{{- define "torchserve-kserve.validate.shapes" -}}
{{- if or .Values.predictor .Values.transformer .Values.explainer }}
{{- range $path, $shape := include "torchserve-kserve.shapes" . | fromYaml }}
{{- $steps := splitList "." $path }}
{{- include "torchserve-kserve.validate.shape" (dict "value" (index $.Values (first $steps)) "steps" (rest $steps) "at" (first $steps) "shape" $shape) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {value, steps: the path below it, at: its own, shape: map or list}; out: a complaint about each place where the path leads to
something else. What is between has an entry of its own. */}}
{{- define "torchserve-kserve.validate.shape" -}}
{{- if not .steps }}
{{- if not (kindIs (ternary "map" "slice" (eq .shape "map")) .value) }}
{{ .at }} is no {{ .shape }}; write a {{ .shape }}, as Kubernetes has it
{{- end }}
{{- else if and (eq (first .steps) "[]") (kindIs "slice" .value) }}
{{- range $index, $item := .value }}
{{- include "torchserve-kserve.validate.shape" (dict "value" $item "steps" (rest $.steps) "at" (printf "%s[%d]" $.at $index) "shape" $.shape) }}
{{- end }}
{{- else if kindIs "map" .value }}
{{- $below := index .value (first .steps) }}
{{- if not (kindIs "invalid" $below) }}
{{- include "torchserve-kserve.validate.shape" (dict "value" $below "steps" (rest .steps) "at" (printf "%s.%s" .at (first .steps)) "shape" .shape) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: none; out: YAML map of the fields that templates look into and their shapes; [] is an item of a list. */}}
{{- define "torchserve-kserve.shapes" -}}
predictor.affinity: map
predictor.affinity.podAffinity: map
predictor.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution: list
predictor.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution: list
predictor.annotations: map
predictor.autoScaling: map
predictor.autoScaling.metrics: list
predictor.autoScaling.metrics.[]: map
predictor.containers: list
predictor.containers.[]: map
predictor.containers.[].env: list
predictor.containers.[].env.[]: map
predictor.containers.[].ports: list
predictor.containers.[].ports.[]: map
predictor.containers.[].volumeDevices: list
predictor.containers.[].volumeDevices.[]: map
predictor.containers.[].volumeMounts: list
predictor.containers.[].volumeMounts.[]: map
predictor.labels: map
predictor.model: map
predictor.model.env: list
predictor.model.env.[]: map
predictor.model.livenessProbe: map
predictor.model.readinessProbe: map
predictor.model.securityContext: map
predictor.model.startupProbe: map
predictor.model.storage: map
predictor.model.volumeDevices: list
predictor.model.volumeDevices.[]: map
predictor.model.volumeMounts: list
predictor.model.volumeMounts.[]: map
predictor.nodeSelector: map
predictor.tolerations: list
predictor.tolerations.[]: map
predictor.volumes: list
predictor.volumes.[]: map
explainer.volumes: list
explainer.volumes.[]: map
transformer.volumes: list
transformer.volumes.[]: map
{{- end -}}
