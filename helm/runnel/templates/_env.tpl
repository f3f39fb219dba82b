{{/* (dict "name" "REDIS_URL" "secret" "runnel-redis" "key" "REDIS_URL") */}}
{{- define "runnel.fromSecret" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key | quote }} } }
{{- end }}

{{- define "runnel.redisEnv" -}}
{{- with .Values.redis }}
{{- if .existingSecret }}
{{- include "runnel.fromSecret" (dict "name" "REDIS_URL" "secret" .existingSecret "key" .secretKeys.url) }}
{{- else if .development.enabled }}
- { name: REDIS_URL, value: "redis://{{ include "runnel.name" (dict "root" $ "name" "redis") }}:6379" }
{{- else }}
- { name: REDIS_URL, value: {{ .url | quote }} }
{{- end }}
{{- with .keyPrefix }}
- { name: REDIS_KEY_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- with .shards }}
- { name: REDIS_SHARDS, value: {{ . | quote }} }
{{- end }}
{{- include "runnel.tlsEnv" (dict "root" $ "store" "redis" "prefix" "REDIS") }}
{{- end }}
{{- end }}

{{- define "runnel.databaseEnv" -}}
{{- with .Values.postgres }}
{{- if .existingSecret }}
{{- include "runnel.fromSecret" (dict "name" "DATABASE_URL" "secret" .existingSecret "key" .secretKeys.url) }}
{{- else if .development.enabled }}
- { name: DATABASE_URL, value: "postgres://runnel@{{ include "runnel.name" (dict "root" $ "name" "postgres") }}:5432/runnel" }
{{- else }}
- { name: DATABASE_URL, value: {{ .url | quote }} }
{{- end }}
{{- include "runnel.tlsEnv" (dict "root" $ "store" "postgres" "prefix" "DATABASE") }}
{{- end }}
{{- end }}

{{/* Where the files of a store's TLS are; (dict "store" "redis" "prefix" "REDIS" "root" $) */}}
{{- define "runnel.tlsEnv" -}}
{{- $tls := (index .root.Values .store).tls }}
{{- if $tls.caSecret }}
- { name: {{ .prefix }}_CA_FILE, value: /etc/runnel/{{ .store }}/ca.crt }
{{- end }}
{{- if $tls.clientSecret }}
- { name: {{ .prefix }}_CERT_FILE, value: /etc/runnel/{{ .store }}/tls.crt }
- { name: {{ .prefix }}_KEY_FILE, value: /etc/runnel/{{ .store }}/tls.key }
{{- end }}
{{- end }}
{{- define "runnel.tlsMount" -}}
{{- $tls := (index .root.Values .store).tls }}
{{- if or $tls.caSecret $tls.clientSecret }}
- { name: {{ .store }}-tls, mountPath: /etc/runnel/{{ .store }}, readOnly: true }
{{- end }}
{{- end }}
{{- define "runnel.tlsVolume" -}}
{{- $tls := (index .root.Values .store).tls }}
{{- $keys := $tls.clientKeys | default (dict "cert" "tls.crt" "key" "tls.key") }}
{{- if or $tls.caSecret $tls.clientSecret }}
- name: {{ .store }}-tls
  projected:
    sources:
      {{- with $tls.caSecret }}
      - secret: { name: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] }
      {{- end }}
      {{- with $tls.clientSecret }}
      - secret: { name: {{ . }}, items: [{ key: {{ $keys.cert }}, path: tls.crt }, { key: {{ $keys.key }}, path: tls.key }] }
      {{- end }}
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
{{- include "runnel.tlsEnv" (dict "root" $ "store" "kafka" "prefix" "KAFKA") }}
{{- end }}
{{- with .topicPrefix }}
- { name: KAFKA_TOPIC_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- with .groupPrefix }}
- { name: KAFKA_GROUP_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- if .sasl.mechanism }}
- { name: KAFKA_SASL_MECHANISM, value: {{ .sasl.mechanism }} }
{{- if .sasl.username }}
- { name: KAFKA_USERNAME, value: {{ .sasl.username | quote }} }
{{- else }}
{{ include "runnel.fromSecret" (dict "name" "KAFKA_USERNAME" "secret" .existingSecret "key" .secretKeys.username) }}
{{- end }}
{{ include "runnel.fromSecret" (dict "name" "KAFKA_PASSWORD" "secret" .existingSecret "key" .secretKeys.password) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "runnel.commonEnv" -}}
- name: NODE_ID
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
{{ include "runnel.redisEnv" . | trim }}
{{- with .Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- with include "runnel.caEnv" . }}
{{ . }}
{{- end }}
- { name: INTERNAL_TOKEN_FILE, value: /etc/runnel/internal/token }
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

{{/* Lines of `env` and `extraEnv`, each after a line break; (dict "env" .Values.audit.env "knobs" $knobs) */}}
{{- define "runnel.moreEnv" -}}
{{- range $name, $value := .env }}
- { name: {{ $name }}, value: {{ quote $value }} }
{{- end }}
{{- with .knobs.extraEnv }}
{{ toYaml . }}
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

{{/* What all three services read at their start. */}}
{{- define "runnel.commonConfig" -}}
{{- list (printf "Secret/%s/ca.crt" .Values.redis.tls.caSecret) (printf "Secret/%s" .Values.redis.tls.clientSecret) (printf "Secret/%s/%s" .Values.redis.existingSecret .Values.redis.secretKeys.url) (printf "ConfigMap/%s/ca.crt" .Values.trustedCA.configMap) | toJson }}
{{- end }}

{{/* A file and no variable: it may change under a running pod, which reads it again when a call is refused. */}}
{{- define "runnel.internalTokenVolume" -}}
- name: internal-token
  secret:
    secretName: {{ .Values.internalToken.existingSecret | default (include "runnel.name" (dict "root" . "name" "internal-token")) }}
    items: [{ key: INTERNAL_TOKEN, path: token }]
{{- end }}

{{/* What all three services find as files. */}}
{{- define "runnel.serviceMounts" -}}
- { name: internal-token, mountPath: /etc/runnel/internal, readOnly: true }
{{- include "runnel.tlsMount" (dict "root" . "store" "redis") }}
{{- with include "runnel.caMount" . }}
{{ . }}
{{- end }}
{{- end }}
{{- define "runnel.serviceVolumes" -}}
{{ include "runnel.internalTokenVolume" . }}
{{- include "runnel.tlsVolume" (dict "root" . "store" "redis") }}
{{- with include "runnel.caVolume" . }}
{{ . }}
{{- end }}
{{- end }}

{{/* What people upload. */}}
{{/* All services have the same. */}}
{{- define "runnel.filesEnv" -}}
- { name: FILES_URL, value: {{ .Values.files.s3Url | default (ternary "file:/var/lib/runnel/files" "none" (ne .Values.files.existingClaim "")) | quote }} }
{{- if .Values.files.s3Url }}
- { name: AWS_ACCESS_KEY_ID, valueFrom: { secretKeyRef: { name: {{ .Values.files.existingSecret | quote }}, key: AWS_ACCESS_KEY_ID } } }
- { name: AWS_SECRET_ACCESS_KEY, valueFrom: { secretKeyRef: { name: {{ .Values.files.existingSecret | quote }}, key: AWS_SECRET_ACCESS_KEY } } }
{{- end }}
{{- end }}
{{- define "runnel.filesMount" -}}
{{- if .Values.files.existingClaim }}
- { name: files, mountPath: /var/lib/runnel/files }
{{- end }}
{{- end }}
{{- define "runnel.filesVolume" -}}
{{- with .Values.files.existingClaim }}
- name: files
  persistentVolumeClaim: { claimName: {{ . | quote }} }
{{- end }}
{{- end }}

{{/* A folder and not one file of it: a mounted file of its own does not follow its ConfigMap. */}}
{{- define "runnel.modelsMount" -}}
{{- if or .Values.ai.modelsConfigMap .Values.operator.enabled }}
- { name: models, mountPath: /etc/runnel/models, readOnly: true }
{{- end }}
{{- end }}
{{- define "runnel.modelsVolume" -}}
{{- with .root.Values.ai.modelsConfigMap }}
- name: models
  configMap: { name: {{ . | quote }} }
{{- end }}
{{- if .root.Values.operator.enabled }}
# The operator makes both; a pod that is earlier waits for them. Gateways are given no keys.
- name: models
  projected:
    sources:
      - configMap: { name: {{ include "runnel.name" (dict "root" .root "name" "models") }} }
      {{- if eq .name "ai" }}
      - secret: { name: {{ include "runnel.name" (dict "root" .root "name" "model-keys") }} }
      {{- end }}
{{- end }}
{{- end }}
