{{/*
Deployment, Services, ServiceAccount and disruption budget of one component.
  root, name, values   $, "ai", .Values.ai
  port, internal       what people and pods are answered at (0: nobody is); probes and figures (0: none, then the page's probes)
  env, mounts, volumes, init   YAML lists as text, may be empty
  config               list of what `runnel.checksum` looks at
  token                whether pods may call the API server
  scaled               whether replicas may be somebody else's (values.autoscaling)
*/}}
{{- define "runnel.workload" -}}
{{- $knobs := include "runnel.knobs" . | fromJson }}
{{- $ctx := merge (dict "knobs" $knobs) . }}
{{- $values := .values }}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- $ours := dict }}
  {{- if not .scaled }}{{ $_ := set $ours "runnel.dev/replicas" (toString $values.replicas) }}{{ end }}
  {{- include "runnel.metadata" (merge (dict "annotations" (merge $ours $knobs.deploymentAnnotations)) .) | nindent 2 }}
spec:
  {{- with include "runnel.replicas" . }}
  replicas: {{ . }}
  {{- end }}
  {{- range $key := list "revisionHistoryLimit" "minReadySeconds" "progressDeadlineSeconds" }}
  {{- if has (kindOf (get $knobs $key)) (list "float64" "int64" "int") }}
  {{ $key }}: {{ get $knobs $key }}
  {{- else if and (eq $key "minReadySeconds") (eq $ctx.name "ai") $ctx.root.Values.operator.enabled $ctx.root.Values.operator.rolloutGate.enabled }}
  # The gate has to hear of some answers of a new pod before the next one is made.
  minReadySeconds: 15
  {{- end }}
  {{- end }}
  strategy: {{- toYaml (ternary (omit $knobs.deploymentStrategy "rollingUpdate") $knobs.deploymentStrategy (eq $knobs.deploymentStrategy.type "Recreate")) | nindent 4 }}
  selector: { matchLabels: {{ include "runnel.selector" . | fromYaml | toJson }} }
  template:
    metadata:
      {{- include "runnel.podMetadata" $ctx | nindent 6 }}
    spec:
      {{- with include "runnel.serviceAccountName" . | trim }}
      serviceAccountName: {{ . }}
      {{- end }}
      automountServiceAccountToken: {{ .token | default false }}
      {{- with $values.drainSeconds }}
      terminationGracePeriodSeconds: {{ include "runnel.grace" $values }}
      {{- end }}
      {{- include "runnel.placement" $ctx | nindent 6 }}
      {{- include "runnel.spread" $ctx | nindent 6 }}
      {{- if or .init $knobs.initContainers }}
      initContainers:
        {{- with .init }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with $knobs.initContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "runnel.image" . | trim }}
          imagePullPolicy: {{ include "runnel.pullPolicy" . | trim }}
          securityContext: {{- include "runnel.containerSecurity" $ctx | nindent 12 }}
          ports:
            {{- with .port }}
            - { name: http, containerPort: {{ . }} }
            {{- end }}
            {{- with .internal }}
            - { name: internal, containerPort: {{ . }} }
            {{- end }}
          {{- include (ternary "runnel.probes" "runnel.webProbes" (gt (int .internal) 0)) $knobs | nindent 10 }}
          {{- if gt (int $values.preStopSeconds) 0 }}
          lifecycle: { preStop: { sleep: { seconds: {{ $values.preStopSeconds }} } } }
          {{- end }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- with .mounts }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with $knobs.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- $heap := "" }}
          {{- if .internal }}{{ $heap = include "runnel.heap" $ctx | trim }}{{ end }}
          {{- $more := include "runnel.moreEnv" (dict "env" $values.env "knobs" $knobs) | trim }}
          {{- with compact (list .env $heap $more) }}
          env:
            {{- range . }}
            {{- . | nindent 12 }}
            {{- end }}
          {{- end }}
          {{- with concat (.envFrom | default list) ($knobs.extraEnvFrom | default list) }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
        {{- with $knobs.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - { name: tmp, emptyDir: { medium: Memory, sizeLimit: 16Mi } }
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with $knobs.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if .port }}
---
{{ include "runnel.service" . }}
{{- end }}
{{- if .internal }}
---
# Probes, figures and drains: a Service of its own, which no ingress and no neighbour has a reason to name.
apiVersion: v1
kind: Service
metadata:
  {{- include "runnel.metadata" (merge (dict "as" (printf "%s-internal" (include "runnel.name" .))) .) | nindent 2 }}
spec:
  selector: {{- include "runnel.selector" . | nindent 4 }}
  ports:
    - { name: internal, port: {{ .internal }}, targetPort: internal, appProtocol: http }
{{- end }}
{{- $account := merge (dict) ($values.serviceAccount | default dict) .root.Values.serviceAccount }}
{{- if include "runnel.hasServiceAccount" . }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "runnel.metadata" (merge (dict "as" (trim (include "runnel.serviceAccountName" .)) "annotations" $account.annotations) .) | nindent 2 }}
{{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "runnel.metadata" . | nindent 2 }}
spec:
  # Pods that never became ready must not block the drain of a node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  maxUnavailable: {{ $values.maxUnavailable }}
  selector: { matchLabels: {{ include "runnel.selector" . | fromYaml | toJson }} }
{{- end }}

{{/* Labels and annotations of a pod; (… "knobs" $knobs "config" (list "Secret/name/key")) */}}
{{- define "runnel.podMetadata" -}}
labels:
  {{- include "runnel.podLabels" . | nindent 2 }}
  {{- with omit (mergeOverwrite dict .root.Values.commonLabels .knobs.podLabels) "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := mergeOverwrite dict .root.Values.commonAnnotations .knobs.podAnnotations }}
{{- with include "runnel.checksum" (dict "root" .root "of" (.config | default list)) | trim }}
{{- $_ := set $annotations "checksum/config" . }}
{{- end }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
How many pods. Whoever scaled by hand since the last upgrade keeps what they set, until `replicas` itself is changed; a scaler keeps what it
set: a field that is left out is set back to 1 by the API server. Where the cluster cannot be asked nothing is said for a scaler.
*/}}
{{- define "runnel.replicas" -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace (include "runnel.name" .) | default dict }}
{{- $now := dig "spec" "replicas" -1 $live | int }}
{{- if .scaled }}
{{- if gt $now 0 }}{{ $now }}{{ end }}
{{- else }}
{{- $before := dig "metadata" "annotations" "runnel.dev/replicas" "" $live }}
{{- ternary $now .values.replicas (and (ge $now 0) (eq $before (toString .values.replicas))) }}
{{- end }}
{{- end }}

{{/* Says who scales a component, the operator among them, or nothing; (dict "root" $ "name" "ai") */}}
{{- define "runnel.scaledBy" -}}
{{- $operator := .root.Values.operator }}
{{- $asked := get $operator.scaling (ternary "gateways" .name (eq .name "gateway")) }}
{{- include "runnel.scaled" (index .root.Values .name).autoscaling | default (ternary "operator" "" (and $operator.enabled $asked.enabled)) }}
{{- end }}

{{/* Says who scales, or nothing. */}}
{{- define "runnel.scaled" -}}
{{- if .enabled }}HorizontalPodAutoscaler{{ else if .keda.enabled }}ScaledObject{{ else if .external }}external{{ end }}
{{- end }}

{{- define "runnel.service" -}}
{{- $service := mergeOverwrite dict (deepCopy .root.Values.service) (dig "service" dict .values) }}
apiVersion: v1
kind: Service
metadata:
  {{- include "runnel.metadata" (merge (dict "annotations" $service.annotations "labels" $service.labels) .) | nindent 2 }}
spec:
  {{- range $key, $value := omit $service "annotations" "labels" "appProtocol" "nodePort" }}
  {{- if $value }}
  {{- toYaml (dict $key $value) | nindent 2 }}
  {{- end }}
  {{- end }}
  selector: {{- include "runnel.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      {{- with $service.appProtocol }}
      appProtocol: {{ . }}
      {{- end }}
      {{- with $service.nodePort }}
      nodePort: {{ . }}
      {{- end }}
{{- end }}
