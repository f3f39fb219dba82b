{{/* A container that brings the database up to date: one at a time by a lock, again and again until the database answers. */}}
{{- define "runnel.migrate" -}}
{{- $ctx := dict "root" . "name" "audit" "values" .Values.audit }}
{{- $knobs := include "runnel.knobs" $ctx | fromJson }}
- name: migrate
  image: {{ include "runnel.image" $ctx | trim }}
  imagePullPolicy: {{ include "runnel.pullPolicy" $ctx | trim }}
  securityContext: {{- include "runnel.containerSecurity" (dict "root" . "knobs" $knobs) | nindent 4 }}
  command: [node, /app/services/audit/src/cli/main.ts, migrate]
  resources: { requests: { cpu: 50m, memory: 96Mi }, limits: { memory: 256Mi } }
  env:
    - { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
    {{- if .Values.audit.migrationSecret }}
    {{- include "runnel.fromSecret" (dict "name" "DATABASE_URL" "secret" .Values.audit.migrationSecret "key" .Values.postgres.secretKeys.url) | nindent 4 }}
    {{- with include "runnel.tlsEnv" (dict "root" . "store" "postgres" "prefix" "DATABASE") | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- else }}
    {{- include "runnel.databaseEnv" . | trim | nindent 4 }}
    {{- end }}
    {{- with include "runnel.caEnv" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with include "runnel.moreEnv" (dict "env" .Values.audit.env "knobs" $knobs) | trim }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with $knobs.extraEnvFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $mounts := printf "%s\n%s" (include "runnel.caMount" .) (include "runnel.tlsMount" (dict "root" . "store" "postgres") | trim) | trim }}
  {{- if or $mounts $knobs.extraVolumeMounts }}
  volumeMounts:
    {{- with $mounts }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with $knobs.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* What the pods of development stores have in common; (dict "root" $ "name" "kafka" "user" 1000 "values" .Values.kafka.development) */}}
{{- define "runnel.storePod" -}}
{{- $context := merge (dict "runAsUser" .user "runAsGroup" .user "fsGroup" .user) .root.Values.podSecurityContext }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "runnel.securityContext" (dict "root" .root "context" $context) | nindent 2 }}
{{- include "runnel.pullSecrets" .root }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "runnel.storeLabels" -}}
{{- include "runnel.selector" . }}
{{- with omit .root.Values.commonLabels "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* First lines of a store's container. */}}
{{- define "runnel.storeContainer" -}}
name: {{ .name }}
image: {{ include "runnel.storeImage" (dict "root" .root "image" .values.image) | trim }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {{- include "runnel.securityContext" (dict "root" .root "context" .root.Values.securityContext) | nindent 2 }}
ports: [{ name: {{ .name }}, containerPort: {{ .port }} }]
readinessProbe: { tcpSocket: { port: {{ .name }} }, periodSeconds: 2 }
resources: {{- toYaml .values.resources | nindent 2 }}
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
  {{- include "runnel.metadata" . | nindent 2 }}
spec:
  selector: {{- include "runnel.selector" . | nindent 4 }}
  ports: [{ name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }}, appProtocol: tcp }]
{{- end }}
