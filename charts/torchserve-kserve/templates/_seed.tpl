{{/* The seeding Job: its plan, its ConfigMap, its spec. */}}

{{/* in: root; out: the plan's exact bytes, or nothing when there is nothing to seed. Two models with one artefact are one
entry. The marker on the claim is named after these bytes alone, so a new image or program seeds nothing again. */}}
{{- define "torchserve-kserve.plan" -}}
{{- $artifacts := list -}}
{{- $seen := list -}}
{{- range $name, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- if and $model.uri (not (has $model.file $seen)) -}}
{{- $seen = append $seen $model.file -}}
{{- $sha256 := ternary $model.sha256 nil (ne $model.sha256 "") -}}
{{- $artifacts = append $artifacts (dict "model" $name "version" $model.version "uri" $model.uri "sha256" $sha256 "path" (printf "model-store/%s" $model.file)) -}}
{{- end -}}
{{- end -}}
{{- if $artifacts -}}{{ dict "artifacts" $artifacts | toRawJson }}{{- end -}}
{{- end -}}

{{/* in: root; out: path of the plan's marker, relative to the claim's root. */}}
{{- define "torchserve-kserve.marker" -}}
.seed/{{ include "torchserve-kserve.plan" . | include "torchserve-kserve.hash" }}.json
{{- end -}}

{{/* in: root; out: YAML data of the seed's ConfigMap. */}}
{{- define "torchserve-kserve.seedData" -}}
{{- dict "plan.json" (include "torchserve-kserve.plan" .) "seed.py" (.Files.Get "files/seed.py") | toYaml -}}
{{- end -}}

{{/* in: root; out: name of the seed's ConfigMap. It hashes the program with the plan: both are in this immutable object. */}}
{{- define "torchserve-kserve.seedConfigName" -}}
{{ .Release.Name }}-seed-{{ include "torchserve-kserve.seedData" . | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: root; out: JSON {names: [...]} of the ConfigMaps that configMap:// URIs name, each once, sorted. */}}
{{- define "torchserve-kserve.sourceConfigMaps" -}}
{{- $names := list -}}
{{- range $_, $model := include "torchserve-kserve.models" . | fromJson -}}
{{- if hasPrefix "configMap://" $model.uri -}}
{{- $names = append $names (trimPrefix "configMap://" $model.uri | splitList "/" | first) -}}
{{- end -}}
{{- end -}}
{{- dict "names" ($names | uniq | sortAlpha) | toJson -}}
{{- end -}}

{{/* in: root; out: the Job's spec. Everything in it is immutable, so the Job's name hashes it. */}}
{{- define "torchserve-kserve.seedJobSpec" -}}
{{- $sources := (include "torchserve-kserve.sourceConfigMaps" . | fromJson).names -}}
activeDeadlineSeconds: {{ int .Values.seed.timeoutSeconds }}
backoffLimit: 3
# The program tries each source several times itself; another pod helps where the cause may pass. It can't where the plan
# is wrong (2), the file is not there or not ours to have (3, 4), has another sha256 (6) or is no archive (7), or the certificate is not trusted (10).
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes: {containerName: seed, operator: In, values: [2, 3, 4, 6, 7, 10]}
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
template:
  metadata:
    labels:
      {{- include "torchserve-kserve.stableLabels" (dict "root" . "component" "seed") | nindent 6 }}
      {{- include "torchserve-kserve.claimLabel" . | nindent 6 }}
      {{- include "torchserve-kserve.sidecar" (dict "inject" "false") | nindent 6 }}
    annotations:
      {{- include "torchserve-kserve.sidecar" (dict "inject" "false") | nindent 6 }}
  spec:
    restartPolicy: Never
    automountServiceAccountToken: false
    enableServiceLinks: false
    {{- with .Values.imagePullSecrets }}
    imagePullSecrets: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with include "torchserve-kserve.claimAffinity" . }}
    affinity: {{- . | nindent 6 }}
    {{- end }}
    securityContext:
      runAsNonRoot: true
      {{- with .Values.securityContext.fsGroup }}
      fsGroup: {{ int . }}
      fsGroupChangePolicy: OnRootMismatch
      {{- end }}
      seccompProfile:
        type: RuntimeDefault
    containers:
      - name: seed
        image: {{ include "torchserve-kserve.image" . | quote }}
        imagePullPolicy: {{ .Values.runtime.image.pullPolicy }}
        command: [python, /opt/torchserve-kserve/seed/seed.py]
        args:
          - --plan
          - /opt/torchserve-kserve/seed/plan.json
          - --destination
          - /mnt/models
          {{- if $sources }}
          - --config-maps
          - /mnt/config-maps
          {{- end }}
        env:
          - {name: PYTHONUNBUFFERED, value: "1"}
          - {name: PYTHONDONTWRITEBYTECODE, value: "1"}
        terminationMessagePolicy: FallbackToLogsOnError
        resources: {{- include "torchserve-kserve.resources" .Values.seed.resources | nindent 10 }}
        securityContext: {{- include "torchserve-kserve.containerSecurity" . | nindent 10 }}
        volumeMounts:
          - name: models
            mountPath: /mnt/models
            {{- with .Values.persistence.subPath }}
            subPath: {{ . | quote }}
            {{- end }}
          - {name: seed, mountPath: /opt/torchserve-kserve/seed, readOnly: true}
          {{- range $index, $name := $sources }}
          - {name: source-{{ $index }}, mountPath: "/mnt/config-maps/{{ $name }}", readOnly: true}
          {{- end }}
    volumes:
      - name: models
        persistentVolumeClaim: {claimName: {{ include "torchserve-kserve.claimName" . | quote }}}
      - name: seed
        configMap: {name: {{ include "torchserve-kserve.seedConfigName" . | quote }}}
      {{- range $index, $name := $sources }}
      # Optional: of a missing ConfigMap the program says so in a sentence, instead of a pod that never starts.
      - name: source-{{ $index }}
        configMap: {name: {{ $name | quote }}, optional: true}
      {{- end }}
{{- end -}}

{{/* in: root; out: name of the Job. What is hashed is the spec's content; comments and layout don't count. */}}
{{- define "torchserve-kserve.seedJobName" -}}
{{ .Release.Name }}-seed-{{ include "torchserve-kserve.seedJobSpec" . | fromYaml | toJson | include "torchserve-kserve.hash" }}
{{- end -}}
