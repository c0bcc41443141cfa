{{/* Rules about extraProperties. */}}

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
install_py_dep_per_model: it runs pip at every start of a pod, which needs the network and a writable image
number_of_gpu: it has to fit the GPUs that Kubernetes gives the server
model_snapshot: one name of a model has to serve snapshot, probes and tests
load_models: the snapshot says what is loaded
models: the snapshot has every model's settings
use_env_allowed_urls: the pod's environment could change what is written here
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
enable_envvars_config: write the properties themselves in extraProperties
install_py_dep_per_model: use an image (runtime.image) that has the packages
{{- end -}}

{{/* in: root; out: complaints about extraProperties, with why and what to do instead for a key that the chart owns. */}}
{{- define "torchserve-kserve.validate.extraProperties" -}}
{{- $own := include "torchserve-kserve.ownProperties" . | fromYaml }}
{{- $reasons := include "torchserve-kserve.ownReasons" (dict "native" (eq .Values.runtime.flavor "native")) | fromYaml }}
{{- $instead := include "torchserve-kserve.ownInstead" . | fromYaml }}
{{- range $key, $value := .Values.extraProperties }}
{{- if or (hasKey $own $key) (hasKey $reasons $key) }}
extraProperties.{{ $key }} is written by the chart{{ with get $own $key }} as {{ . }}{{ end }}{{ with get $reasons $key }}, because {{ . }}{{ end }}; remove it{{ with get $instead $key }} and {{ . }} instead{{ end }}
{{- else if not (regexMatch "^[A-Za-z0-9_.-]+$" $key) }}
extraProperties: {{ $key | quote }} is not a key of config.properties; write letters, digits, '_', '.' and '-'
{{- else if regexMatch "[\\r\\n]" (toString $value) }}
extraProperties.{{ $key }} has a line break, which would start another property; write it on one line
{{- end }}
{{- end }}
{{- end -}}
