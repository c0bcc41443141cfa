{{/* The seeding Job. */}}

{{/* in: root; out: YAML list of the pod's volumes. A ConfigMap or Secret may be missing: the program says so in a sentence, instead
of a pod that never starts. Another claim is read-only as a volume, too, so that its files keep their group. */}}
{{- define "torchserve-kserve.seedVolumes" -}}
{{- $needs := include "torchserve-kserve.needs" . | fromJson -}}
- name: models
  persistentVolumeClaim: {claimName: {{ include "torchserve-kserve.claimName" . | quote }}}
- name: seed
  configMap: {name: {{ include "torchserve-kserve.seedConfigName" . | quote }}}
- name: tmp
  emptyDir: {}
{{- if $needs.archiver }}
- name: archiver
  emptyDir: {}
{{- end }}
{{- range $index, $name := $needs.configMaps }}
- name: config-map-{{ $index }}
  configMap: {name: {{ $name | quote }}, optional: true}
{{- end }}
{{- range $index, $name := $needs.claims }}
{{- if ne $name (include "torchserve-kserve.claimName" $) }}
- name: claim-{{ $index }}
  persistentVolumeClaim: {claimName: {{ $name | quote }}, readOnly: true}
{{- end }}
{{- end }}
{{- range $index, $_ := keys $needs.images }}
- name: image-{{ $index }}
  emptyDir: {}
{{- end }}
{{- range $index, $name := $needs.secrets }}
- name: secret-{{ $index }}
  secret: {secretName: {{ $name | quote }}, optional: true}
{{- end }}
{{- include "torchserve-kserve.caVolume" (dict "ca" .Values.seed.ca "optional" true) }}
{{- end -}}

{{/* in: root; out: the Job's spec. Everything in it is immutable, so the Job's name hashes it. */}}
{{- define "torchserve-kserve.seedJobSpec" -}}
activeDeadlineSeconds: {{ int .Values.seed.timeoutSeconds }}
backoffLimit: 3
# The program tries each source several times itself; another pod helps where the cause may pass. It can't where the plan
# is wrong (2), the file is not there or not ours to have (3, 4), has another sha256 (6) or is no archive (7), the certificate is not
# trusted (10), or the image lacks what the source needs (11).
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes: {operator: In, values: [2, 3, 4, 6, 7, 10, 11]}
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
    {{- with .Values.seed.serviceAccountName }}
    serviceAccountName: {{ . | quote }}
    {{- end }}
    {{- with include "torchserve-kserve.pullSecrets" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with include "torchserve-kserve.jobNodeFields" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with include "torchserve-kserve.jobAffinity" . | trim }}
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
    {{- with include "torchserve-kserve.seedInitContainers" . | trim }}
    initContainers: {{- . | nindent 6 }}
    {{- end }}
    containers:
      - {{- include "torchserve-kserve.seedContainer" . | nindent 8 }}
    volumes: {{- include "torchserve-kserve.seedVolumes" . | nindent 6 }}
{{- end -}}

{{/* in: root; out: name of the Job. What is hashed is the spec's content; comments and layout don't count. */}}
{{- define "torchserve-kserve.workedOutSeedJobName" -}}
{{ .Release.Name }}-seed-{{ include "torchserve-kserve.seedJobSpec" . | fromYaml | toJson | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: root; out: the same, worked out once. */}}
{{- define "torchserve-kserve.seedJobName" -}}
{{- include "torchserve-kserve.once" (dict "root" . "name" "torchserve-kserve.workedOutSeedJobName") -}}
{{- end -}}
