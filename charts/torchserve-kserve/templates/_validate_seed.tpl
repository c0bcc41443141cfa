{{/* Rules about the seeding Job's own settings. */}}

{{/* in: root; out: complaints about them. */}}
{{- define "torchserve-kserve.validate.seed" -}}
{{- $seed := .Values.seed }}
{{- if and $seed.ca.configMapName $seed.ca.secretName }}
seed.ca has configMapName and secretName; keep one of them
{{- end }}
{{- if and (or $seed.ca.configMapName $seed.ca.secretName) (not $seed.ca.key) }}
seed.ca has no key; set seed.ca.key to the certificate's
{{- end }}
{{- if not (or $seed.storageImage.tag $seed.storageImage.digest) }}
seed.storageImage has neither tag nor digest; set one of them
{{- end }}
{{- include "torchserve-kserve.validate.s3" . }}
{{- include "torchserve-kserve.validate.env" . }}
{{- range $seed.envFrom }}
{{- if eq (empty .secretRef) (empty .configMapRef) }}
seed.envFrom: each entry names one object; write either secretRef or configMapRef in it
{{- end }}
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about how s3:// is reached, also where there is none to reach. */}}
{{- define "torchserve-kserve.validate.s3" -}}
{{- $s3 := .Values.seed.s3 }}
{{- $used := false }}
{{- range (include "torchserve-kserve.parts" . | fromJson).parts }}
{{- $used = .uri | default "" | hasPrefix "s3://" | or $used }}
{{- end }}
{{- if and (not $used) (or $s3.endpoint $s3.region $s3.anonymous $s3.credentials.secretName (not $s3.pathStyle)) }}
seed.s3 is set and no source is an s3:// URI; remove it, or set models.<name>.uri=s3://bucket/key{{ if .Values.storageUri }} (for storageUri the Secret of serviceAccountName says it){{ end }}
{{- end }}
{{- if and $s3.anonymous $s3.credentials.secretName }}
seed.s3.anonymous is true and seed.s3.credentials.secretName is set, which would not be used; remove one of the two
{{- end }}
{{- if and (not $s3.pathStyle) (not $s3.endpoint) }}
seed.s3.pathStyle is false without seed.s3.endpoint, and AWS is asked by host name anyway; remove it, or set seed.s3.endpoint
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about a variable that is there twice, without a value, or with two. */}}
{{- define "torchserve-kserve.validate.env" -}}
{{- $seen := dict }}
{{- range include "torchserve-kserve.seedEnv" . | fromYamlArray }}{{ $_ := set $seen .name "the chart writes it for the program or from seed.s3 and seed.ca" }}{{ end }}
{{- range .Values.seed.env }}
{{- if hasKey $seen .name }}
seed.env: {{ .name }} is there twice, {{ get $seen .name }}; remove it
{{- end }}
{{- $_ := set $seen .name "it stands further up" }}
{{- if and (hasKey . "valueFrom") (hasKey . "value") }}
seed.env: {{ .name }} has value and valueFrom; keep one of them
{{- else if hasKey . "valueFrom" }}
{{- if eq (empty (.valueFrom).secretKeyRef) (empty (.valueFrom).configMapKeyRef) }}
seed.env: {{ .name }} has to come from one key; write either secretKeyRef or configMapKeyRef in its valueFrom
{{- end }}
{{- else if not (hasKey . "value") }}
seed.env: {{ .name }} has no value; set its value or its valueFrom
{{- end }}
{{- end }}
{{- end -}}
