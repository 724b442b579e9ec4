{{/*
A CSI sidecar beside a plug-in's socket:
(dict "root" . "name" "provisioner" "of" .Values.sidecars.provisioner "args" (list …) "security" "csi-thin.unprivileged"), and where it needs
them "env" and more "mounts", both as YAML.
*/}}
{{- define "csi-thin.sidecar" -}}
- name: {{ .name }}
  image: {{ include "csi-thin.image" (list .of.image "") }}
  imagePullPolicy: {{ .root.Values.sidecars.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    - --v={{ .root.Values.sidecars.logVerbosity }}
    {{- range .args }}
    - {{ . }}
    {{- end }}
  {{- with .env }}
  env: {{- . | nindent 4 }}
  {{- end }}
  {{- if eq .name "liveness" }}
  ports:
    - {name: healthz, containerPort: {{ .port }}, protocol: TCP}
  {{- end }}
  securityContext: {{- include .security .root | nindent 4 }}
  resources: {{- toYaml .of.resources | nindent 4 }}
  volumeMounts:
    - {name: csi, mountPath: /csi}
    {{- with .mounts }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Who it is, for the provisioner, which makes the CSIStorageCapacity objects its own, and for all that run on each node. */}}
{{- define "csi-thin.sidecarEnv" -}}
{{ include "csi-thin.fieldEnv" (list "NODE_NAME" "spec.nodeName") }}
{{ include "csi-thin.fieldEnv" (list "POD_NAME" "metadata.name") }}
{{ include "csi-thin.fieldEnv" (list "NAMESPACE" "metadata.namespace") }}
{{- end -}}

{{/* The sidecars that call the controller's services, beside the router. Each leads alone, in whichever replica it is. */}}
{{- define "csi-thin.controllerSidecars" -}}
{{- $sidecars := .Values.sidecars -}}
{{- $common := dict "root" . "security" "csi-thin.unprivileged" -}}
{{- $leading := list "--leader-election" "--timeout=60s" -}}
{{- $topology := list "--strict-topology" "--extra-create-metadata" "--enable-capacity" "--capacity-ownerref-level=2" -}}
{{ include "csi-thin.sidecar" (merge (dict "name" "provisioner" "of" $sidecars.provisioner "args" (concat $leading $topology) "env" (include "csi-thin.sidecarEnv" .)) $common) }}
{{- if .Values.snapshots.enabled }}
{{ include "csi-thin.sidecar" (merge (dict "name" "snapshotter" "of" $sidecars.snapshotter "args" (append $leading "--extra-create-metadata")) $common) }}
{{- end }}
{{ include "csi-thin.sidecar" (merge (dict "name" "resizer" "of" $sidecars.resizer "args" (append $leading "--handle-volume-inuse-error=false")) $common) }}
{{- if $sidecars.healthMonitor.enabled }}
{{ include "csi-thin.sidecar" (merge (dict "name" "health-monitor" "of" $sidecars.healthMonitor "args" $leading) $common) }}
{{- end }}
{{ include "csi-thin.livenessSidecar" (list . .Values.controller.healthPort "csi-thin.unprivileged") }}
{{- end -}}

{{/*
The same beside each node's plug-in, each for its own node. The resizer knows no such mode: one leads and calls nobody, because a node that
is told --node-deployment leaves growth to kubelet.
*/}}
{{- define "csi-thin.distributedSidecars" -}}
{{- $sidecars := .Values.sidecars -}}
{{- $common := dict "root" . "security" "csi-thin.unprivilegedRoot" -}}
{{- $own := list "--node-deployment" "--timeout=60s" -}}
{{- $topology := list "--strict-topology" "--immediate-topology=false" "--extra-create-metadata" "--enable-capacity" "--capacity-ownerref-level=1" -}}
{{- $env := include "csi-thin.sidecarEnv" . -}}
{{ include "csi-thin.sidecar" (merge (dict "name" "provisioner" "of" $sidecars.provisioner "args" (concat $own $topology) "env" $env) $common) }}
{{- if .Values.snapshots.enabled }}
{{ include "csi-thin.sidecar" (merge (dict "name" "snapshotter" "of" $sidecars.snapshotter "args" (append $own "--extra-create-metadata") "env" $env) $common) }}
{{- end }}
{{ include "csi-thin.sidecar" (merge (dict "name" "resizer" "of" $sidecars.resizer "args" (list "--leader-election" "--timeout=60s" "--handle-volume-inuse-error=false")) $common) }}
{{- end -}}

{{/* Asks the plug-in's Probe and answers kubelet: (list . port security). */}}
{{- define "csi-thin.livenessSidecar" -}}
{{- $root := index . 0 -}}
{{- $port := int (index . 1) -}}
{{- include "csi-thin.sidecar" (dict "root" $root "name" "liveness" "of" $root.Values.sidecars.livenessProbe "port" $port "security" (index . 2) "args" (list (printf "--http-endpoint=:%d" $port) "--probe-timeout=5s")) -}}
{{- end -}}
