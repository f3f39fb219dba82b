{{- define "runnel.fullname" -}}
{{- with .Values.fullnameOverride }}{{ . | trunc 40 | trimSuffix "-" }}{{ else -}}
{{- $name := .Values.nameOverride | default "runnel" }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{/* (dict "root" $ "name" "gateway") */}}
{{- define "runnel.name" -}}{{ include "runnel.fullname" .root }}-{{ .name }}{{- end }}

{{/* The path of auth.publicUrl without a slash at its end, such as /tools/chat; empty where the page has its host for itself. */}}
{{- define "runnel.pathPrefix" -}}
{{- with (urlParse .Values.auth.publicUrl).path | trimAll "/" }}/{{ . }}{{ end }}
{{- end }}

{{/* The path at which requests come to the way in, without a slash at its end. */}}
{{- define "runnel.ingressPath" -}}
{{- with .Values.ingress.path }}{{ . | trimSuffix "/" }}{{ else }}{{ include "runnel.pathPrefix" . }}{{ end }}
{{- end }}

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
{{- with omit .root.Values.commonLabels "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What each object begins its metadata with; (dict "root" $ "name" "gateway" "as" "runnel-gateway-internal" "annotations" (dict …) "labels" (dict …)) */}}
{{- define "runnel.metadata" -}}
name: {{ .as | default (include "runnel.name" .) }}
labels:
  {{- include "runnel.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite dict (.root.Values.commonAnnotations | default dict) (.annotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of pods: without the chart's version, so that a new chart alone replaces no pod; stores have the selector's only. */}}
{{- define "runnel.podLabels" -}}
{{ include "runnel.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{/* A digest says more than a tag. What names a registry wins over what names one for all; (dict "root" $ "name" "gateway" "values" .Values.gateway) */}}
{{- define "runnel.image" -}}
{{- $all := .root.Values.image }}
{{- $own := dig "image" dict (.values | default dict) }}
{{- with $own.registry | default $all.registry | default .root.Values.global.imageRegistry }}{{ . }}/{{ end }}
{{- $own.repository | default (printf "%s/%s" $all.repository .name) }}
{{- with $own.digest }}@{{ . }}{{ else }}:{{ $own.tag | default $all.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "runnel.pullPolicy" -}}
{{ dig "image" "pullPolicy" "" (.values | default dict) | default .root.Values.image.pullPolicy }}
{{- end }}

{{- define "runnel.pullSecrets" -}}
{{- with concat (.Values.global.imagePullSecrets | default list) (.Values.image.pullSecrets | default list) | uniq }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of a store's own image; (dict "root" $ "image" "redis:7.4") */}}
{{- define "runnel.storeImage" -}}
{{ with .root.Values.global.imageRegistry }}{{ . }}/{{ end }}{{ .image }}
{{- end }}

{{/* preStop sleep + drain + 10 s to finish what is in flight: a pod is never killed before its drain has ended. */}}
{{- define "runnel.grace" -}}{{ add .preStopSeconds .drainSeconds 10 }}{{- end }}

{{/*
Of a pod template: changes with what the operator's Secrets and ConfigMaps hold, so that an upgrade replaces pods that read an old one.
Where the cluster cannot be asked (helm template, Argo CD) it is empty. (dict "root" $ "of" (list "Secret/name/key" "Secret/name"))
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
{{- with $held }}{{ toJson . | sha256sum }}{{ end }}
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
