{{/* Rules about properties and extraProperties. */}}

{{/* in: {native: bool}; out: YAML map of a property to why the chart alone writes it. */}}
{{- define "torchserve-kserve.ownReasons" -}}
inference_address: {{ ternary "KServe calls that port" "the wrapper listens on 8080 and calls TorchServe inside the pod" .native }}
management_address: on another address any pod could load models, and 8081 meets the wrapper's gRPC port
metrics_address: on another address any pod could read them, and 8080 and 8081 are taken
grpc_inference_address: TorchServe's own gRPC is not KServe's protocol
grpc_management_address: on another address any pod could load models
model_store: KServe mounts the archives there
service_envelope: it has to fit the protocol
allowed_urls: TorchServe would load models from anywhere
disable_token_authorization: probes and KServe send no token, and the management API listens inside the pod only
enable_model_api: a model that is loaded by a call is gone at the next start
enable_envvars_config: the pod's environment could change what is written here
install_py_dep_per_model: pip needs more settings than that
number_of_gpu: it has to fit the GPUs that Kubernetes gives the server
model_snapshot: one name of a model has to serve snapshot, probes and tests
load_models: the snapshot says what is loaded
models: the snapshot has every model's settings
use_env_allowed_urls: the pod's environment could change what is written here
{{- range $key := list "keystore" "keystore_pass" "keystore_type" "certificate_file" "private_key_file" "enable_grpc_ssl" }}
{{ $key }}: the gateway in front ends TLS, and nothing is called by https inside the pod
{{- end }}
token_expiration_min: the tokens are switched off
workflow_store: a workflow is registered by a call, and is gone at the next start
model_server_home: it is where the image has TorchServe
python: TorchServe's launcher names its own Python
version: it is the image's
{{- end -}}

{{/* out: YAML map of a property to what to set instead. */}}
{{- define "torchserve-kserve.ownInstead" -}}
service_envelope: set protocol or runtime.serviceEnvelope
model_store: set persistence or storageUri
number_of_gpu: set gpu.enabled=true and gpu.count
model_snapshot: set models
load_models: set models
models: set models
metrics_address: set metrics.enabled and metrics.port
enable_envvars_config: write the properties themselves in properties
install_py_dep_per_model: set pip.enabled, or use an image (runtime.image) that has the packages
{{- end -}}

{{/* out: the properties that a user may set, all that TorchServe 0.12 knows but for the chart's own: words. */}}
{{- define "torchserve-kserve.knownProperties" -}}
async_logging blacklist_env_vars cors_allowed_headers cors_allowed_methods cors_allowed_origin cpp_log_config
cpu_launcher_args cpu_launcher_enable debug decode_input_request default_response_timeout default_service_handler
default_startup_timeout default_workers_per_model disable_system_metrics enable_metrics_api
grpc_inference_max_connection_age_grace_ms grpc_inference_max_connection_age_ms grpc_management_max_connection_age_grace_ms
grpc_management_max_connection_age_ms initial_distribution_port initial_worker_port io_ratio ipex_enable ipex_gpu_enable
job_queue_size limit_max_image_pixels max_request_size max_response_size metric_time_interval metrics_config metrics_mode
model_metrics_auto_detect netty_client_threads number_of_netty_threads plugins_path prefer_direct_buffer
system_metrics_cmd ts_header_key_sequence_end ts_header_key_sequence_id ts_header_key_sequence_start
ts_open_inference_protocol unregister_model_timeout use_native_io vmargs
{{- end -}}

{{/* in: {root, key: the value's name, name: a property}; out: a complaint where the chart alone writes it, with why and what to do
instead, else nothing. */}}
{{- define "torchserve-kserve.validate.ownProperty" -}}
{{- $own := include "torchserve-kserve.ownProperties" .root | fromYaml }}
{{- $reasons := include "torchserve-kserve.ownReasons" (dict "native" (eq .root.Values.runtime.flavor "native")) | fromYaml }}
{{- $instead := include "torchserve-kserve.ownInstead" . | fromYaml }}
{{- if or (hasKey $own .name) (hasKey $reasons .name) -}}
{{ .key }}.{{ .name }} is written by the chart{{ with get $own .name }} as {{ . }}{{ end }}{{ with get $reasons .name }}, because {{ . }}{{ end }}; remove it{{ with get $instead .name }} and {{ . }} instead{{ end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about properties. */}}
{{- define "torchserve-kserve.validate.properties" -}}
{{- $given := .Values.properties }}
{{- range $name, $_ := $given }}
{{- with include "torchserve-kserve.validate.ownProperty" (dict "root" $ "key" "properties" "name" $name) }}
{{ . }}
{{- end }}
{{- end }}
{{- range $name := list "max_request_size" "max_response_size" }}
{{- $bytes := get $given $name | default 1 | include "torchserve-kserve.bytes" | int64 }}
{{- if gt $bytes 2147483647 }}
properties.{{ $name }} {{ get $given $name }} is {{ $bytes }} bytes, and TorchServe counts to 2147483647; write less than 2Gi
{{- end }}
{{- end }}
{{- range $name := list "cors_allowed_headers" "cors_allowed_methods" }}
{{- if and (hasKey $given $name) (not (hasKey $given "cors_allowed_origin")) }}
properties.{{ $name }} has no effect without cors_allowed_origin; set properties.cors_allowed_origin, or remove it
{{- end }}
{{- end }}
{{- if and (hasKey $given "cpu_launcher_args") (not (get $given "cpu_launcher_enable")) }}
properties.cpu_launcher_args has no effect without cpu_launcher_enable; set properties.cpu_launcher_enable=true, or remove it
{{- end }}
{{- if get $given "use_native_io" | toString | eq "false" }}
{{- include "torchserve-kserve.validate.workerPorts" . }}
{{- end }}
{{- range $name := list "system_metrics_cmd" "metric_time_interval" }}
{{- if and (hasKey $given $name) (get $given "disable_system_metrics" | toString | ne "false") }}
properties.{{ $name }} has no effect while the system's metrics are off; set properties.disable_system_metrics=false, or remove it
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: a complaint about workers' ports that meet others: without native I/O they are ports, else names of sockets. */}}
{{- define "torchserve-kserve.validate.workerPorts" -}}
{{- $first := get .Values.properties "initial_worker_port" | default 9000 | int }}
{{- $workers := 0 }}
{{- range include "torchserve-kserve.models" . | fromJson }}{{ $workers = add $workers .maxWorkers }}{{ end }}
{{- range include "torchserve-kserve.podPorts" . | fromJsonArray }}
{{- if and (ge (int .) $first) (lt (int .) (add $first $workers | int)) }}
properties.initial_worker_port {{ $first }}: without properties.use_native_io the workers listen on {{ $workers }} ports from there on, and {{ int . }} is taken in the pod; write another one, for example 9100
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about extraProperties. */}}
{{- define "torchserve-kserve.validate.extraProperties" -}}
{{- $known := include "torchserve-kserve.knownProperties" . | splitList "\n" | join " " | splitList " " }}
{{- range $name, $value := .Values.extraProperties }}
{{- $own := include "torchserve-kserve.validate.ownProperty" (dict "root" $ "key" "extraProperties" "name" $name) }}
{{- if $own }}
{{ $own }}
{{- else if has $name $known }}
extraProperties.{{ $name }} is a property that the chart knows and checks; write properties.{{ $name }} instead
{{- else if not (regexMatch "^[A-Za-z0-9_.-]+$" $name) }}
extraProperties: {{ $name | quote }} is not a key of config.properties; write letters, digits, '_', '.' and '-'
{{- else if regexMatch "[\\r\\n]" (toString $value) }}
extraProperties.{{ $name }} has a line break, which would start another property; write it on one line
{{- end }}
{{- end }}
{{- end -}}
