{{/* What the pods of the server, the seeding Job and the test have in common. */}}

{{/* in: {root, image: one of the values}; out: its reference; a digest wins over the tag, global.imageRegistry over the registry. */}}
{{- define "torchserve-kserve.image" -}}
{{- with (.root.Values.global).imageRegistry | default .image.registry }}{{ . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag }}{{ end -}}
{{- end -}}

{{/* in: root; out: YAML of a pod's imagePullSecrets, the release's own and global.imagePullSecrets, each once; or nothing. */}}
{{- define "torchserve-kserve.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (.Values.imagePullSecrets | default list) ((.Values.global).imagePullSecrets | default list) -}}
{{- $secrets = kindIs "string" . | ternary (dict "name" .) . | append $secrets | uniq -}}
{{- end -}}
{{- with $secrets -}}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* in: root; out: a container's securityContext after the restricted Pod Security Standard, with a read-only root. It is
the container's because Knative refuses most of the pod's. */}}
{{- define "torchserve-kserve.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- with .Values.securityContext.runAsUser }}
runAsUser: {{ int . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* in: resources; out: the same with every quantity a string: KServe's CRDs refuse 0.5. */}}
{{- define "torchserve-kserve.resources" -}}
{{- $out := dict -}}
{{- range $kind, $quantities := . -}}
{{- $strings := dict -}}
{{- range $name, $quantity := $quantities -}}
{{- $_ := set $strings $name (include "torchserve-kserve.text" $quantity) -}}
{{- end -}}
{{- $_ := set $out $kind $strings -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* in: a quantity as Kubernetes writes it; out: its number, in units, bytes or cores. */}}
{{- define "torchserve-kserve.number" -}}
{{- $text := include "torchserve-kserve.text" . -}}
{{- $number := regexFind "^[0-9.]+([eE][+-]?[0-9]+)?" $text -}}
{{- $scales := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- trimPrefix $number $text | get $scales | default 1.0 | mulf (float64 $number) -}}
{{- end -}}

{{/* in: {root, inject: "true" or "false"}; out: YAML map that puts a pod into Istio's mesh or keeps it out. It is a label for
today's Istio and an annotation for older ones. */}}
{{- define "torchserve-kserve.sidecar" -}}
sidecar.istio.io/inject: {{ .inject | quote }}
{{- end -}}

{{/* in: root; out: the label that all pods with the claim carry, Jobs and predictors of every release that uses it. */}}
{{- define "torchserve-kserve.claimLabel" -}}
torchserve-kserve/claim: {{ include "torchserve-kserve.claimName" . | trunc 63 | trimAll "-." | quote }}
{{- end -}}

{{/* in: root; out: "true" where the claim is on one node at a time. A volume that may be read from many nodes is on one while it is
written, and KServe mounts it as one that may be written. */}}
{{- define "torchserve-kserve.oneNode" -}}
{{- $modes := .Values.persistence.accessModes -}}
{{- if and (has "ReadWriteOnce" $modes) (not (or .Values.storageUri (has "ReadWriteMany" $modes))) -}}true{{- end -}}
{{- end -}}

{{/* in: root; out: affinity, or nothing. A ReadWriteOnce volume is on one node at a time, so its pods have to meet there,
or the Job and the predictor could each wait for the other's node for ever. The first pod may go anywhere: the scheduler
lets a pod that matches its own term pass when no other pod does. Knative refuses it in the predictor. Of another claim that is a
source nobody knows here whether it is on one node, so where its pods are is only preferred. */}}
{{- define "torchserve-kserve.claimAffinity" -}}
{{- $own := include "torchserve-kserve.claimName" . -}}
{{- $others := list -}}
{{- range without (include "torchserve-kserve.needs" . | fromJson).claims $own -}}
{{- $others = trunc 63 . | trimAll "-." | append $others -}}
{{- end -}}
{{- $oneNode := include "torchserve-kserve.oneNode" . -}}
{{- if or $oneNode $others -}}
podAffinity:
  {{- if $oneNode }}
  requiredDuringSchedulingIgnoredDuringExecution:
    - labelSelector:
        matchLabels:
          {{- include "torchserve-kserve.claimLabel" . | nindent 10 }}
      topologyKey: kubernetes.io/hostname
  {{- end }}
  {{- with $others }}
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        labelSelector:
          matchExpressions:
            - {key: torchserve-kserve/claim, operator: In, values: {{ toJson . }}}
        topologyKey: kubernetes.io/hostname
  {{- end }}
{{- end -}}
{{- end -}}
