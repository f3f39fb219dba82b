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

{{- define "runnel.commonEnv" -}}
- name: NODE_ID
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
{{ include "runnel.redisEnv" . }}
{{- with .Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{- define "runnel.extraEnv" -}}
{{- range $name, $value := . }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
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
