{{/* Where to look: the commands that NOTES and helm test name, each once. */}}

{{/* in: root; out: the start of a command in the release's namespace. */}}
{{- define "torchserve-kserve.look.kubectl" -}}
kubectl -n {{ .Release.Namespace }}
{{- end -}}

{{/* in: root; out: how the predictor's pods are named to kubectl. */}}
{{- define "torchserve-kserve.look.predictors" -}}
-l serving.kserve.io/inferenceservice={{ .Release.Name }},component=predictor
{{- end -}}

{{/* in: root; out: JSON map of what a command shows to the command. why: what each pod waits for, or has ended with, be it the seed's
or the start program's sentence; all: what of the release is there; claim; seed: the Job's log; service:
what KServe, or Knative, says; name: why a Service is missing; pods; fetch: KServe's storage-initializer; log, previous: the server's; models: the ones it has; policies,
authorization: what may keep a call away. */}}
{{- define "torchserve-kserve.look" -}}
{{- $kubectl := include "torchserve-kserve.look.kubectl" . -}}
{{- $pods := include "torchserve-kserve.look.predictors" . -}}
{{- $log := printf "%s logs %s -c kserve-container --tail=50" $kubectl $pods -}}
{{- $management := (include "torchserve-kserve.ports" . | fromJson).management | int -}}
{{- $ask := printf "import urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:%d/models').read().decode())" $management -}}
{{- $state := `{.status.conditions[?(@.type=="PodScheduled")].message}{range .status..containerStatuses[*]} {.name} ready={.ready}{end} {.status..waiting.message} {.status..terminated.message}` -}}
{{- $look := dict
  "why" (printf `%s get pods -l app.kubernetes.io/instance=%s,app.kubernetes.io/component!=test -o jsonpath='{range .items[*]}{.metadata.name}: {.status.phase} %s{"\n"}{end}'` $kubectl .Release.Name $state)
  "all" (printf "%s get pvc,jobs,inferenceservices,pods -l app.kubernetes.io/instance=%s" $kubectl .Release.Name)
  "service" (printf "%s describe inferenceservice %s" $kubectl .Release.Name)
  "pods" (printf "%s describe pods %s" $kubectl $pods)
  "log" $log
  "previous" (printf "%s --previous" $log)
  "models" (printf "%s exec $(%s get pods %s -o name | head -1) -c kserve-container -- python -c \"%s\"" $kubectl $kubectl $pods $ask)
  "policies" (printf "%s get networkpolicies" $kubectl)
-}}
{{- if include "torchserve-kserve.hasClaim" . -}}
{{- $_ := include "torchserve-kserve.claimName" . | printf "%s describe pvc %s" $kubectl | set $look "claim" -}}
{{- else -}}
{{- $_ := printf "%s logs %s -c storage-initializer --tail=50" $kubectl $pods | set $look "fetch" -}}
{{- end -}}
{{- if include "torchserve-kserve.plan" . -}}
{{- $_ := include "torchserve-kserve.seedJobName" . | printf "%s logs job/%s" $kubectl | set $look "seed" -}}
{{- end -}}
{{- $_ := ternary $look.why $look.service (eq .Values.deploymentMode "Knative") | set $look "name" -}}
{{- if eq .Values.deploymentMode "Knative" -}}
{{- $_ := printf "%s get services.serving.knative.dev,revisions -l serving.kserve.io/inferenceservice=%s" $kubectl .Release.Name | set $look "service" -}}
{{- end -}}
{{- if .Values.kubeflow.enabled -}}
{{- $_ := printf "%s get authorizationpolicies" $kubectl | set $look "authorization" -}}
{{- end -}}
{{- toRawJson $look -}}
{{- end -}}

{{/* in: root; out: JSON list of [what is seen, the command for it], in the order in which it has to come right. */}}
{{- define "torchserve-kserve.look.order" -}}
{{- $look := include "torchserve-kserve.look" . | fromJson -}}
{{- $order := list -}}
{{- range $what := list
  (list "a part of the release is missing" "all")
  (list "the claim is Pending" "claim")
  (list "the Job is not Complete: the last line of its log says why" "seed")
  (list (ternary "there is no pod of the predictor, and no revision that is Ready and sleeps" "there is no pod of the predictor" (eq 0 (int .Values.minReplicas))) "service")
  (list "its pod is Pending, its container waits, or its probe fails" "pods")
  (list "its pod is at Init" "fetch")
  (list "its container runs and is not ready" "log")
  (list "its container ends and starts again" "previous") -}}
{{- with get $look (last $what) -}}
{{- $order = list (first $what) . | append $order -}}
{{- end -}}
{{- end -}}
{{- toRawJson $order -}}
{{- end -}}
