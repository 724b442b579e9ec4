{{/* What the schema cannot see: values that are each well formed and do not go together. Each refusal is one sentence. */}}

{{/* Bytes of a quantity such as 100Gi, as a decimal number. */}}
{{- define "csi-thin.bytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- $factor := 1.0 -}}
{{- if $unit -}}
{{- $base := hasSuffix "i" $unit | ternary 1024.0 1000.0 -}}
{{- range until (add1 (index (dict "k" 0 "K" 0 "M" 1 "G" 2 "T" 3 "P" 4 "E" 5) (substr 0 1 $unit)) | int) -}}
{{- $factor = mulf $factor $base -}}
{{- end -}}
{{- end -}}
{{- mulf (float64 $number) $factor | printf "%.0f" -}}
{{- end -}}

{{- define "csi-thin.checks" -}}
{{- include "csi-thin.checkPorts" (list "node" (pick .Values.node "metricsPort" "tlsPort" "healthPort")) -}}
{{- include "csi-thin.checkPorts" (list "controller" (pick .Values.controller "metricsPort" "healthPort")) -}}
{{- include "csi-thin.checkDirectories" . -}}
{{- include "csi-thin.checkPools" . -}}
{{- include "csi-thin.checkMemory" . -}}
{{- include "csi-thin.checkClasses" . -}}
{{- include "csi-thin.checkTls" . -}}
{{- include "csi-thin.checkArguments" . -}}
{{- include "csi-thin.checkCluster" . -}}
{{- end -}}

{{- define "csi-thin.checkPorts" -}}
{{- $role := index . 0 -}}
{{- $seen := dict -}}
{{- range $key, $port := index . 1 -}}
{{- with get $seen (toString $port) -}}
{{- fail (printf "%s.%s and %s.%s are both %d; a pod listens once on a port" $role . $role $key (int $port)) -}}
{{- end -}}
{{- $_ := set $seen (toString $port) $key -}}
{{- end -}}
{{- end -}}

{{- define "csi-thin.checkDirectories" -}}
{{- $directories := dict "kubeletDir" .Values.kubeletDir "engine.stateDir" .Values.engine.stateDir -}}
{{- range $key, $path := $directories -}}
{{- range $volatile := list "/run" "/var/run" "/tmp" "/dev" "/proc" "/sys" -}}
{{- if hasPrefix (printf "%s/" $volatile) (printf "%s/" $path) -}}
{{- fail (printf "%s is %s, but what is in %s is gone after a reboot" $key $path $volatile) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $one, $other := dict .Values.kubeletDir .Values.engine.stateDir .Values.engine.stateDir .Values.kubeletDir -}}
{{- if hasPrefix (printf "%s/" $one) (printf "%s/" $other) -}}
{{- fail (printf "engine.stateDir %s and kubeletDir %s must not lie in each other" $.Values.engine.stateDir $.Values.kubeletDir) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "csi-thin.checkPools" -}}
{{- $pools := .Values.pools -}}
{{- range $i, $pool := $pools -}}
{{- with $pool.devices -}}
{{- if and .minimumSize .maximumSize -}}
{{- if gt (include "csi-thin.bytes" .minimumSize | float64) (include "csi-thin.bytes" .maximumSize | float64) -}}
{{- fail (printf "pools: %s has devices.minimumSize %s above devices.maximumSize %s" $pool.name .minimumSize .maximumSize) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $pool.blockSize -}}
{{- $bytes := include "csi-thin.bytes" . | int64 -}}
{{- if or (lt $bytes 65536) (gt $bytes 1073741824) (mod $bytes 65536) -}}
{{- fail (printf "pools: %s has blockSize %s, which is no multiple of 64Ki from 64Ki to 1Gi" $pool.name .) -}}
{{- end -}}
{{- end -}}
{{- range $other := slice $pools 0 $i -}}
{{- if eq $other.name $pool.name -}}
{{- $apart := false -}}
{{- range $key, $value := $other.nodeSelector -}}
{{- if and (hasKey ($pool.nodeSelector | default dict) $key) (ne $value (get $pool.nodeSelector $key)) -}}
{{- $apart = true -}}
{{- end -}}
{{- end -}}
{{- if not $apart -}}
{{- fail (printf "pools: two declarations of %s can apply to one node; give them nodeSelectors that no node has both of" $pool.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The heap's limit (512Mi) and each pool's cache; an engine that is killed for its memory pauses every volume of its node. */}}
{{- define "csi-thin.checkMemory" -}}
{{- $engine := .Values.engine -}}
{{- with ($engine.resources.limits | default dict).memory -}}
{{- $cache := include "csi-thin.bytes" $engine.metadataCache | float64 -}}
{{- $needed := addf 536870912 (mulf $cache (max 1 (len $.Values.pools) | float64)) -}}
{{- if lt (include "csi-thin.bytes" . | float64) $needed -}}
{{- fail (printf "engine.resources.limits.memory is %v, below the %.0fMi that the engine may take with engine.metadataCache %s for each of %d pool(s)" . (divf $needed 1048576) $engine.metadataCache (max 1 (len $.Values.pools))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "csi-thin.checkClasses" -}}
{{- range $key := list "storageClasses" "volumeSnapshotClasses" "volumeAttributesClasses" -}}
{{- $seen := dict -}}
{{- $default := "" -}}
{{- range $class := get $.Values $key -}}
{{- if hasKey $seen $class.name -}}
{{- fail (printf "%s: %s is there twice" $key $class.name) -}}
{{- end -}}
{{- $_ := set $seen $class.name true -}}
{{- if $class.isDefault -}}
{{- if $default -}}
{{- fail (printf "%s: %s and %s are both the default; a cluster has one" $key $default $class.name) -}}
{{- end -}}
{{- $default = $class.name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.pools -}}{{- $names = append $names .name -}}{{- end -}}
{{- $byHand := false -}}
{{- range .Values.engine.extraArgs -}}
{{- if hasPrefix "--pool=" . -}}
{{- $byHand = true -}}
{{- with index (splitList "=" .) 1 -}}
{{- if has . $names -}}
{{- fail (printf "pools: %s is declared, and engine.extraArgs gives --pool=%s= as well; a name is one pool" . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $class := .Values.storageClasses -}}
{{- with ($class.parameters | default dict).pool -}}
{{- if and $names (not $byHand) (not (has . $names)) -}}
{{- fail (printf "storageClasses: %s wants pool %s, which no entry of pools declares (declared: %s)" $class.name . (uniq $names | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "csi-thin.checkTls" -}}
{{- $tls := .Values.tls -}}
{{- if and .Values.distributedProvisioning (ne $tls.source "chart") -}}
{{- fail (printf "tls.source is %s, but with distributedProvisioning there is no controller and nobody to show a certificate to" $tls.source) -}}
{{- end -}}
{{- if eq $tls.source "existing" -}}
{{- range $key := list "controllerSecret" "nodeSecret" -}}
{{- if not (get $tls.existing $key) -}}
{{- fail (printf "tls.source is existing, so tls.existing.%s must name a Secret with ca.crt, tls.crt and tls.key" $key) -}}
{{- end -}}
{{- end -}}
{{- else if or $tls.existing.controllerSecret $tls.existing.nodeSecret -}}
{{- fail (printf "tls.existing names Secrets, but tls.source is %s; say tls.source=existing to use them" $tls.source) -}}
{{- end -}}
{{- if and $tls.certManager.issuerRef (ne $tls.source "certManager") -}}
{{- fail (printf "tls.certManager.issuerRef is given, but tls.source is %s; say tls.source=certManager to use it" $tls.source) -}}
{{- end -}}
{{- end -}}

{{/* An argument given twice ends the program before it starts. */}}
{{- define "csi-thin.checkArguments" -}}
{{- $own := dict
  "engine" (list "socket" "control" "state-dir" "cache" "metrics" "log-level" "stop-timeout" "pools" "kubernetes" "node-id")
  "node" (list "endpoint" "engine" "control" "node-id" "kubelet-dir" "state-dir" "metrics" "log-level" "kubernetes" "pools" "node-deployment" "listen" "advertise" "tls-dir")
  "controller" (list "endpoint" "kubernetes" "tls-dir" "metrics" "log-level" "node") -}}
{{- range $role, $flags := $own -}}
{{- range $argument := (get $.Values $role).extraArgs -}}
{{- $flag := splitList "=" $argument | first | trimPrefix "--" -}}
{{- if has $flag $flags -}}
{{- fail (printf "%s.extraArgs: --%s is the chart's own; a value of the chart sets it" $role $flag) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What the cluster must have. Rendered without one, helm knows its own idea of a cluster, in which there are no aggregated APIs: then nothing
is known, and nothing refused.
*/}}
{{- define "csi-thin.checkCluster" -}}
{{- if and .Values.volumeAttributesClasses (semverCompare "<1.34.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "volumeAttributesClasses need Kubernetes 1.34 or later, and this is %s" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1" -}}
{{- $needed := list
  (list (and .Values.snapshots.enabled true) "snapshot.storage.k8s.io/v1" "snapshots.enabled" "install the snapshot controller with its CRDs (kubernetes-csi/external-snapshotter), or say snapshots.enabled=false")
  (list .Values.podMonitor.enabled "monitoring.coreos.com/v1" "podMonitor.enabled" "install the Prometheus operator first")
  (list .Values.prometheusRule.enabled "monitoring.coreos.com/v1" "prometheusRule.enabled" "install the Prometheus operator first")
  (list (eq .Values.tls.source "certManager") "cert-manager.io/v1" "tls.source=certManager" "install cert-manager first") -}}
{{- range $one := $needed -}}
{{- if and (index $one 0) (not ($.Capabilities.APIVersions.Has (index $one 1))) -}}
{{- fail (printf "%s needs the API %s, which this cluster does not have: %s" (index $one 2) (index $one 1) (index $one 3)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
