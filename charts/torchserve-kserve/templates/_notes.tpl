{{/* The parts of NOTES that depend on the mode and the protocol. */}}

{{/* in: root; out: the commands that hand the seeding pod the files it waits for, or nothing. */}}
{{- define "torchserve-kserve.notes.upload" -}}
{{- with (include "torchserve-kserve.uploads" . | fromJson).models }}
{{- $ns := $.Release.Namespace }}
{{- $job := include "torchserve-kserve.seedJobName" $ }}

0. Upload what the seeding pod waits for, {{ int $.Values.seed.timeoutSeconds }} s from now at most:

   kubectl -n {{ $ns }} wait --for=jsonpath='{.status.ready}'=1 --timeout={{ int $.Values.seed.timeoutSeconds }}s job/{{ $job }}
{{- range . }}
   kubectl -n {{ $ns }} exec -i job/{{ $job }} -c seed -- python3 {{ include "torchserve-kserve.seedFolder" $ }}/seed.py --receive {{ .name }} {{ include "torchserve-kserve.seedPlace" $ }} < {{ .file }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: how to get to the predictor: a terminal to leave open, or a gateway, and the shell words of the address. */}}
{{- define "torchserve-kserve.notes.reach" -}}
{{- $ns := .Release.Namespace -}}
{{- $service := include "torchserve-kserve.predictorService" . -}}
{{- if eq .Values.deploymentMode "Standard" -}}
2. Predict. Leave this running in one terminal (it may end when a call goes wrong: start it again):

   kubectl -n {{ $ns }} port-forward service/{{ $service }} 8080:80

   and in another (in the cluster: {{ include "torchserve-kserve.clusterUrl" . }}):
{{- else -}}
2. Predict through the cluster's gateway. Leave this running in one terminal{{ if .Values.kubeflow.enabled }}, and add to each call what Kubeflow logs in by, for
   example -H "Authorization: Bearer $(kubectl -n {{ $ns }} create token default-editor)":
{{- else }} (with Istio: -n istio-system and
   service/istio-ingressgateway), or write the gateway's own address for 127.0.0.1:8080:
{{- end }}

   kubectl -n {{ if .Values.kubeflow.enabled }}istio-system port-forward service/istio-ingressgateway{{ else }}kourier-system port-forward service/kourier{{ end }} 8080:80

   and in another (in the cluster without a Host header: {{ include "torchserve-kserve.clusterUrl" . }}):
{{- if not .Values.domainMapping.hosts }}

   HOST=$(kubectl -n {{ $ns }} get inferenceservice {{ .Release.Name }} -o jsonpath='{.status.components.predictor.url}' | cut -d/ -f3)

   Where KServe makes no VirtualService, as with Kourier, the host is {{ $service }}.{{ $ns }}.<domain>; set domainMapping.hosts for another.
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: curl's Host header, or nothing. A gateway knows the model by it. */}}
{{- define "torchserve-kserve.notes.host" -}}
{{- if eq .Values.deploymentMode "Knative" }} -H "Host: {{ first .Values.domainMapping.hosts | default "$HOST" }}"{{ end -}}
{{- end -}}

{{/* in: root; out: grpcurl's -authority, or nothing. */}}
{{- define "torchserve-kserve.notes.authority" -}}
{{- if eq .Values.deploymentMode "Knative" }} -authority "{{ first .Values.domainMapping.hosts | default "$HOST" }}"{{ end -}}
{{- end -}}

{{/* in: root; out: a REST call of every model. */}}
{{- define "torchserve-kserve.notes.curl" -}}
{{- range $name, $model := .Values.models }}
{{- $example := get ($model | default dict) "example" | default nil }}

   curl -sS http://127.0.0.1:8080{{ include "torchserve-kserve.predictPath" (dict "model" $name "protocol" $.Values.protocol) }}{{ include "torchserve-kserve.notes.host" $ }} -H 'Content-Type: application/json' -d '{{ include "torchserve-kserve.exampleOf" (dict "example" $example "protocol" $.Values.protocol) | replace "'" "'\\''" }}'
{{- if not $example }}
   (put a request that {{ $name }} understands between the brackets, and in models.{{ $name }}.example for helm test)
{{- end }}
{{- with ($model | default dict).versions }}
{{- if eq $.Values.runtime.flavor "native" }}

   That is version {{ include "torchserve-kserve.defaultVersion" $model }}, the default; for another one the path is /predictions/{{ $name }}/VERSION: {{ keys . | sortAlpha | join ", " }}.
{{- else }}

   That is version {{ include "torchserve-kserve.defaultVersion" $model }}, the default; the wrapper serves no other one.
{{- end }}
{{- end }}
{{- end }}

   The name in the URL is the key under models{{ if not (hasKey .Values.models .Release.Name) }}, not {{ .Release.Name | quote }}{{ end }}.
{{- end -}}

{{/* in: root; out: a gRPC call of every model. */}}
{{- define "torchserve-kserve.notes.grpcurl" -}}
{{- range $name, $_ := .Values.models }}

   grpcurl -plaintext -proto grpc_predict_v2.proto{{ include "torchserve-kserve.notes.authority" $ }} -d '{"name": "{{ $name }}"}' 127.0.0.1:8080 inference.GRPCInferenceService/ModelReady
{{- end }}

   The file is python/kserve/kserve/protocol/grpc/grpc_predict_v2.proto of KServe's repository; ModelInfer is the predict call.
{{- end -}}

{{/* in: root; out: in Standard mode, where KServe serves it to the outside, and what a Kubeflow asks for there; else nothing. */}}
{{- define "torchserve-kserve.notes.outside" -}}
{{- if eq .Values.deploymentMode "Standard" }}
   From outside, where KServe makes an Ingress or a route, write this for {{ ternary "127.0.0.1:8080, without http:// and with its port (80)" "http://127.0.0.1:8080" (eq .Values.protocol "grpc-v2") }}{{ if .Values.kubeflow.enabled }}, and add what Kubeflow logs in by
   (-H "Authorization: Bearer $(kubectl -n {{ .Release.Namespace }} create token default-editor)"){{ end }}:

   kubectl -n {{ .Release.Namespace }} get inferenceservice {{ .Release.Name }} -o jsonpath='{.status.url}{"\n"}'
{{- end }}
{{- end -}}

{{/* in: root; out: the same calls over HTTPS, where a certificate for the mapped hosts was given. */}}
{{- define "torchserve-kserve.notes.https" -}}
{{- if and .Values.domainMapping.tlsSecretName .Values.domainMapping.hosts -}}
{{- $host := first .Values.domainMapping.hosts }}
   Over HTTPS, with the certificate in {{ .Values.domainMapping.tlsSecretName }}: forward 8443:443 of the same service, then for the URL's start write

   --resolve {{ $host }}:8443:127.0.0.1 https://{{ $host }}:8443/…    (and -k, or --cacert FILE for an authority of your own)
{{- end -}}
{{- end -}}

{{/* in: root; out: what is different with a runtime that is not the chart's, or nothing. */}}
{{- define "torchserve-kserve.notes.otherRuntime" -}}
{{- if not .Values.runtime.create -}}
The runtime {{ .Values.runtime.name }} is not this chart's. Without it there is no pod; see whether it is there:

   kubectl -n {{ .Release.Namespace }} get servingruntimes,clusterservingruntimes --field-selector metadata.name={{ .Values.runtime.name }}

It does not wait for the Job: until config/config.properties is on the claim its
container ends and starts again. And it reads that file only when it starts; after an upgrade, once the Job is complete, give it new pods:

   kubectl -n {{ .Release.Namespace }} delete pods -l serving.kserve.io/inferenceservice={{ .Release.Name }}
{{- if eq .Values.runtime.name "kserve-torchserve" }}

Ready means with it that its port is open, and not that the models are loaded: until then they answer 503.
{{- end }}
{{- end -}}
{{- end -}}

{{/* in: root; out: what to do about a canary, while one gets a part of the requests. */}}
{{- define "torchserve-kserve.notes.canary" -}}
{{- $percent := .Values.canaryTrafficPercent -}}
{{- if kindIs "invalid" $percent | not | and (lt (int $percent) 100) -}}
The newest revision is a canary: it gets {{ int $percent }} % of the requests once it is ready, the one before it the rest. See how they share:

   kubectl -n {{ .Release.Namespace }} get services.serving.knative.dev {{ include "torchserve-kserve.predictorService" . }} -o jsonpath='{.status.traffic}{"\n"}'

To keep it, `helm upgrade` with the same values and canaryTrafficPercent=100; to take it back, helm -n {{ .Release.Namespace }} rollback {{ .Release.Name }}.
{{- end -}}
{{- end -}}

{{/* in: root; out: which flags of Knative what is passed through, or gets pods onto GPU nodes, needs; or nothing. */}}
{{- define "torchserve-kserve.notes.knativeFlags" -}}
{{- if eq .Values.deploymentMode "Knative" -}}
{{- with (include "torchserve-kserve.neededFlags" . | fromJson).fields -}}
Knative refuses these unless its administrator has enabled their flags in the ConfigMap config-features of knative-serving:
{{ range $field, $flag := . }}
   {{ $field }}: {{ $flag }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* in: root; out: what a timeout needs in Standard mode, or nothing. */}}
{{- define "torchserve-kserve.notes.timeout" -}}
{{- if and (eq .Values.deploymentMode "Standard") .Values.timeout -}}
timeout is kept by the gateway, and only where KServe uses the Gateway API; nothing else ends a call after {{ int .Values.timeout }} s.
{{- end -}}
{{- end -}}
