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

{{/* Name, place and labels of an object of this namespace: (list . "suffix" "component"); no component where it belongs to none. */}}
{{- define "csi-thin.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "csi-thin.fullname" $root }}{{ with index . 1 }}-{{ . }}{{ end }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "csi-thin.labels" $root | nindent 2 }}
  {{- if gt (len .) 2 }}
  app.kubernetes.io/component: {{ index . 2 }}
  {{- end }}
{{- end -}}

{{/* Labels and annotations of a component's pods: (list . "engine" .Values.engine). */}}
{{- define "csi-thin.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 2 -}}
labels:
  {{- include "csi-thin.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ index . 1 }}
  {{- with $component.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ index . 1 }}
  {{- with $component.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
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

{{/* The container of one of csi-thin's own roles, up to its arguments: (list . "engine"). */}}
{{- define "csi-thin.container" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
image: {{ include "csi-thin.image" (list $root.Values.image $root.Chart.AppVersion) }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- end -}}

{{- define "csi-thin.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where pods may run, by nodeSelector, affinity and tolerations. */}}
{{- define "csi-thin.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
The same for the engine ("NotIn") and for what takes its place on a node with the label thin.csithin.io/engine=off ("In"): (list . "In").
Terms of an affinity are alternatives, so that each gets the condition.
*/}}
{{- define "csi-thin.enginePlacement" -}}
{{- $nodes := deepCopy (index . 0).Values.nodes -}}
{{- $off := dict "key" (printf "%s/engine" (include "csi-thin.driver" (index . 0))) "operator" (index . 1) "values" (list "off") -}}
{{- $affinity := $nodes.affinity | default dict -}}
{{- $ofNode := $affinity.nodeAffinity | default dict -}}
{{- $required := $ofNode.requiredDuringSchedulingIgnoredDuringExecution | default dict -}}
{{- $terms := list -}}
{{- range $term := $required.nodeSelectorTerms | default (list dict) -}}
{{- $terms = append $terms (set $term "matchExpressions" (append ($term.matchExpressions | default list) $off)) -}}
{{- end -}}
{{- $_ := set $required "nodeSelectorTerms" $terms -}}
{{- $_ := set $ofNode "requiredDuringSchedulingIgnoredDuringExecution" $required -}}
{{- $_ := set $affinity "nodeAffinity" $ofNode -}}
{{- include "csi-thin.placement" (set $nodes "affinity" $affinity) -}}
{{- end -}}

{{/* Every address of this pod, at a port: (list . 9808). */}}
{{- define "csi-thin.listen" -}}
{{- eq (index . 0).Values.ipFamily "IPv6" | ternary "[::]" "0.0.0.0" -}}:{{ index . 1 }}
{{- end -}}

{{/* This pod's own address as others write it. */}}
{{- define "csi-thin.podAddress" -}}
{{- eq .Values.ipFamily "IPv6" | ternary "[$(POD_IP)]" "$(POD_IP)" -}}
{{- end -}}

{{/* The Secret with the certificates of "controller" or "node": (list . "node"). */}}
{{- define "csi-thin.tlsSecret" -}}
{{- $tls := (index . 0).Values.tls -}}
{{- if eq $tls.source "existing" -}}
{{ eq (index . 1) "controller" | ternary $tls.existing.controllerSecret $tls.existing.nodeSecret }}
{{- else -}}
{{ include "csi-thin.fullname" (index . 0) }}-{{ index . 1 }}-tls
{{- end -}}
{{- end -}}

{{- define "csi-thin.fieldEnv" -}}
- name: {{ index . 0 }}
  valueFrom: {fieldRef: {fieldPath: {{ index . 1 }}}}
{{- end -}}

{{/* What a container may that needs no rights but its user's. */}}
{{- define "csi-thin.unprivileged" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The same in a pod of a node, where the sockets are root's. */}}
{{- define "csi-thin.unprivilegedRoot" -}}
runAsUser: 0
runAsGroup: 0
{{ include "csi-thin.unprivileged" . }}
seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodes.seLinuxType }}
seLinuxOptions: {type: {{ . }}}
{{- end }}
{{- end -}}
