{{/* Rules about the claim that the chart makes. */}}

{{/* in: root; out: JSON list of the keys of persistence, besides size and class, that are set and say how a new claim is made. */}}
{{- define "torchserve-kserve.claimKeys" -}}
{{- $keys := list -}}
{{- range $key := list "annotations" "labels" "selector" "volumeName" -}}
{{- if get $.Values.persistence $key -}}{{- $keys = append $keys $key -}}{{- end -}}
{{- end -}}
{{- range $key, $value := .Values.persistence.dataSource -}}
{{- if $value -}}{{- $keys = printf "dataSource.%s" $key | append $keys -}}{{- end -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{/* in: root; out: complaints about these keys where the claim is another's. */}}
{{- define "torchserve-kserve.validate.noNewClaim" -}}
{{- $keys := include "torchserve-kserve.claimKeys" . | fromJsonArray }}
{{- range $key, $given := pick .Values.persistence "retain" "storageClass" }}
{{- if $given }}{{ $keys = append $keys $key }}{{ end }}
{{- end }}
{{- range $keys }}
persistence.{{ . }} is for a claim that the chart makes, and persistence.create is false; remove it, or set persistence.create=true
{{- end }}
{{- end -}}

{{/* in: root; out: complaints about a claim that the chart makes. */}}
{{- define "torchserve-kserve.validate.newClaim" -}}
{{- $claim := .Values.persistence }}
{{- include "torchserve-kserve.validate.dataSource" $claim.dataSource }}
{{- range $key, $given := pick $claim "volumeName" "selector" }}
{{- if and $given $claim.dataSource.name }}
persistence.{{ $key }} takes a volume that is there, and persistence.dataSource fills a new one; remove one of the two
{{- end }}
{{- end }}
{{- range $key, $_ := $claim.annotations }}
{{- if eq $key "helm.sh/resource-policy" }}
persistence.annotations: {{ $key }} is the chart's to write; remove it and use persistence.retain instead
{{- else }}
{{- include "torchserve-kserve.validate.key" (dict "map" "persistence.annotations" "key" $key) }}
{{- end }}
{{- end }}
{{- $own := include "torchserve-kserve.labels" (dict "root" . "component" "model-store") | fromYaml }}
{{- range $key, $value := $claim.labels }}
{{- $noValue := include "torchserve-kserve.validate.labelValue" (dict "map" "persistence.labels" "key" $key "value" $value) }}
{{- if hasKey $own $key }}
persistence.labels: {{ $key }} is for the chart alone; remove it
{{- else if $noValue }}
{{- $noValue }}
{{- else }}
{{- include "torchserve-kserve.validate.key" (dict "map" "persistence.labels" "key" $key) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* in: persistence.dataSource; out: complaints about half of one. Kubernetes drops a source that it does not know. */}}
{{- define "torchserve-kserve.validate.dataSource" -}}
{{- if and .name (not .kind) }}
persistence.dataSource.kind is not set; write VolumeSnapshot or PersistentVolumeClaim
{{- else if and .kind (not .name) }}
persistence.dataSource.name is not set; write the name of the {{ .kind }}
{{- end }}
{{- $group := ternary "snapshot.storage.k8s.io" "" (eq .kind "VolumeSnapshot") }}
{{- if ne .apiGroup (ternary $group .apiGroup (ne .kind "")) }}
persistence.dataSource.apiGroup {{ .apiGroup | quote }} has no {{ .kind }}; write {{ $group | quote }}
{{- else if and .apiGroup (not .kind) (not .name) }}
persistence.dataSource.apiGroup is set without kind and name; set them, too, or remove it
{{- end }}
{{- end -}}
