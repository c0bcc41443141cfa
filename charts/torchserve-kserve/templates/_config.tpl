{{/* TorchServe's configuration and the start program: two sets of files that are mounted into the server. In Standard mode each
is a ConfigMap. In Knative mode they are annotations of the runtime, which KServe copies to the pods: a revision that was
replaced may have to start again, when helm has long deleted its ConfigMaps. */}}

{{/* in: a string, number or bool; out: it as text, whole numbers without exponent. */}}
{{- define "torchserve-kserve.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end -}}

{{/* in: root; out: JSON of the ports: rest and, of the wrapper alone, grpc (what KServe may call, written down in KServe's wrapper);
inference, management, grpcInference and grpcManagement (TorchServe's); others (what a ready wrapper listens on besides). */}}
{{- define "torchserve-kserve.ports" -}}
{{- $ports := dict "rest" 8080 "inference" 8080 "management" 8081 "grpcInference" 7070 "grpcManagement" 7071 "others" list -}}
{{- if eq .Values.runtime.flavor "wrapper" -}}
{{- $others := ternary (list 8080 8081) (list 8080) (eq .Values.protocol "grpc-v2") -}}
{{- $ports = merge (dict "grpc" 8081 "inference" 8085 "management" 8086 "others" $others) $ports -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}

{{/* in: root; out: TorchServe's service_envelope. */}}
{{- define "torchserve-kserve.envelope" -}}
{{- $stock := dict "v1" "kserve" "v2" "kservev2" "grpc-v2" "kservev2" -}}
{{- ternary (get $stock .Values.protocol) .Values.runtime.serviceEnvelope (eq .Values.runtime.serviceEnvelope "stock") -}}
{{- end -}}

{{/* in: root; out: YAML map of the properties that the chart alone writes, all but model_snapshot. Management and the
rest (but metrics, where they are asked for) listen inside the pod only, which is what makes it safe to do without tokens; a loopback caller can't load anything
but files of the claim. */}}
{{- define "torchserve-kserve.ownProperties" -}}
{{- $ports := include "torchserve-kserve.ports" . | fromJson -}}
inference_address: http://{{ ternary "0.0.0.0" "127.0.0.1" (eq .Values.runtime.flavor "native") }}:{{ $ports.inference }}
management_address: http://127.0.0.1:{{ $ports.management }}
metrics_address: http://{{ ternary "0.0.0.0" "127.0.0.1" .Values.metrics.enabled }}:{{ int .Values.metrics.port }}
grpc_inference_address: 127.0.0.1
grpc_management_address: 127.0.0.1
grpc_inference_port: {{ $ports.grpcInference | quote }}
grpc_management_port: {{ $ports.grpcManagement | quote }}
model_store: /mnt/models/model-store
service_envelope: {{ include "torchserve-kserve.envelope" . }}
allowed_urls: file:///mnt/models/.*
disable_token_authorization: "true"
enable_model_api: "false"
enable_envvars_config: "false"
install_py_dep_per_model: {{ .Values.pip.enabled | quote }}
{{- include "torchserve-kserve.gpuProperties" . }}
{{- end -}}

{{/* out: YAML map of the properties that have another default here than in TorchServe; Java's options are another one. */}}
{{- define "torchserve-kserve.defaultProperties" -}}
disable_system_metrics: "true"
metrics_mode: prometheus
{{- end -}}

{{/* in: root; out: Java's options: the chart's, of which docs/tuning.md says what each gains, then the user's. Of two that say the
same Java takes the later one, but with two garbage collectors it does not start. */}}
{{- define "torchserve-kserve.javaOptions" -}}
{{- $given := get .Values.properties "vmargs" | default "" -}}
{{- $own := ternary (list) (list "-XX:+UseSerialGC") (regexMatch "-XX:[+]Use[A-Za-z0-9]*GC" $given) -}}
{{- $loops := list "-XX:Tier3BackEdgeThreshold=2000" "-XX:Tier0BackedgeNotifyFreqLog=7" -}}
{{- $own = concat $own (list "-Xms16m" "-XX:TieredStopAtLevel=1" "-XX:-UsePerfData") $loops -}}
{{- $tasks := include "torchserve-kserve.workers" . | int | max 2 -}}
{{- $own = printf "-Djava.util.concurrent.ForkJoinPool.common.parallelism=%d" $tasks | append $own -}}
{{- $netty := list "maxOrder=9" "numDirectArenas=1" "numHeapArenas=1" -}}
{{- range $netty }}{{ $own = printf "-Dio.netty.allocator.%s" . | append $own }}{{ end -}}
{{- append $own $given | join " " | trim -}}
{{- end -}}

{{/* in: a number of bytes, or one with Ki, Mi or Gi; out: it as text, in bytes, which is all that TorchServe reads. */}}
{{- define "torchserve-kserve.bytes" -}}
{{- include "torchserve-kserve.number" . | float64 | int64 -}}
{{- end -}}

{{/* in: root; out: YAML map of the user's properties and the defaults for them, each as its text. */}}
{{- define "torchserve-kserve.givenProperties" -}}
{{- $given := include "torchserve-kserve.defaultProperties" . | fromYaml -}}
{{- range $key, $value := merge (dict) .Values.properties .Values.extraProperties -}}
{{- $how := ternary "torchserve-kserve.bytes" "torchserve-kserve.text" (has $key (list "max_request_size" "max_response_size")) -}}
{{- $_ := include $how $value | trim | set $given $key -}}
{{- end -}}
{{- $_ := include "torchserve-kserve.javaOptions" . | set $given "vmargs" -}}
{{- toYaml $given -}}
{{- end -}}

{{/* in: root; out: config.properties. A backslash is an escape sign there, so the user's are doubled. */}}
{{- define "torchserve-kserve.properties" -}}
{{- $all := include "torchserve-kserve.ownProperties" . | fromYaml -}}
{{- range $key, $value := include "torchserve-kserve.givenProperties" . | fromYaml -}}
{{- $_ := replace "\\" "\\\\" $value | set $all $key -}}
{{- end -}}
{{- range $key, $value := $all }}
{{- $key }}={{ $value }}
{{ end -}}
model_snapshot={{ include "torchserve-kserve.snapshot" . }}
{{ end -}}

{{/* in: root; out: YAML map of the configuration's files to their texts. With runtime.requestLogs TorchServe runs as it is made. */}}
{{- define "torchserve-kserve.configData" -}}
{{- $files := dict "config.properties" (include "torchserve-kserve.properties" .) -}}
{{- if not .Values.runtime.requestLogs -}}
{{- range $name := list "log4j2.xml" "sitecustomize.py" }}{{ $_ := printf "files/%s" $name | $.Files.Get | set $files $name }}{{ end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* in: root; out: name of the configuration's ConfigMap. */}}
{{- define "torchserve-kserve.configName" -}}
{{ .Release.Name }}-config-{{ include "torchserve-kserve.configData" . | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: {root, names: list of files in files/, each of which ends with a line break}; out: YAML map of them to their texts. toYaml
of so much text would take half of the time of a render. */}}
{{- define "torchserve-kserve.programs" -}}
{{- range $name := .names }}
{{ $name }}: |
{{- printf "files/%s" $name | $.root.Files.Get | nindent 2 }}
{{- end }}
{{- end -}}

{{/* in: root; out: YAML map of the start program's files to their texts. */}}
{{- define "torchserve-kserve.startData" -}}
{{- $alive := ternary (list) (list "alive.sh") (eq .Values.runtime.flavor "native") -}}
{{- $ready := ternary (list "ready.sh") (list) (include "torchserve-kserve.readyPort" . | not) -}}
{{- $programs := list "start.py" "processes.py" "inflight.py" "requirements.py" "authorities.py" "readiness.py" "intact.py" -}}
{{- include "torchserve-kserve.programs" (dict "root" . "names" (concat $programs $ready $alive | sortAlpha)) -}}
{{- end -}}

{{/* in: root; out: name of the start program's ConfigMap. */}}
{{- define "torchserve-kserve.startName" -}}
{{ .Release.Name }}-start-{{ include "torchserve-kserve.startData" . | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: root; out: YAML map of the annotations that hold both sets of files in Knative mode. */}}
{{- define "torchserve-kserve.fileAnnotations" -}}
{{- range $data := list "configData" "startData" }}
{{- /* The line break that toYaml drops may be a text's last one. */}}
{{- range $name, $text := include (printf "torchserve-kserve.%s" $data) $ | printf "%s\n" | fromYaml }}
torchserve-kserve/{{ $name }}: {{ toJson $text }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {root, data: the define with the files, name: the define of the ConfigMap's name}; out: YAML of the volume's source.
The defaults that Kubernetes would add to a projected volume are written out, or Knative would see a difference for ever. */}}
{{- define "torchserve-kserve.filesVolume" -}}
{{- if eq .root.Values.deploymentMode "Standard" -}}
configMap: {name: {{ include .name .root | quote }}}
{{- else -}}
projected:
  defaultMode: 420
  sources:
    - downwardAPI:
        items:
          {{- range $name, $_ := include .data .root | fromYaml }}
          - path: {{ $name }}
            fieldRef: {apiVersion: v1, fieldPath: "metadata.annotations['torchserve-kserve/{{ $name }}']"}
          {{- end }}
{{- end -}}
{{- end -}}
