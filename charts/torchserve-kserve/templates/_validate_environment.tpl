{{/* Rules about environment and certificate authorities, the seeding Job's and the server's. */}}

{{/* in: {key, given: list of variables, own: list of the chart's, why: what it writes them for}; out: complaints about one that is there
twice, without a value, or with two. */}}
{{- define "torchserve-kserve.validate.env" -}}
{{- $seen := dict }}
{{- range .own }}{{ $_ := set $seen .name (printf "the chart writes it for %s" $.why) }}{{ end }}
{{- range .given }}
{{- if hasKey $seen .name }}
{{ $.key }}: {{ .name }} is there twice, {{ get $seen .name }}; remove it
{{- end }}
{{- $_ := set $seen .name "it stands further up" }}
{{- if and (hasKey . "valueFrom") (hasKey . "value") }}
{{ $.key }}: {{ .name }} has value and valueFrom; keep one of them
{{- else if hasKey . "valueFrom" }}
{{- if eq (empty (.valueFrom).secretKeyRef) (empty (.valueFrom).configMapKeyRef) }}
{{ $.key }}: {{ .name }} has to come from one key; write either secretKeyRef or configMapKeyRef in its valueFrom
{{- end }}
{{- else if not (hasKey . "value") }}
{{ $.key }}: {{ .name }} has no value; set its value or its valueFrom
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {key, given: list}; out: complaints about envFrom. */}}
{{- define "torchserve-kserve.validate.envFrom" -}}
{{- range .given }}
{{- if eq (empty .secretRef) (empty .configMapRef) }}
{{ $.key }}: each entry names one object; write either secretRef or configMapRef in it
{{- end }}
{{- end }}
{{- end -}}

{{/* in: {key, ca}; out: complaints about an authority. */}}
{{- define "torchserve-kserve.validate.ca" -}}
{{- if and .ca.configMapName .ca.secretName }}
{{ .key }} has configMapName and secretName; keep one of them
{{- end }}
{{- if and (or .ca.configMapName .ca.secretName) (not .ca.key) }}
{{ .key }} has no key; set {{ .key }}.key to the certificate's
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about the server's environment and authority. Of another's runtime the chart knows no variables. */}}
{{- define "torchserve-kserve.validate.environment" -}}
{{- $own := include (ternary "torchserve-kserve.serverEnv" "torchserve-kserve.caEnv" .Values.runtime.create) . | trim | fromYamlArray }}
{{- include "torchserve-kserve.validate.env" (dict "key" "runtime.env" "given" .Values.runtime.env "own" $own "why" "the server or from runtime.ca") }}
{{- include "torchserve-kserve.validate.envFrom" (dict "key" "runtime.envFrom" "given" .Values.runtime.envFrom) }}
{{- include "torchserve-kserve.validate.ca" (dict "key" "runtime.ca" "ca" .Values.runtime.ca) }}
{{- range .Values.runtime.env }}
{{- if and $.Values.runtime.create (eq .name "TS_CONFIG_FILE") }}
runtime.env: TS_CONFIG_FILE would part the server from the chart's configuration, so that it is not given to it; remove it, and use properties
{{- end }}
{{- if and (eq $.Values.deploymentMode "Knative") (has .name (list "PORT" "K_SERVICE" "K_CONFIGURATION" "K_REVISION")) }}
runtime.env: {{ .name }} is Knative's own variable, and Knative refuses it; remove it, or take another name
{{- end }}
{{- if contains "{{" (.value | default "") }}
runtime.env: KServe would take the {{ "{{" }} in the value of {{ .name }} for a template of its own; write it by valueFrom
{{- end }}
{{- end }}
{{- end -}}
