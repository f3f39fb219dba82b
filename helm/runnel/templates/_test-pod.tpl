{{/* What asks for an answer as a person would, cuts the socket, resumes and compares: `helm test`, and the prober. ctx: root, knobs, values. */}}
{{- define "runnel.testPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
{{- include "runnel.placement" . | nindent 0 }}
containers:
  - name: test
    image: {{ include "runnel.image" (merge (dict "name" "gateway") .) | trim }}
    imagePullPolicy: {{ include "runnel.pullPolicy" . | trim }}
    securityContext: {{- include "runnel.containerSecurity" . | nindent 6 }}
    command: [node, --input-type=module, -e, {{ include "runnel.testScript" .root | toJson }}, "--", "http://{{ include "runnel.name" (dict "root" .root "name" "gateway") }}:8080"]
    {{- if ne .root.Values.auth.mode "dev" }}
    env:
      {{- if .root.Values.auth.testTokenSecret }}
      - name: RUNNEL_TOKEN
        valueFrom: { secretKeyRef: { name: {{ .root.Values.auth.testTokenSecret }}, key: RUNNEL_TOKEN } }
      {{- else if .root.Values.auth.existingSecret }}
      # It signs a token of five minutes for itself, as user helm-test.
      {{- include "runnel.fromSecret" (dict "name" "JWT_SECRET" "secret" .root.Values.auth.existingSecret "key" .root.Values.auth.secretKeys.jwtSecret) | nindent 6 }}
      {{- with .root.Values.auth.issuer }}
      - { name: JWT_ISSUER, value: {{ . | quote }} }
      {{- end }}
      {{- with .root.Values.auth.audience }}
      - { name: JWT_AUDIENCE, value: {{ . | quote }} }
      {{- end }}
      {{- else }}
      - { name: RUNNEL_TOKEN_HELP, value: "Tokens come from elsewhere: set auth.testTokenSecret to a Secret whose key RUNNEL_TOKEN holds one, or an API key." }
      {{- end }}
    {{- end }}
    resources: { requests: { cpu: 50m, memory: 64Mi }, limits: { memory: 128Mi } }
{{- end }}
