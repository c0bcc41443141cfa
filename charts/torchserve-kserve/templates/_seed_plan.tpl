{{/* The seeding Job's plan, and the ConfigMap that holds it and the program. */}}

{{/* in: root; out: the plan's exact bytes, or nothing when there is nothing to seed. Two models with one artefact are one
entry. The marker on the claim is named after these bytes alone, so a new image or program seeds nothing again. A runtime that is
not the chart's reads TorchServe's configuration from the claim. */}}
{{- define "torchserve-kserve.workedOutPlan" -}}
{{- $artifacts := list -}}
{{- $seen := list -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- if and $model.source (not (has $model.file $seen)) -}}
{{- $seen = append $seen $model.file -}}
{{- $sha256 := ternary $model.sha256 nil (ne $model.sha256 "") -}}
{{- $path := printf "model-store/%s" $model.file -}}
{{- $artifacts = merge (dict "model" $model.name "version" $model.version "sha256" $sha256 "path" $path) $model.source | append $artifacts -}}
{{- end -}}
{{- end -}}
{{- if not .Values.runtime.create -}}
{{- $artifacts = dict "path" "config/config.properties" "text" (include "torchserve-kserve.properties" .) | append $artifacts -}}
{{- end -}}
{{- if $artifacts -}}{{ dict "artifacts" $artifacts | toRawJson }}{{- end -}}
{{- end -}}

{{/* in: root; out: the same, worked out once. */}}
{{- define "torchserve-kserve.plan" -}}
{{- include "torchserve-kserve.once" (dict "root" . "name" "torchserve-kserve.workedOutPlan") -}}
{{- end -}}

{{/* in: root; out: path of the plan's marker, relative to the claim's root. */}}
{{- define "torchserve-kserve.marker" -}}
.seed/{{ include "torchserve-kserve.plan" . | include "torchserve-kserve.hash" }}.json
{{- end -}}

{{/* in: root; out: JSON {models: [{name, file}]} that wait to be uploaded; the name is the one that the program knows. */}}
{{- define "torchserve-kserve.uploads" -}}
{{- $models := list -}}
{{- range (include "torchserve-kserve.plan" . | default "{}" | fromJson).artifacts -}}
{{- if hasPrefix "upload://" (.uri | default "") -}}
{{- $models = dict "name" .model "file" (trimPrefix "upload://" .uri) | append $models -}}
{{- end -}}
{{- end -}}
{{- dict "models" $models | toJson -}}
{{- end -}}

{{/* in: root; out: YAML data of the seed's ConfigMap: the plan and the program, a file each. */}}
{{- define "torchserve-kserve.seedData" -}}
{{- $names := list -}}
{{- range $path, $_ := .Files.Glob "files/seed*.py" -}}
{{- $names = base $path | append $names -}}
{{- end -}}
{{- dict "plan.json" (include "torchserve-kserve.plan" .) | toYaml -}}
{{- include "torchserve-kserve.programs" (dict "root" . "names" $names) }}
{{- end -}}

{{/* in: root; out: name of the seed's ConfigMap. It hashes the program with the plan: both are in this immutable object. */}}
{{- define "torchserve-kserve.workedOutSeedConfigName" -}}
{{ .Release.Name }}-seed-{{ include "torchserve-kserve.seedData" . | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: root; out: the same, worked out once. */}}
{{- define "torchserve-kserve.seedConfigName" -}}
{{- include "torchserve-kserve.once" (dict "root" . "name" "torchserve-kserve.workedOutSeedConfigName") -}}
{{- end -}}
