{{/* TorchServe's configuration and the start program, each in a ConfigMap of its own. */}}

{{/* in: a string, number or bool; out: it as text, whole numbers without exponent. */}}
{{- define "torchserve-kserve.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end -}}

{{/* in: root; out: YAML map of the properties that the chart alone writes, all but model_snapshot. Management and the
rest listen inside the pod only, which is what makes it safe to do without tokens; a loopback caller can't load anything
but files of the claim. */}}
{{- define "torchserve-kserve.ownProperties" -}}
inference_address: http://0.0.0.0:8080
management_address: http://127.0.0.1:8081
metrics_address: http://127.0.0.1:8082
grpc_inference_address: 127.0.0.1
grpc_management_address: 127.0.0.1
grpc_inference_port: "7070"
grpc_management_port: "7071"
model_store: /mnt/models/model-store
service_envelope: {{ get (dict "v1" "kserve") .Values.protocol }}
allowed_urls: file:///mnt/models/.*
disable_token_authorization: "true"
enable_model_api: "false"
enable_envvars_config: "false"
install_py_dep_per_model: "false"
disable_system_metrics: "true"
metrics_mode: prometheus
{{- end -}}

{{/* in: root; out: config.properties. A backslash is an escape sign there, so the user's are doubled. */}}
{{- define "torchserve-kserve.properties" -}}
{{- range $key, $value := include "torchserve-kserve.ownProperties" . | fromYaml }}
{{- $key }}={{ $value }}
{{ end -}}
{{- range $key, $value := .Values.extraProperties }}
{{- $key }}={{ include "torchserve-kserve.text" $value | trim | replace "\\" "\\\\" }}
{{ end -}}
model_snapshot={{ include "torchserve-kserve.snapshot" . }}
{{ end -}}

{{/* in: root; out: YAML data of the configuration's ConfigMap. */}}
{{- define "torchserve-kserve.configData" -}}
{{- $logging := .Files.Get "files/log4j2.xml" -}}
{{- dict "config.properties" (include "torchserve-kserve.properties" .) "log4j2.xml" $logging | toYaml -}}
{{- end -}}

{{/* in: root; out: name of the configuration's ConfigMap. */}}
{{- define "torchserve-kserve.configName" -}}
{{ .Release.Name }}-config-{{ include "torchserve-kserve.configData" . | include "torchserve-kserve.hash" }}
{{- end -}}

{{/* in: root; out: YAML data of the start program's ConfigMap. */}}
{{- define "torchserve-kserve.startData" -}}
{{- dict "start.py" (.Files.Get "files/start.py") "ready.sh" (.Files.Get "files/ready.sh") | toYaml -}}
{{- end -}}

{{/* in: root; out: name of the start program's ConfigMap. */}}
{{- define "torchserve-kserve.startName" -}}
{{ .Release.Name }}-start-{{ include "torchserve-kserve.startData" . | include "torchserve-kserve.hash" }}
{{- end -}}
