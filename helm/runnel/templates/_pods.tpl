{{/*
What a component's pods are like: the component's own value of each knob, else that of all. Maps are put together, lists that only add
(extra…) are joined, the rest is replaced. JSON; (dict "root" $ "values" .Values.gateway)
*/}}
{{- define "runnel.knobs" -}}
{{- $all := .root.Values }}
{{- $own := .values | default dict }}
{{- $knobs := dict }}
{{- range list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "schedulerName" "hostAliases" "dnsPolicy" "dnsConfig" "initContainers" "extraContainers" "deploymentStrategy" "revisionHistoryLimit" "minReadySeconds" "progressDeadlineSeconds" }}
{{- $from := ternary $own $all (and (hasKey $own .) (not (kindIs "invalid" (get $own .)))) }}
{{- $_ := set $knobs . (get $from .) }}
{{- end }}
{{- range list "podAnnotations" "podLabels" "deploymentAnnotations" "podSecurityContext" "securityContext" "startupProbe" "readinessProbe" "livenessProbe" }}
{{- $_ := set $knobs . (mergeOverwrite dict (deepCopy (get $all . | default dict)) (get $own . | default dict)) }}
{{- end }}
{{- range list "extraEnv" "extraEnvFrom" "extraVolumes" "extraVolumeMounts" }}
{{- $_ := set $knobs . (concat (get $all . | default list) (get $own . | default list)) }}
{{- end }}
{{- toJson $knobs }}
{{- end }}

{{/* OpenShift's restricted-v2 gives each namespace its own ids and refuses any that a pod asks for. (dict "root" $ "context" map) */}}
{{- define "runnel.securityContext" -}}
{{- $ids := ternary (list "runAsUser" "runAsGroup" "fsGroup") list .root.Values.openshift.enabled }}
{{- $context := dict }}
{{- range $key, $value := .context }}
{{- if not (or (has $key $ids) (kindIs "invalid" $value)) }}{{ $_ := set $context $key $value }}{{ end }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* Where a pod goes and who it is there; (dict "root" $ "knobs" $knobs) */}}
{{- define "runnel.placement" -}}
securityContext: {{- include "runnel.securityContext" (dict "root" .root "context" .knobs.podSecurityContext) | nindent 2 }}
{{- include "runnel.pullSecrets" .root }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" "schedulerName" "hostAliases" "dnsPolicy" "dnsConfig" }}
{{- with get $.knobs $key }}
{{ toYaml (dict $key .) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "runnel.containerSecurity" -}}
{{ include "runnel.securityContext" (dict "root" .root "context" .knobs.securityContext) }}
{{- end }}

{{/* Over nodes and zones, or as the operator says; a constraint without a selector means the component's own pods. */}}
{{- define "runnel.spread" -}}
{{- $selector := dict "matchLabels" (include "runnel.selector" . | fromYaml) }}
{{- if .knobs.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range .knobs.topologySpreadConstraints }}
  - {{- toYaml (ternary . (merge (dict "labelSelector" $selector) .) (hasKey . "labelSelector")) | nindent 4 }}
  {{- end }}
{{- else if .root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {{ toJson $selector }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* A probe with what the operator changes of it; (dict "probe" (dict …) "with" $knobs.startupProbe) */}}
{{- define "runnel.probe" -}}
{{ mergeOverwrite dict .probe .with | toJson }}
{{- end }}

{{- define "runnel.probes" -}}
{{- $live := dict "path" "/livez" "port" "internal" }}
startupProbe: {{ include "runnel.probe" (dict "probe" (dict "httpGet" $live "periodSeconds" 1 "failureThreshold" 60) "with" .startupProbe) }}
readinessProbe: {{ include "runnel.probe" (dict "probe" (dict "httpGet" (dict "path" "/readyz?scope=process" "port" "internal") "periodSeconds" 2 "failureThreshold" 2 "timeoutSeconds" 2) "with" .readinessProbe) }}
livenessProbe: {{ include "runnel.probe" (dict "probe" (dict "httpGet" $live "periodSeconds" 10 "failureThreshold" 3 "timeoutSeconds" 2) "with" .livenessProbe) }}
{{- end }}

{{- define "runnel.webProbes" -}}
{{- $page := dict "httpGet" (dict "path" "/" "port" "http") }}
startupProbe: {{ include "runnel.probe" (dict "probe" (merge (dict "periodSeconds" 1 "failureThreshold" 60) $page) "with" .startupProbe) }}
readinessProbe: {{ include "runnel.probe" (dict "probe" (merge (dict "periodSeconds" 5) $page) "with" .readinessProbe) }}
livenessProbe: {{ include "runnel.probe" (dict "probe" (merge (dict "periodSeconds" 10 "timeoutSeconds" 2) $page) "with" .livenessProbe) }}
{{- end }}

{{/*
Node guesses its heap from the machine or the limit, and guesses the same for 384Mi and 512Mi. Two thirds of the limit: the rest is buffers,
code and stacks. Not where `env` or `extraEnv` has NODE_OPTIONS, nor for a limit that is not in Mi or Gi.
*/}}
{{- define "runnel.heap" -}}
{{- $limit := dig "limits" "memory" "" .values.resources | toString }}
{{- $size := regexFind "^[0-9]+" $limit | default "0" | int }}
{{- $mega := ternary (mul $size 1024) (ternary $size 0 (hasSuffix "Mi" $limit)) (hasSuffix "Gi" $limit) | int }}
{{- $told := hasKey .values.env "NODE_OPTIONS" }}
{{- range .knobs.extraEnv }}{{ if eq .name "NODE_OPTIONS" }}{{ $told = true }}{{ end }}{{ end }}
{{- if and (gt $mega 0) (not $told) }}
- { name: NODE_OPTIONS, value: "--max-old-space-size={{ div (mul $mega 2) 3 }}" }
{{- end }}
{{- end }}

{{/*
Whether a component has a service account of its own: the page only if asked for. A Deployment that stops naming one goes on naming it by the
field's old name (serviceAccount), so a rollback to a chart without it would find its pods refused.
*/}}
{{- define "runnel.hasServiceAccount" -}}
{{- $create := get (.values.serviceAccount | default dict) "create" | toString }}
{{- if or (eq $create "true") (and (ne $create "false") (ne .name "web")) }}yes{{ end }}
{{- end }}

{{/* Empty: the namespace's own, without a word. */}}
{{- define "runnel.serviceAccountName" -}}
{{- $own := .values.serviceAccount | default dict }}
{{- $name := ternary (include "runnel.name" .) (ternary "" "default" (eq .name "web")) (ne (include "runnel.hasServiceAccount" .) "") }}
{{- $own.name | default $name }}
{{- end }}
