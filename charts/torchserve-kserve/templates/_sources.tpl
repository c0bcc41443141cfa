{{/* Where the models come from: kinds of URIs, what the plan says of them, what the Job needs for them. */}}

{{/* out: regular expression of what Azure's URLs begin with. */}}
{{- define "torchserve-kserve.azureForm" -}}
^https://[^/]+[.](blob|file)[.](core[.]windows|storage[.]azure)[.]net/
{{- end -}}

{{/* in: URI; out: who fetches it: http, storage (KServe's library), configMap, pvc, oci, upload; nothing for another scheme. An
Azure URL with a query has its token in it, so plain https does. */}}
{{- define "torchserve-kserve.kind" -}}
{{- $scheme := regexFind "^[A-Za-z0-9]+:" . | trimSuffix ":" -}}
{{- if has $scheme (list "s3" "gs" "hf" "hdfs" "webhdfs") -}}
storage
{{- else if eq $scheme "https" -}}
{{- $azure := regexMatch (printf "%s[^?]*$" (include "torchserve-kserve.azureForm" .)) . -}}
{{- $git := regexMatch "^https://[^?#]+[.]git(#|$)" . -}}
{{- ternary "storage" "http" (or $azure $git) -}}
{{- else if has $scheme (list "http" "configMap" "pvc" "oci" "upload") -}}
{{ $scheme }}
{{- end -}}
{{- end -}}

{{/* in: URI; out: the name of its file. Inside an image, a repository or a folder that is after '#'. */}}
{{- define "torchserve-kserve.fileName" -}}
{{- $inside := has (include "torchserve-kserve.kind" .) (list "oci" "storage") | and (contains "#" .) -}}
{{- $path := regexReplaceAll "[?#].*$" . "" -}}
{{- if $inside -}}{{- $path = splitList "#" . | last -}}{{- end -}}
{{ base $path }}
{{- end -}}

{{/* in: a model, or a part of a build (a URI or a map); out: JSON of it as the plan has it. */}}
{{- define "torchserve-kserve.part" -}}
{{- $part := . -}}
{{- if kindIs "string" . -}}{{- $part = dict "uri" . -}}{{- end -}}
{{- $out := dict -}}
{{- with $part.uri -}}
{{- $_ := set $out "uri" . -}}
{{- if and (hasPrefix "https:" .) (eq (include "torchserve-kserve.kind" .) "storage") -}}{{- $_ := set $out "storage" true -}}{{- end -}}
{{- end -}}
{{- with ($part.uriFrom).secretKeyRef -}}{{- $_ := dict "secret" .name "key" .key | set $out "uriFrom" -}}{{- end -}}
{{- with ($part.credentials).secretName -}}{{- $_ := set $out "credentials" . -}}{{- end -}}
{{- with $part.sha256 -}}{{- $_ := lower . | set $out "sha256" -}}{{- end -}}
{{- toRawJson $out -}}
{{- end -}}

{{/* in: a model's build; out: JSON of it as the plan has it; a handler without :// is the name of a built-in one. */}}
{{- define "torchserve-kserve.build" -}}
{{- $out := dict "format" (.format | default "default") -}}
{{- range $option, $given := omit . "format" -}}
{{- if kindIs "slice" $given -}}
{{- $parts := list -}}
{{- range $given -}}{{- $parts = include "torchserve-kserve.part" . | fromJson | append $parts -}}{{- end -}}
{{- $_ := set $out $option $parts -}}
{{- else if and (eq $option "handler") (kindIs "string" $given) (not (contains "://" $given)) -}}
{{- $_ := set $out $option $given -}}
{{- else if $given -}}
{{- $_ := include "torchserve-kserve.part" $given | fromJson | set $out $option -}}
{{- end -}}
{{- end -}}
{{- toRawJson $out -}}
{{- end -}}

{{/* in: a model; out: JSON of the plan's keys that say where it comes from; {} for a file that is there (marName). */}}
{{- define "torchserve-kserve.source" -}}
{{- if .build -}}
{"build": {{ include "torchserve-kserve.build" .build }}}
{{- else -}}
{{ omit (include "torchserve-kserve.part" . | fromJson) "sha256" | toRawJson }}
{{- end -}}
{{- end -}}

{{/* in: a build as the plan has it; out: JSON {parts: [...]} of its files; option is what torch-model-archiver gets each as. */}}
{{- define "torchserve-kserve.buildParts" -}}
{{- $parts := list -}}
{{- range $option, $given := omit . "format" -}}
{{- range ternary $given (list $given) (kindIs "slice" $given) -}}
{{- if kindIs "map" . -}}{{- $parts = merge (dict "option" $option) . | append $parts -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "parts" $parts | toRawJson -}}
{{- end -}}

{{/* in: root; out: JSON {parts: [...]} of all that is fetched, the files of builds one by one; key is the value's path. */}}
{{- define "torchserve-kserve.parts" -}}
{{- $parts := list -}}
{{- range $name, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- if $model.source.build -}}
{{- range (include "torchserve-kserve.buildParts" $model.source.build | fromJson).parts -}}
{{- $parts = merge (dict "key" (printf "models.%s.build.%s" $name .option)) . | append $parts -}}
{{- end -}}
{{- else if $model.source -}}
{{- $parts = merge (dict "key" (printf "models.%s" $name)) $model.source | append $parts -}}
{{- end -}}
{{- end -}}
{{- dict "parts" $parts | toRawJson -}}
{{- end -}}

{{/* in: root; out: JSON of what the Job needs for them: names of configMaps, claims and secrets, each once; images: a map of
image to the paths of its files; storage: whether KServe's library; archiver: whether in its image the packing tool, too. */}}
{{- define "torchserve-kserve.workedOutNeeds" -}}
{{- $names := dict "configMap" list "pvc" list "secrets" (.Values.seed.secretFiles | default list) -}}
{{- $images := dict -}}
{{- $storage := false -}}
{{- $build := false -}}
{{- range (include "torchserve-kserve.parts" . | fromJson).parts -}}
{{- $kind := .uri | default "" | include "torchserve-kserve.kind" -}}
{{- $rest := .uri | default "" | trimPrefix (printf "%s://" $kind) -}}
{{- if has $kind (list "configMap" "pvc") -}}
{{- $_ := splitList "/" $rest | first | append (get $names $kind) | set $names $kind -}}
{{- else if eq $kind "oci" -}}
{{- $image := splitList "#" $rest | first -}}
{{- $_ := splitList "#" $rest | last | append (get $images $image | default list) | uniq | set $images $image -}}
{{- end -}}
{{- range compact (list .credentials (.uriFrom).secret) -}}
{{- $_ := append $names.secrets . | set $names "secrets" -}}
{{- end -}}
{{- $storage = or $storage (eq $kind "storage") -}}
{{- $build = or $build (hasKey . "option") -}}
{{- end -}}
{{- range $kind, $list := $names -}}{{- $_ := uniq $list | sortAlpha | set $names $kind -}}{{- end -}}
{{- dict "configMaps" $names.configMap "claims" $names.pvc "secrets" $names.secrets "images" $images "storage" $storage "archiver" (and $storage $build) | toJson -}}
{{- end -}}

{{/* in: root; out: the same, worked out once. */}}
{{- define "torchserve-kserve.needs" -}}
{{- include "torchserve-kserve.once" (dict "root" . "name" "torchserve-kserve.workedOutNeeds") -}}
{{- end -}}
