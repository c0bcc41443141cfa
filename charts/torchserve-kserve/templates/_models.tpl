{{/* The models: values with their defaults, the file each one is served from, TorchServe's snapshot. */}}

{{/* in: URI of an archive; out: its file name on the claim without hash and suffix, one that holds no dot. */}}
{{- define "torchserve-kserve.stem" -}}
{{- $name := regexReplaceAll "[?#].*$" . "" | base | trimSuffix ".mar" -}}
{{- regexReplaceAll "[^A-Za-z0-9_-]+" $name "-" | trunc 60 | trimAll "-" | default "model" -}}
{{- end -}}

{{/* in: {uri, sha256}; out: file name that is this artefact's for ever, so a new artefact never replaces an old one. */}}
{{- define "torchserve-kserve.seededFile" -}}
{{- $hash := printf "%s %s" .uri .sha256 | sha256sum | trunc 8 -}}
{{ include "torchserve-kserve.stem" .uri }}-{{ $hash }}.mar
{{- end -}}

{{/* in: root; out: JSON map of model name to {uri, sha256, file, version, and the snapshot's numbers}, all filled in. */}}
{{- define "torchserve-kserve.models" -}}
{{- $models := dict -}}
{{- range $name, $given := .Values.models -}}
{{- $model := $given | default dict -}}
{{- $uri := $model.uri | default "" -}}
{{- $sha256 := $model.sha256 | default "" | lower -}}
{{- $minWorkers := $model.minWorkers | default 1 | int -}}
{{- $file := $model.marName | default "" -}}
{{- if $uri -}}
{{- $file = include "torchserve-kserve.seededFile" (dict "uri" $uri "sha256" $sha256) -}}
{{- end -}}
{{- $maxBatchDelay := ternary 100 $model.maxBatchDelay (kindIs "invalid" $model.maxBatchDelay) | int -}}
{{- $_ := set $models $name (dict
  "uri" $uri "sha256" $sha256 "file" $file "version" ($model.version | default "1.0")
  "minWorkers" $minWorkers "maxWorkers" ($model.maxWorkers | default $minWorkers | int)
  "batchSize" ($model.batchSize | default 1 | int) "maxBatchDelay" $maxBatchDelay
  "responseTimeout" ($model.responseTimeout | default 120 | int) "startupTimeout" ($model.startupTimeout | default 120 | int)
) -}}
{{- end -}}
{{- toJson $models -}}
{{- end -}}

{{/* in: root; out: seconds that the slowest model may take for an answer. */}}
{{- define "torchserve-kserve.responseSeconds" -}}
{{- $seconds := 0 -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $seconds = max $seconds (int $model.responseTimeout) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* in: root; out: TorchServe's model_snapshot, one line. The first six keys of a model are mandatory there. */}}
{{- define "torchserve-kserve.snapshot" -}}
{{- $models := dict -}}
{{- range $name, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $entry := pick $model "minWorkers" "maxWorkers" "batchSize" "maxBatchDelay" "responseTimeout" "startupTimeout" -}}
{{- $entry = merge $entry (dict "marName" $model.file "defaultVersion" true) -}}
{{- $_ := set $models $name (dict $model.version $entry) -}}
{{- end -}}
{{- dict "name" "startup.cfg" "modelCount" (len $models) "models" $models | toJson -}}
{{- end -}}

{{/* in: {example, protocol}; out: the request body NOTES shows for a model: its example, or one that every model understands. */}}
{{- define "torchserve-kserve.exampleOf" -}}
{{- if .example -}}{{ toRawJson .example }}{{- else -}}{"{{ ternary "instances" "inputs" (eq .protocol "v1") }}": []}{{- end -}}
{{- end -}}

{{/* in: {model, protocol}; out: path of a model's predict call. */}}
{{- define "torchserve-kserve.predictPath" -}}
{{- if eq .protocol "v1" -}}/v1/models/{{ .model }}:predict{{- else -}}/v2/models/{{ .model }}/infer{{- end -}}
{{- end -}}

{{/* in: root; out: the URL that helm test calls, or nothing where there is no REST: with grpc-v2 the Service's own port speaks
gRPC, and the wrapper's REST has a port besides in Standard mode. */}}
{{- define "torchserve-kserve.testUrl" -}}
{{- if ne .Values.protocol "grpc-v2" -}}
{{ include "torchserve-kserve.clusterUrl" . }}
{{- else if eq .Values.deploymentMode "Standard" -}}
{{ include "torchserve-kserve.clusterUrl" . }}:8080
{{- end -}}
{{- end -}}

{{/* in: root; out: JSON list of {model, request} that helm test sends; a model without an example has the request null. */}}
{{- define "torchserve-kserve.testRequests" -}}
{{- $requests := list -}}
{{- range $name, $model := .Values.models -}}
{{- $requests = append $requests (dict "model" $name "request" (get ($model | default dict) "example" | default nil)) -}}
{{- end -}}
{{- toRawJson $requests -}}
{{- end -}}
