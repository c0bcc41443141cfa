{{/* The fields of KServe's predictor that are not passed through, and what to write instead. */}}

{{/* in: none; out: YAML map of fields of the predictor: what to use instead. */}}
{{- define "torchserve-kserve.ownedFields" -}}
minReplicas: minReplicas
maxReplicas: maxReplicas
scaleMetric: scaleMetric
scaleTarget: scaleTarget
timeout: timeout
containerConcurrency: containerConcurrency
canaryTrafficPercent: canaryTrafficPercent
logger: logger
batcher: batcher
serviceAccountName: serviceAccountName
serviceAccount: serviceAccountName
imagePullSecrets: imagePullSecrets
storageUris: storageUri or models.<name>.uri
{{- end -}}

{{/* in: none; out: YAML map of fields of the model: what to use instead, whatever the runtime is. */}}
{{- define "torchserve-kserve.ownedModelFields" -}}
runtime: runtime.create=false and runtime.name
protocolVersion: protocol
storageUri: storageUri or persistence.existingClaim
resources: runtime.resources
{{- end -}}

{{/* in: none; out: YAML map of fields of the model that the chart's own runtime has: what to use instead. */}}
{{- define "torchserve-kserve.ownRuntimeFields" -}}
image: runtime.image
imagePullPolicy: runtime.image.pullPolicy
runtimeVersion: runtime.image.tag
modelFormat: a runtime of your own (runtime.create=false)
ports: protocol
command: a runtime of your own (runtime.create=false)
args: extraProperties or a runtime of your own (runtime.create=false)
{{- end -}}

{{/* in: none; out: YAML list of KServe's predictors of one framework, each in place of model. */}}
{{- define "torchserve-kserve.otherPredictors" -}}
[huggingface, lightgbm, onnx, paddle, pmml, pytorch, sklearn, tensorflow, triton, xgboost]
{{- end -}}

{{/* in: none; out: YAML list of pod fields that Knative refuses whatever its flags are (deploymentStrategy: KServe does, for it). */}}
{{- define "torchserve-kserve.neverInKnative" -}}
[activeDeadlineSeconds, deploymentStrategy, hostUsers, hostname, hostnameOverride, nodeName, os, overhead, preemptionPolicy, priority,
readinessGates, resourceClaims, resources, restartPolicy, schedulingGates, setHostnameAsFQDN, subdomain, terminationGracePeriodSeconds]
{{- end -}}

{{/* in: none; out: YAML list of the container's fields that it refuses. */}}
{{- define "torchserve-kserve.neverInKnativeContainer" -}}
[lifecycle, resizePolicy, restartPolicy, restartPolicyRules, stdin, stdinOnce, tty, volumeDevices]
{{- end -}}

{{/* in: none; out: YAML list of environment variables that would part the server from its configuration or its directories. */}}
{{- define "torchserve-kserve.ownedEnv" -}}
[CONFIG_PATH, LOG_LOCATION, METRICS_LOCATION, PROTOCOL_VERSION, SSL_CERT_FILE, TEMP, TORCHSERVE_KSERVE_CA, TS_CONFIG_FILE]
{{- end -}}
