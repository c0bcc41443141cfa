{{/* Rules that values.schema.json can't state, a topic each. Every define returns its complaints, one per line; a complaint
is one sentence: which key, what is wrong, what to write instead. Tests rely on the sentences. */}}

{{/* in: root; out: all complaints, a line each; nothing where the values are right. */}}
{{- define "torchserve-kserve.complaints" -}}
{{- $complaints := include "torchserve-kserve.validate.defaults" . | trim -}}
{{- $complaints = $complaints | default (include "torchserve-kserve.validate.shapes" .) | trim | splitList "\n" | compact -}}
{{- /* The other rules can be asked about values alone that have a right shape. */ -}}
{{- range $topic := ternary (list) (list "release" "mode" "parent" "models" "sources" "persistence" "seed" "scaling" "autoscaler" "timeout" "runtime" "gpu" "environment" "resources" "objects" "properties" "extraProperties" "pip" "metrics" "network" "passThrough" "extraObjects") (gt (len $complaints) 0) -}}
{{- range include (printf "torchserve-kserve.validate.%s" $topic) $ | splitList "\n" -}}
{{- with trim . -}}{{- $complaints = append $complaints . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- join "\n" $complaints -}}
{{- end -}}

{{/* in: root; out: complaints about the release's name, which is the InferenceService's, and about a switch that nobody has read:
where a parent's condition reads it, nothing is rendered. */}}
{{- define "torchserve-kserve.validate.release" -}}
{{- with .Values.kserve.version }}
{{- if semverCompare "<0.15.0-0" . }}
kserve.version {{ . }}: the chart's objects fit KServe 0.15 and later; upgrade KServe, or write the version that is on the cluster
{{- else if and (semverCompare "<0.15.2-0" .) (eq "none" ($.Values.autoscalerClass | default "")) }}
autoscalerClass none: KServe knows it from 0.15.2 on, and kserve.version is {{ . }}; upgrade KServe, or write minReplicas and maxReplicas alike
{{- end }}
{{- end }}
{{- if eq (toString .Values.enabled) "false" }}
enabled is false, and no condition of a parent chart reads it; write condition: {{ .Chart.Name }}.enabled into that dependency in the parent's Chart.yaml, or remove it
{{- end }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) }}
release name {{ .Release.Name | quote }} can't name an InferenceService; install it under one that starts with a letter and holds only a-z, 0-9 and '-'
{{- end }}
{{- if gt (len .Release.Name) 40 }}
release name {{ .Release.Name | quote }} has {{ len .Release.Name }} characters; install it under one of at most 40, because KServe adds to it
{{- else if eq .Values.deploymentMode "Standard" }}
{{- include "torchserve-kserve.validate.hostName" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: a complaint about a release and a namespace that are too long for the host that Standard mode makes of them. */}}
{{- define "torchserve-kserve.validate.hostName" -}}
{{- $component := ternary "transformer" "predictor" (not (empty .Values.transformer)) }}
{{- $together := add (len .Release.Name) (len .Release.Namespace) }}
{{- $most := sub 61 (len $component) }}
{{- if gt $together $most }}
release name {{ .Release.Name | quote }} and namespace {{ .Release.Namespace | quote }} have {{ $together }} characters together; use at most {{ $most }}, because deploymentMode Standard makes <release>-{{ $component }}-<namespace> a part of the host, which holds 63
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the models' names and how they are served. */}}
{{- define "torchserve-kserve.validate.models" -}}
{{- if not .Values.models }}
models is empty; name a model and its source, for example --set models.bert.uri=https://example.com/bert-model.mar
{{- end }}
{{- range $name, $given := .Values.models }}
{{- $model := $given | default dict }}
{{- if not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" $name) }}
models: the URL can't carry the name {{ $name | quote }}; use at most 63 letters, digits, '.', '_' and '-', with a letter or a digit first
{{- end }}
{{- include "torchserve-kserve.validate.versions" (dict "root" $ "name" $name "model" $model) }}
{{- if $model.example }}
{{- include "torchserve-kserve.validate.example" (dict "key" (printf "models.%s.example" $name) "example" $model.example "protocol" $.Values.protocol) }}
{{- end }}
{{- end }}
{{- range $path, $one := include "torchserve-kserve.versions" . | fromJson }}
{{- $model := $one.given }}
{{- $minWorkers := $model.minWorkers | default 1 | int }}
{{- if lt ($model.maxWorkers | default $minWorkers | int) $minWorkers }}
models.{{ $path }}.maxWorkers {{ int $model.maxWorkers }} is less than minWorkers {{ $minWorkers }}; raise maxWorkers or lower minWorkers
{{- end }}
{{- if and (gt ($model.batchSize | default 1 | int) 1) (eq $.Values.runtime.serviceEnvelope "stock") }}
models.{{ $path }}.batchSize {{ int $model.batchSize }}: TorchServe's envelope for protocol {{ $.Values.protocol }} answers only the first request of a batch; write 1 and send several {{ ternary "instances in a request" "rows in a tensor" (eq $.Values.protocol "v1") }}
{{- end }}
{{- end }}
{{- /* The test pod gets them as one argument, for which Linux has 128 KiB. */}}
{{- $bytes := include "torchserve-kserve.testRequests" . | len }}
{{- if gt $bytes 102400 }}
models.<name>.example: all examples together are {{ $bytes }} bytes of JSON, more than helm test can send; shorten them to at most 102400 bytes
{{- end }}
{{- end -}}

{{/* in: {key, example, protocol}; out: a complaint about an example of another protocol. */}}
{{- define "torchserve-kserve.validate.example" -}}
{{- if and (eq .protocol "v1") (not (kindIs "slice" .example.instances)) }}
{{ .key }} is not a request of protocol v1; write a list under instances, for example {"instances": [{"data": "Hello World!"}]}
{{- end }}
{{- if and (ne .protocol "v1") (not (kindIs "slice" .example.inputs)) }}
{{ .key }} is not a request of protocol {{ .protocol }}; write a list under inputs, for example {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["Hello World!"]}]}
{{- end }}
{{- end -}}
