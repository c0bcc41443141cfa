{{/* KServe's fields that the chart has no values for: merged over what it writes, last. Maps are merged key by key, a list or a plain
value replaces the chart's. */}}

{{/* in: root; out: JSON map of the fields that are given under predictor, logger and batcher, without those that are null. */}}
{{- define "torchserve-kserve.given" -}}
{{- $given := deepCopy .Values.predictor -}}
{{- range $key := list "logger" "batcher" -}}
{{- with index $.Values $key -}}{{- $_ := set $given $key . -}}{{- end -}}
{{- end -}}
{{- range $key, $value := $given -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $given $key -}}{{- end -}}
{{- end -}}
{{- toJson $given -}}
{{- end -}}

{{/* in: root; out: JSON map of them as they are merged. Two lists are added to the chart's, because KServe, too, replaces the runtime's:
pod affinity, as pods of a ReadWriteOnce claim have to meet, and the tolerations of GPU nodes. */}}
{{- define "torchserve-kserve.givenFields" -}}
{{- $given := include "torchserve-kserve.given" . | fromJson -}}
{{- $podAffinity := ($given.affinity).podAffinity | default dict -}}
{{- if and $podAffinity (eq .Values.deploymentMode "Standard") (include "torchserve-kserve.oneNode" .) -}}
{{- range $kind, $terms := (include "torchserve-kserve.claimAffinity" . | fromYaml).podAffinity -}}
{{- with get $podAffinity $kind -}}{{- $_ := concat $terms . | set $podAffinity $kind -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.gpu.enabled $given.tolerations -}}
{{- $nodes := include "torchserve-kserve.predictorNodes" (dict "root" . "usual" (eq .Values.deploymentMode "Standard")) | fromJson -}}
{{- $_ := set $given "tolerations" $nodes.tolerations -}}
{{- end -}}
{{- toJson $given -}}
{{- end -}}

{{/* in: root; out: YAML of the InferenceService's predictor. A strategy is taken whole: the chart's rollingUpdate would be refused
beside another type. */}}
{{- define "torchserve-kserve.predictorSpec" -}}
{{- $own := include "torchserve-kserve.predictor" . -}}
{{- $given := include "torchserve-kserve.givenFields" . | fromJson -}}
{{- if $given -}}
{{- $own = $own | fromYaml -}}
{{- if hasKey $given "deploymentStrategy" -}}{{- $own = omit $own "deploymentStrategy" -}}{{- end -}}
{{- mustMergeOverwrite $own $given | toYaml -}}
{{- else -}}
{{- $own -}}
{{- end -}}
{{- end -}}

{{/* in: none; out: YAML map of Knative's flags (config-features) for the pod fields that it refuses without. */}}
{{- define "torchserve-kserve.knativeFlags" -}}
affinity: kubernetes.podspec-affinity
dnsConfig: kubernetes.podspec-dnsconfig
dnsPolicy: kubernetes.podspec-dnspolicy
hostAliases: kubernetes.podspec-hostaliases
hostIPC: kubernetes.podspec-hostipc
hostNetwork: kubernetes.podspec-hostnetwork
hostPID: kubernetes.podspec-hostpid
initContainers: kubernetes.podspec-init-containers
nodeSelector: kubernetes.podspec-nodeselector
priorityClassName: kubernetes.podspec-priorityclassname
runtimeClassName: kubernetes.podspec-runtimeclassname
schedulerName: kubernetes.podspec-schedulername
securityContext: kubernetes.podspec-securitycontext
shareProcessNamespace: kubernetes.podspec-shareprocessnamespace
tolerations: kubernetes.podspec-tolerations
topologySpreadConstraints: kubernetes.podspec-topologyspreadconstraints
{{- end -}}

{{/* in: none; out: YAML map of its flags for kinds of volumes. */}}
{{- define "torchserve-kserve.knativeVolumeFlags" -}}
csi: kubernetes.podspec-volumes-csi
hostPath: kubernetes.podspec-volumes-hostpath
image: kubernetes.podspec-volumes-image
persistentVolumeClaim: kubernetes.podspec-persistent-volume-claim
{{- end -}}

{{/* in: root; out: JSON {fields: {field: flag}} of what is given and needs a flag, in Knative mode. */}}
{{- define "torchserve-kserve.neededFlags" -}}
{{- $needed := dict -}}
{{- range $component := list "predictor" "transformer" "explainer" -}}
{{- range $field, $flag := include "torchserve-kserve.componentFlags" (index $.Values $component) | fromJson -}}
{{- $_ := set $needed (printf "%s.%s" $component $field) $flag -}}
{{- end -}}
{{- end -}}
{{- range .Values.predictor.containers -}}
{{- if or .livenessProbe .readinessProbe -}}{{- $_ := set $needed "predictor.containers with probes" "multi-container-probing" -}}{{- end -}}
{{- end -}}
{{- if .Values.gpu.enabled -}}
{{- range $field, $flag := pick .Values.gpu "nodeSelector" "runtimeClassName" "tolerations" | include "torchserve-kserve.componentFlags" | fromJson -}}
{{- $_ := set $needed (printf "gpu.%s" $field) $flag -}}
{{- end -}}
{{- end -}}
{{- dict "fields" $needed | toJson -}}
{{- end -}}

{{/* in: fields of a pod; out: JSON {field: flag} of those that are given and need one, kinds of volumes too. */}}
{{- define "torchserve-kserve.componentFlags" -}}
{{- $needed := dict -}}
{{- range $field, $flag := include "torchserve-kserve.knativeFlags" . | fromYaml -}}
{{- if get $ $field -}}{{- $_ := set $needed $field $flag -}}{{- end -}}
{{- end -}}
{{- range $kind, $flag := include "torchserve-kserve.knativeVolumeFlags" . | fromYaml -}}
{{- range $volume := $.volumes -}}
{{- if hasKey $volume $kind -}}{{- $_ := set $needed (printf "volumes of kind %s" $kind) $flag -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $needed -}}
{{- end -}}
