{{/* What csi-provisioner does, in whichever pod it runs. */}}
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
  verbs: [get, list, watch, create, update, patch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, csinodes, volumeattributesclasses]
  verbs: [get, list, watch]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshots]
  verbs: [get, list]
{{- end -}}

{{- define "csi-thin.resizerRules" -}}
# csi-resizer and the health monitor
- apiGroups: [""]
  resources: [persistentvolumeclaims/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [storage.k8s.io]
  resources: [volumeattributesclasses]
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

{{- define "csi-thin.namespaceRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [storage.k8s.io]
  resources: [csistoragecapacities]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
{{- end -}}

{{- define "csi-thin.distributedEnv" -}}
{{ include "csi-thin.fieldEnv" (list "NODE_NAME" "spec.nodeName") }}
{{ include "csi-thin.fieldEnv" (list "POD_NAME" "metadata.name") }}
{{ include "csi-thin.fieldEnv" (list "NAMESPACE" "metadata.namespace") }}
{{- end -}}
