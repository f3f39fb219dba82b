{{- define "runnel.fullname" -}}
{{- if contains "runnel" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-runnel" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{/* (dict "root" $ "name" "gateway") */}}
{{- define "runnel.name" -}}{{ include "runnel.fullname" .root }}-{{ .name }}{{- end }}

{{- define "runnel.selector" -}}
app.kubernetes.io/name: runnel
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "runnel.labels" -}}
{{ include "runnel.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Of pods: without the chart's version, so that a new chart alone replaces no pod; stores have the selector's only. */}}
{{- define "runnel.podLabels" -}}
{{ include "runnel.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{- define "runnel.image" -}}
{{ with .root.Values.image.registry }}{{ . }}/{{ end }}runnel/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* Restricted by Pod Security Admission's strictest level. */}}
{{- define "runnel.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "runnel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "runnel.probes" -}}
startupProbe: { httpGet: { path: /livez, port: internal }, periodSeconds: 1, failureThreshold: 60 }
readinessProbe: { httpGet: { path: "/readyz?scope=process", port: internal }, periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 2 }
livenessProbe: { httpGet: { path: /livez, port: internal }, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 2 }
{{- end }}

{{/* preStop sleep + drain + 10 s to finish what is in flight: a pod is never killed before its drain has ended. */}}
{{- define "runnel.grace" -}}{{ add .preStopSeconds .drainSeconds 10 }}{{- end }}

{{- define "runnel.redisEnv" -}}
- name: REDIS_URL
{{- if .Values.redis.existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .Values.redis.existingSecret }}, key: REDIS_URL } }
{{- else if .Values.redis.development.enabled }}
  value: redis://{{ include "runnel.name" (dict "root" . "name" "redis") }}:6379
{{- else }}
  value: {{ .Values.redis.url | quote }}
{{- end }}
{{- end }}

{{- define "runnel.databaseEnv" -}}
- name: DATABASE_URL
{{- if .Values.postgres.existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .Values.postgres.existingSecret }}, key: DATABASE_URL } }
{{- else if .Values.postgres.development.enabled }}
  value: postgres://runnel@{{ include "runnel.name" (dict "root" . "name" "postgres") }}:5432/runnel
{{- else }}
  value: {{ .Values.postgres.url | quote }}
{{- end }}
{{- end }}

{{- define "runnel.kafkaBrokers" -}}
{{- if .Values.kafka.development.enabled }}{{ include "runnel.name" (dict "root" . "name" "kafka") }}:9092{{ else }}{{ .Values.kafka.brokers }}{{ end }}
{{- end }}

{{/* Empty without a Kafka. */}}
{{- define "runnel.kafkaEnv" -}}
{{- with include "runnel.kafkaBrokers" . }}
- { name: KAFKA_BROKERS, value: {{ . | quote }} }
{{- end }}
{{- with .Values.kafka }}
{{- if .tls.enabled }}
- { name: KAFKA_TLS, value: "true" }
{{- if .tls.caSecret }}
- { name: KAFKA_CA_FILE, value: /etc/runnel/kafka/ca.crt }
{{- end }}
{{- end }}
{{- if .sasl.mechanism }}
- { name: KAFKA_SASL_MECHANISM, value: {{ .sasl.mechanism }} }
{{- range $key := list "KAFKA_USERNAME" "KAFKA_PASSWORD" }}
- name: {{ $key }}
  valueFrom: { secretKeyRef: { name: {{ $.Values.kafka.existingSecret }}, key: {{ $key }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A container that brings the database up to date: one at a time by a lock, again and again until the database answers. */}}
{{- define "runnel.migrate" -}}
- name: migrate
  image: {{ include "runnel.image" (dict "root" . "name" "audit") | trim }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  securityContext: {{- include "runnel.containerSecurity" . | nindent 4 }}
  command: [node, /app/services/audit/src/cli/main.ts, migrate]
  resources: { requests: { cpu: 50m, memory: 96Mi }, limits: { memory: 256Mi } }
  env:
    - { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
    {{- if .Values.audit.migrationSecret }}
    - { name: DATABASE_URL, valueFrom: { secretKeyRef: { name: {{ .Values.audit.migrationSecret }}, key: DATABASE_URL } } }
    {{- else }}
    {{- include "runnel.databaseEnv" . | nindent 4 }}
    {{- end }}
    {{- with include "runnel.caEnv" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- include "runnel.extraEnv" (dict "env" .Values.audit.env "indent" 4) }}
  {{- with include "runnel.caMount" . }}
  volumeMounts: {{- . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "runnel.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the pods of development stores have in common; (dict "root" $ "name" "kafka" "user" 1000 "values" .Values.kafka.development) */}}
{{- define "runnel.storePod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  seccompProfile: { type: RuntimeDefault }
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "runnel.storeClaim" -}}
{{- with .values.storage }}
volumeClaimTemplates:
  - metadata: { name: data }
    spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: {{ . }} } } }
{{- end }}
{{- end }}

{{- define "runnel.storeService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "runnel.name" . }}
  labels: {{- include "runnel.labels" . | nindent 4 }}
spec:
  selector: {{- include "runnel.selector" . | nindent 4 }}
  ports: [{ name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }} }]
{{- end }}

{{- define "runnel.commonEnv" -}}
- name: NODE_ID
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
{{ include "runnel.redisEnv" . }}
{{- with .Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- with include "runnel.caEnv" . }}
{{ . }}
{{- end }}
{{- end }}

{{/* Authorities of the operator's own, besides those Node brings. */}}
{{- define "runnel.caEnv" -}}
{{- if .Values.trustedCA.configMap -}}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/runnel/ca/ca.crt }
{{- end }}
{{- end }}
{{- define "runnel.caMount" -}}
{{- if .Values.trustedCA.configMap -}}
- { name: ca, mountPath: /etc/runnel/ca, readOnly: true }
{{- end }}
{{- end }}
{{- define "runnel.caVolume" -}}
{{- with .Values.trustedCA.configMap -}}
- { name: ca, configMap: { name: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- end }}

{{/* Lines of a pod's environment, each after a line break; (dict "env" .env "indent" 12) */}}
{{- define "runnel.extraEnv" -}}
{{- range $name, $value := .env }}
{{- printf "- { name: %s, value: %s }" $name (quote $value) | nindent $.indent }}
{{- end }}
{{- end }}

{{/*
Node guesses its heap from the machine or the limit, and guesses the same for 384Mi and 512Mi. Two thirds of the limit: the rest is buffers,
code and stacks. Not where `env` has NODE_OPTIONS, nor for a limit that is not in Mi or Gi.
*/}}
{{- define "runnel.heap" -}}
{{- $limit := dig "limits" "memory" "" .resources | toString }}
{{- $size := regexFind "^[0-9]+" $limit | default "0" | int }}
{{- $mega := ternary (mul $size 1024) (ternary $size 0 (hasSuffix "Mi" $limit)) (hasSuffix "Gi" $limit) | int }}
{{- if and (gt $mega 0) (not (hasKey .env "NODE_OPTIONS")) }}
- { name: NODE_OPTIONS, value: "--max-old-space-size={{ div (mul $mega 2) 3 }}" }
{{- end }}
{{- end }}

{{/* Only what is set: for the rest the service has its own defaults, which differ by auth.mode. MAX_RUNS_PER_USER is maxRunsPerUser. */}}
{{- define "runnel.limitsEnv" -}}
{{- range $key := list "MAX_RUNS_PER_USER" "MAX_BYTES_PER_USER_DAY" "MAX_SOCKETS_PER_USER" "MAX_FOLLOWS_PER_USER" "MAX_READS_PER_USER" "MAX_REPLAYS_PER_USER" "MAX_COMMANDS_PER_MINUTE" "MAX_SEARCHES_PER_MINUTE" "MAX_API_KEYS_PER_USER" }}
{{- $value := index $.Values.limits (lower $key | camelcase | untitle) }}
{{- if not (kindIs "invalid" $value) }}
- { name: {{ $key }}, value: {{ int64 $value | quote }} }
{{- end }}
{{- end }}
{{- end }}

{{/*
Of a pod template: changes with what the operator's Secrets and ConfigMaps hold, so that an upgrade replaces pods that read an old one.
Where the cluster cannot be asked (helm template, Argo CD) it says nothing. (dict "root" $ "of" (list "Secret/name/key" "Secret/name"))
*/}}
{{- define "runnel.checksum" -}}
{{- $held := dict }}
{{- range .of }}
{{- $parts := splitList "/" . }}
{{- with index $parts 1 }}
{{- $data := (lookup "v1" (index $parts 0) $.root.Release.Namespace .).data | default dict }}
{{- $key := index (append $parts "") 2 }}
{{- $_ := set $held (join "/" $parts) (ternary (get $data $key) $data (ne $key "")) }}
{{- end }}
{{- end }}
{{- if $held }}
annotations: { checksum/config: {{ toJson $held | sha256sum }} }
{{- end }}
{{- end }}

{{/* What all three services read at their start. */}}
{{- define "runnel.commonConfig" -}}
{{- list (printf "Secret/%s/REDIS_URL" .Values.redis.existingSecret) (printf "ConfigMap/%s/ca.crt" .Values.trustedCA.configMap) | toJson }}
{{- end }}

{{- define "runnel.spread" -}}
{{- if .root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: { matchLabels: {{ include "runnel.selector" $ | fromYaml | toJson }} }
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* A file and no variable: it may change under a running pod, which reads it again when a call is refused. */}}
{{- define "runnel.internalTokenVolume" -}}
- name: internal-token
  secret:
    secretName: {{ .Values.internalToken.existingSecret | default (include "runnel.name" (dict "root" . "name" "internal-token")) }}
    items: [{ key: INTERNAL_TOKEN, path: token }]
{{- end }}

{{/* Where pods may go outside the release, less the addresses where clouds give machines their credentials. */}}
{{- define "runnel.egressPeers" -}}
{{- with .Values.networkPolicy }}
{{- $excepted := .egressExcept }}
{{- range $cidr := .egressCIDRs }}
{{- $except := list }}
{{- range $excepted }}
{{- if or (and (eq $cidr "0.0.0.0/0") (not (contains ":" .))) (and (eq $cidr "::/0") (contains ":" .)) }}
{{- $except = append $except . }}
{{- end }}
{{- end }}
- ipBlock: { cidr: {{ $cidr | quote }}{{ with $except }}, except: {{ toJson . }}{{ end }} }
{{- end }}
{{- with .egressNamespaceLabels }}
- namespaceSelector: { matchLabels: {{ toJson . }} }
{{- end }}
{{- end }}
{{- end }}
