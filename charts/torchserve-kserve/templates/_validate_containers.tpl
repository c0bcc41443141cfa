{{/* Rules about the containers that are passed through: the server's, by predictor.model, and those beside it. */}}

{{/* in: root; out: all of these complaints. */}}
{{- define "torchserve-kserve.validate.containers" -}}
{{- include "torchserve-kserve.validate.sidecarNames" . }}
{{- include "torchserve-kserve.validate.sidecarPorts" . }}
{{- if eq .Values.deploymentMode "Knative" }}
{{- include "torchserve-kserve.validate.knativeContainers" . }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about names of containers beside the server. */}}
{{- define "torchserve-kserve.validate.sidecarNames" -}}
{{- $taken := dict }}
{{- if eq .Values.deploymentMode "Knative" }}{{ $_ := set $taken "queue-proxy" "Knative's own container" }}{{ end }}
{{- if include "torchserve-kserve.hasAgent" . }}{{ $_ := set $taken "agent" "KServe's, which logger and batcher bring" }}{{ end }}
{{- if .Values.kubeflow.enabled }}{{ $_ := set $taken "istio-proxy" "Istio's, which kubeflow.enabled brings" }}{{ end }}
{{- range .Values.predictor.containers }}
{{- $name := toString .name }}
{{- if eq "kserve-container" $name }}
predictor.containers: kserve-container is the server itself; write its fields under predictor.model, and give a container beside it another name
{{- else if hasKey $taken $name }}
predictor.containers: {{ $name }} is {{ get $taken $name }}; give yours another name
{{- end }}
{{- $_ := set $taken $name "there twice" }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about ports of containers beside the server: all of a pod have one network. */}}
{{- define "torchserve-kserve.validate.sidecarPorts" -}}
{{- $taken := include "torchserve-kserve.podPorts" . | fromJsonArray }}
{{- range $container := .Values.predictor.containers }}
{{- if and .ports (eq $.Values.deploymentMode "Knative") }}
predictor.containers: {{ .name }} has ports, and Knative takes the server's one port alone; remove them, or use deploymentMode Standard
{{- else }}
{{- range .ports }}
{{- $tcp := ne (.protocol | default "TCP") "UDP" }}
{{- if and $tcp (has (float64 .containerPort) $taken) }}
predictor.containers: {{ $container.name }} has the port {{ int .containerPort }}, which is taken in the pod; let it listen on another one
{{- end }}
{{- if $tcp }}{{ $taken = append $taken (float64 .containerPort) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about what Knative refuses in containers, whatever its flags are. The chart's own
container mounts the volume tmp, which may be given another size. */}}
{{- define "torchserve-kserve.validate.knativeContainers" -}}
{{- $reserved := list "K_SERVICE" "K_CONFIGURATION" "K_REVISION" }}
{{- $model := dict "key" "predictor.model" "container" (.Values.predictor.model | default dict) "reserved" (append $reserved "PORT") }}
{{- $all := list $model }}
{{- range .Values.predictor.containers }}
{{- $all = dict "key" "predictor.containers" "container" . "reserved" $reserved | append $all }}
{{- end }}
{{- $mounted := list "tmp" }}
{{- range $all }}
{{- range concat (.container.volumeMounts | default list) (.container.volumeDevices | default list) }}{{ $mounted = append $mounted .name }}{{ end }}
{{- end }}
{{- range .Values.predictor.volumes }}
{{- if not (has .name $mounted) }}
predictor.volumes: nothing mounts {{ .name }}, and Knative refuses such a volume; mount it, or remove it
{{- end }}
{{- end }}
{{- range $one := $all }}
{{- range .container.env }}
{{- if has .name $one.reserved }}
{{ $one.key }}.env: {{ .name }} is Knative's own variable, and Knative refuses it; remove it, or take another name
{{- end }}
{{- end }}
{{- include "torchserve-kserve.validate.knativeMounts" (dict "key" .key "mounts" .container.volumeMounts "volumes" $.Values.predictor.volumes) }}
{{- end }}
{{- end -}}

{{/* in: {key, mounts, volumes}; out: complaints about mounts that may not be writable there, or at a path of Knative's own. */}}
{{- define "torchserve-kserve.validate.knativeMounts" -}}
{{- $only := list }}
{{- range .volumes }}
{{- if not (or (hasKey . "emptyDir") (hasKey . "persistentVolumeClaim")) }}{{ $only = append $only .name }}{{ end }}
{{- end }}
{{- range .mounts }}
{{- if has (clean (toString .mountPath)) (list "/" "/dev" "/dev/log") }}
{{ $.key }}.volumeMounts: Knative lets nothing be mounted at {{ .mountPath }}; write another mountPath
{{- end }}
{{- if and (has .name $only) (not .readOnly) }}
{{ $.key }}.volumeMounts: Knative mounts the volume {{ .name }} only to be read; write readOnly: true at {{ .mountPath }}
{{- end }}
{{- end }}
{{- end -}}
