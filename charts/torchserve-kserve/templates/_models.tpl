{{/* The models: values with their defaults, the file each one is served from, TorchServe's snapshot. */}}

{{/* in: URI; out: the name of its file without suffix, one that holds no dot. */}}
{{- define "torchserve-kserve.stem" -}}
{{- $name := include "torchserve-kserve.fileName" . | trimSuffix ".mar" -}}
{{- regexReplaceAll "[^A-Za-z0-9_-]+" $name "-" | trunc 60 | trimAll "-" | default "model" -}}
{{- end -}}

{{/* in: {name and version of the model, source, sha256, revision}; out: name of a file, or of a directory, that is this artefact's
for ever, so a new artefact never replaces an old one. Which Secret opened the source is not part of it. */}}
{{- define "torchserve-kserve.seededFile" -}}
{{- $build := .source.build | default dict -}}
{{- $what := .source.uri -}}
{{- if $build -}}
{{- $what = dict "build" $build "version" .version | toRawJson -}}
{{- else if .source.uriFrom -}}
{{- $what = toRawJson .source.uriFrom -}}
{{- end -}}
{{- $identity := printf "%s %s" $what .sha256 -}}
{{- with .revision -}}{{- $identity = printf "%s %s" $identity . -}}{{- end -}}
{{ .source.uri | default .name | include "torchserve-kserve.stem" }}-{{ sha256sum $identity | trunc 8 }}
{{- if ne "no-archive" (get $build "format") -}}.mar{{- end -}}
{{- end -}}

{{/* in: a model that has versions; out: its default one. */}}
{{- define "torchserve-kserve.defaultVersion" -}}
{{- .defaultVersion | default (keys .versions | sortAlpha | first) -}}
{{- end -}}

{{/* in: root; out: JSON map of each version's path below models to {name, default: whether it is the model's default version, given: its
values}. A model without versions is one, under its own name. */}}
{{- define "torchserve-kserve.versions" -}}
{{- $versions := dict -}}
{{- range $name, $given := .Values.models -}}
{{- $model := $given | default dict -}}
{{- if $model.versions -}}
{{- $default := include "torchserve-kserve.defaultVersion" $model -}}
{{- range $version, $values := $model.versions -}}
{{- $given := merge (dict "version" $version) ($values | default dict) -}}
{{- $_ := set $versions (printf "%s.versions[%q]" $name $version) (dict "name" $name "default" (eq $version $default) "given" $given) -}}
{{- end -}}
{{- else -}}
{{- $_ := set $versions $name (dict "name" $name "default" true "given" $model) -}}
{{- end -}}
{{- end -}}
{{- toRawJson $versions -}}
{{- end -}}

{{/* in: root; out: JSON map of each version's path below models to {name, default, source, sha256, file, version, and the snapshot's
numbers}, all filled in. */}}
{{- define "torchserve-kserve.workedOutModels" -}}
{{- $models := dict -}}
{{- $revision := include "torchserve-kserve.text" .Values.seed.revision -}}
{{- range $key, $one := include "torchserve-kserve.versions" . | fromJson -}}
{{- $model := $one.given -}}
{{- $source := include "torchserve-kserve.source" $model | fromJson -}}
{{- $sha256 := $model.sha256 | default "" | lower -}}
{{- $version := $model.version | default "1.0" -}}
{{- $minWorkers := $model.minWorkers | default 1 | int -}}
{{- $file := $model.marName | default "" -}}
{{- if $source -}}
{{- $file = include "torchserve-kserve.seededFile" (dict "name" $one.name "version" $version "source" $source "sha256" $sha256 "revision" $revision) -}}
{{- end -}}
{{- $maxBatchDelay := ternary 100 $model.maxBatchDelay (kindIs "invalid" $model.maxBatchDelay) | int -}}
{{- $_ := set $models $key (dict
  "name" $one.name "default" $one.default "source" $source "sha256" $sha256 "file" $file "version" $version
  "minWorkers" $minWorkers "maxWorkers" ($model.maxWorkers | default $minWorkers | int)
  "batchSize" ($model.batchSize | default 1 | int) "maxBatchDelay" $maxBatchDelay
  "responseTimeout" ($model.responseTimeout | default 120 | int) "startupTimeout" ($model.startupTimeout | default 120 | int)
) -}}
{{- end -}}
{{- toJson $models -}}
{{- end -}}

{{/* in: root; out: the same, worked out once. */}}
{{- define "torchserve-kserve.models" -}}
{{- include "torchserve-kserve.once" (dict "root" . "name" "torchserve-kserve.workedOutModels") -}}
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
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- $entry := pick $model "minWorkers" "maxWorkers" "batchSize" "maxBatchDelay" "responseTimeout" "startupTimeout" -}}
{{- $entry = merge $entry (dict "marName" $model.file "defaultVersion" $model.default) -}}
{{- $_ := get $models $model.name | default dict | merge (dict $model.version $entry) | set $models $model.name -}}
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
{{ include "torchserve-kserve.clusterUrl" . }}:{{ (include "torchserve-kserve.ports" . | fromJson).rest }}
{{- end -}}
{{- end -}}

{{/* in: root; out: seconds in which the answer to a predict call has to come. From zero it comes after a whole start. */}}
{{- define "torchserve-kserve.answerSeconds" -}}
{{- ternary 0 (include "torchserve-kserve.startupSeconds" . | int) (eq .Values.deploymentMode "Standard") | add (include "torchserve-kserve.responseSeconds" . | int) -}}
{{- end -}}

{{/* in: root; out: seconds after which helm test's pod is over: its image's, a minute for a pod that is ready, every model's answer, only
the first of which may be from zero. */}}
{{- define "torchserve-kserve.testSeconds" -}}
{{- $others := len .Values.models | add -1 | max 0 | mul (include "torchserve-kserve.responseSeconds" . | int) -}}
{{- add 300 60 (include "torchserve-kserve.answerSeconds" . | int) $others -}}
{{- end -}}

{{/* in: root; out: JSON list of {model, request} that helm test sends; a model without an example has the request null. */}}
{{- define "torchserve-kserve.testRequests" -}}
{{- $requests := list -}}
{{- range $name, $model := .Values.models -}}
{{- $requests = append $requests (dict "model" $name "request" (get ($model | default dict) "example" | default nil)) -}}
{{- end -}}
{{- toRawJson $requests -}}
{{- end -}}
