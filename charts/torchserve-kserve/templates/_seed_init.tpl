{{/* The init containers of the seeding pod: one for each image that carries something. */}}

{{/* in: {root, index, image, paths}; out: YAML of a container that copies files out of its own image. It never fails: of a file that
is not there the program says so in a sentence, where the predictor hears it. What was copied in part keeps another name. */}}
{{- define "torchserve-kserve.imageContainer" -}}
name: image-{{ .index }}
image: {{ .image | quote }}
command:
  - sh
  - -c
  - |
    for path; do
      mkdir -p "/out${path%/*}" && cp "$path" "/out$path.part" && mv "/out$path.part" "/out$path" || true
    done
  - sh
args: {{- toYaml .paths | nindent 2 }}
resources: {{- include "torchserve-kserve.resources" .root.Values.seed.resources | nindent 2 }}
securityContext: {{- include "torchserve-kserve.containerSecurity" .root | nindent 2 }}
volumeMounts:
  - {name: image-{{ .index }}, mountPath: /out}
{{- end -}}

{{/* in: root; out: YAML of a container that hands on the packing tool, which is pure Python, to the image of KServe's library. Where
the server's image has none, the program says so. */}}
{{- define "torchserve-kserve.archiverContainer" -}}
name: archiver
image: {{ include "torchserve-kserve.image" (dict "root" . "image" .Values.runtime.image) | quote }}
imagePullPolicy: {{ .Values.runtime.image.pullPolicy }}
command:
  - python3
  - -c
  - |
    import importlib.util, shutil
    found = importlib.util.find_spec("model_archiver")
    found and shutil.copytree(found.submodule_search_locations[0], "/archiver/model_archiver", dirs_exist_ok=True)
resources: {{- include "torchserve-kserve.resources" .Values.seed.resources | nindent 2 }}
securityContext: {{- include "torchserve-kserve.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: archiver, mountPath: /archiver}
{{- end -}}

{{/* in: root; out: YAML list of the init containers, or nothing. */}}
{{- define "torchserve-kserve.seedInitContainers" -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
{{- range $index, $image := keys $needs.images | sortAlpha }}
- {{- include "torchserve-kserve.imageContainer" (dict "root" $ "index" $index "image" $image "paths" (get $needs.images $image)) | nindent 2 }}
{{- end }}
{{- if $needs.archiver }}
- {{- include "torchserve-kserve.archiverContainer" . | nindent 2 }}
{{- end }}
{{- end -}}
