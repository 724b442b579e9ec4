{{- define "csi-thin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "csi-thin.driver" -}}thin.csithin.io{{- end -}}

{{/* Labels of every object. */}}
{{- define "csi-thin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: csi-thin
{{ include "csi-thin.instance" . }}
{{- end -}}

{{- define "csi-thin.instance" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What selects the pods of a component: (list . "node"). These never change, because a selector cannot. */}}
{{- define "csi-thin.selector" -}}
{{ include "csi-thin.instance" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* A reference to an image: (list .image .defaultTag). */}}
{{- define "csi-thin.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (index . 1) }}
{{- end -}}
{{- end -}}

{{- define "csi-thin.driverImage" -}}
{{- include "csi-thin.image" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{- define "csi-thin.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where a pod may run: (list . .Values.node). */}}
{{- define "csi-thin.scheduling" -}}
{{- $component := index . 1 -}}
priorityClassName: {{ $component.priorityClassName }}
{{- with $component.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A CSI sidecar beside a plug-in's socket: (list . "csi-provisioner" .Values.sidecars.provisioner (list "--args")). */}}
{{- define "csi-thin.sidecar" -}}
{{- $root := index . 0 -}}
{{- $sidecar := index . 2 -}}
- name: {{ index . 1 }}
  image: {{ include "csi-thin.image" (list $sidecar.image "") }}
  imagePullPolicy: {{ $root.Values.sidecars.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    {{- range index . 3 }}
    - {{ . }}
    {{- end }}
  {{- if gt (len .) 4 }}
  env: {{- toYaml (index . 4) | nindent 4 }}
  {{- end }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  resources: {{- toYaml $sidecar.resources | nindent 4 }}
  volumeMounts:
    - {name: csi, mountPath: /csi}
{{- end -}}

{{- define "csi-thin.tlsSecret" -}}
{{- $root := index . 0 -}}
{{- $who := index . 1 -}}
{{- if eq $root.Values.tls.source "existing" -}}
{{- if eq $who "controller" -}}
{{ required "tls.existing.controllerSecret is needed with tls.source=existing" $root.Values.tls.existing.controllerSecret }}
{{- else -}}
{{ required "tls.existing.nodeSecret is needed with tls.source=existing" $root.Values.tls.existing.nodeSecret }}
{{- end -}}
{{- else -}}
{{ include "csi-thin.fullname" $root }}-{{ $who }}-tls
{{- end -}}
{{- end -}}

{{- define "csi-thin.fieldEnv" -}}
- name: {{ index . 0 }}
  valueFrom: {fieldRef: {fieldPath: {{ index . 1 }}}}
{{- end -}}
