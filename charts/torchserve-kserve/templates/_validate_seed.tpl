{{/* Rules about the seeding Job's own settings. */}}

{{/* in: root; out: complaints about them. */}}
{{- define "torchserve-kserve.validate.seed" -}}
{{- $seed := .Values.seed }}
{{- include "torchserve-kserve.validate.ca" (dict "key" "seed.ca" "ca" $seed.ca) }}
{{- if not (or $seed.storageImage.tag $seed.storageImage.digest) }}
seed.storageImage has neither tag nor digest; set one of them
{{- end }}
{{- include "torchserve-kserve.validate.s3" . }}
{{- $own := include "torchserve-kserve.seedEnv" . | fromYamlArray }}
{{- include "torchserve-kserve.validate.env" (dict "key" "seed.env" "given" $seed.env "own" $own "why" "the program or from seed.s3 and seed.ca") }}
{{- include "torchserve-kserve.validate.envFrom" (dict "key" "seed.envFrom" "given" $seed.envFrom) }}
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
