{{/*
What the sidecars need, from the rules that each project publishes beside it, less what this driver never does: no Secrets, no
VolumeAttachments (nothing is attached through the API), no group snapshots. What several need is listed with the first.
*/}}

{{/* csi-provisioner, in whichever pod it runs. It protects a snapshot with a finalizer while it restores it. */}}
{{- define "csi-thin.provisionerRules" -}}
# csi-provisioner
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, update]
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create, update, patch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, csinodes, volumeattributesclasses]
  verbs: [get, list, watch]
{{- if .Values.snapshots.enabled }}
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshots]
  verbs: [get, list, watch, update]
{{- end }}
{{- end -}}

{{- define "csi-thin.resizerRules" -}}
# csi-resizer
- apiGroups: [""]
  resources: [persistentvolumeclaims/status]
  verbs: [patch]
{{- end -}}

{{- define "csi-thin.healthMonitorRules" -}}
# csi-external-health-monitor-controller
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- end -}}

{{- define "csi-thin.snapshotterRules" -}}
# csi-snapshotter
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshotclasses]
  verbs: [get, list, watch]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshotcontents]
  verbs: [get, list, watch, update, patch]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshotcontents/status]
  verbs: [update, patch]
{{- end -}}

{{/* Leader election and the CSIStorageCapacity objects, of this namespace alone: (list . "replicasets") with the kind that owns the pod. */}}
{{- define "csi-thin.namespaceRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, delete]
- apiGroups: [storage.k8s.io]
  resources: [csistoragecapacities]
  verbs: [get, list, watch, create, update, patch, delete]
# Whom those objects belong to.
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
- apiGroups: [apps]
  resources: [{{ index . 1 }}]
  verbs: [get]
{{- end -}}

{{/* Binds a role to the component's ServiceAccount: (list . "ClusterRole" "engine"). */}}
{{- define "csi-thin.binding" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s-%s" (include "csi-thin.fullname" $root) (index . 2) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ index . 1 }}Binding
metadata:
  name: {{ $name }}
  {{- if eq (index . 1) "Role" }}
  namespace: {{ $root.Release.Namespace }}
  {{- end }}
  labels: {{- include "csi-thin.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ index . 1 }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}
