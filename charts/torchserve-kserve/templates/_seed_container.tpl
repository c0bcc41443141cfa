{{/* The container of the seeding pod that runs the program: its arguments, environment and mounts. */}}

{{/* in: root; out: YAML list of the environment that the chart writes. */}}
{{- define "torchserve-kserve.seedEnv" -}}
{{- $s3 := .Values.seed.s3 -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
- {name: HOME, value: /tmp}
{{- if $needs.archiver }}
- {name: PYTHONPATH, value: /archiver}
{{- end }}
{{- if include "torchserve-kserve.hasCa" .Values.seed.ca }}
- {name: TORCHSERVE_KSERVE_CA, value: {{ include "torchserve-kserve.caFile" . }}}
{{- end }}
{{- with $s3.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- with $s3.region }}
- {name: AWS_DEFAULT_REGION, value: {{ . | quote }}}
{{- end }}
{{- if not $s3.pathStyle }}
# Spelt so in KServe's library.
- {name: S3_USER_VIRTUAL_BUCKET, value: "true"}
{{- end }}
{{- if $s3.anonymous }}
- {name: awsAnonymousCredential, value: "true"}
{{- end }}
{{- range $key, $optional := ternary (dict "AWS_ACCESS_KEY_ID" false "AWS_SECRET_ACCESS_KEY" false "AWS_SESSION_TOKEN" true) dict (not (empty $s3.credentials.secretName)) }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef: {name: {{ $s3.credentials.secretName | quote }}, key: {{ $key }}, optional: {{ $optional }}}
{{- end }}
{{- end -}}

{{/* out: the directory that the program and the plan are mounted at. */}}
{{- define "torchserve-kserve.seedFolder" -}}
/opt/torchserve-kserve/seed
{{- end -}}

{{/* out: the arguments that say where plan and claim are, with a space between them. */}}
{{- define "torchserve-kserve.seedPlace" -}}
--plan {{ include "torchserve-kserve.seedFolder" . }}/plan.json --destination /mnt/models
{{- end -}}

{{/* in: root; out: YAML list of the program's arguments. What a model names by marName is no part of the plan, and is served. */}}
{{- define "torchserve-kserve.seedArgs" -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
{{- range include "torchserve-kserve.seedPlace" . | splitList " " }}
- {{ . }}
{{- end }}
- --connections
- {{ int .Values.seed.connections | quote }}
- --owner
- {{ printf "%s/%s" .Release.Namespace .Release.Name | quote }}
{{- if not (kindIs "invalid" .Values.seed.keepOld) }}
- --keep-old
- {{ int .Values.seed.keepOld | quote }}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson }}
{{- if not $model.source }}
- --keep
- {{ printf "model-store/%s" $model.file | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.seed.json }}
- --json
{{- end }}
{{- if or $needs.configMaps $needs.claims $needs.images }}
- --mounts
- /mnt/sources
{{- end }}
{{- if $needs.secrets }}
- --secrets
- /mnt/secrets
{{- end }}
{{- end -}}

{{/* in: root; out: YAML list of what is mounted into the program's containers. A part of a build may lie on the release's own claim: a
pod may not name a claim twice. */}}
{{- define "torchserve-kserve.seedMounts" -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
- name: models
  mountPath: /mnt/models
  {{- with .Values.persistence.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
- {name: seed, mountPath: {{ include "torchserve-kserve.seedFolder" . }}, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if $needs.archiver }}
- {name: archiver, mountPath: /archiver, readOnly: true}
{{- end }}
{{- range $index, $name := $needs.configMaps }}
- {name: config-map-{{ $index }}, mountPath: "/mnt/sources/configMap/{{ $name }}", readOnly: true}
{{- end }}
{{- range $index, $name := $needs.claims }}
- {name: {{ eq $name (include "torchserve-kserve.claimName" $) | ternary "models" (printf "claim-%d" $index) }}, mountPath: "/mnt/sources/pvc/{{ $name }}", readOnly: true}
{{- end }}
{{- range $index, $image := keys $needs.images | sortAlpha }}
- {name: image-{{ $index }}, mountPath: "/mnt/sources/oci/{{ include "torchserve-kserve.hash" $image }}", readOnly: true}
{{- end }}
{{- range $index, $name := $needs.secrets }}
- {name: secret-{{ $index }}, mountPath: "/mnt/secrets/{{ $name }}", readOnly: true}
{{- end }}
{{- include "torchserve-kserve.caMount" .Values.seed.ca }}
{{- end -}}

{{/* in: root; out: YAML of the container that runs the program: in the server's image, or in that of KServe's storage library. */}}
{{- define "torchserve-kserve.seedContainer" -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
{{- $image := ternary .Values.seed.storageImage .Values.runtime.image $needs.storage -}}
name: seed
image: {{ include "torchserve-kserve.image" (dict "root" . "image" $image) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
command: [python3, {{ include "torchserve-kserve.seedFolder" . }}/seed.py]
args: {{- include "torchserve-kserve.seedArgs" . | nindent 2 }}
env:
  {{- include "torchserve-kserve.seedEnv" . | nindent 2 }}
  {{- with .Values.seed.env }}{{ toYaml . | nindent 2 }}{{ end }}
{{- with .Values.seed.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
terminationMessagePolicy: FallbackToLogsOnError
resources: {{- include "torchserve-kserve.resources" .Values.seed.resources | nindent 2 }}
securityContext: {{- include "torchserve-kserve.containerSecurity" . | nindent 2 }}
volumeMounts: {{- include "torchserve-kserve.seedMounts" . | nindent 2 }}
{{- end -}}
