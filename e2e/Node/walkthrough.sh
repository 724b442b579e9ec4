# A volume created, mounted, snapshotted and grown on a real kernel, as root, with nbd loaded (modprobe nbd max_part=0).
# The README quotes these commands; WalkthroughTests runs them in a guest kernel, where DISK is a disk of it.
csi-thin pool format "$DISK"
csi-thin serve --endpoint unix:///run/csithin/csi.sock --node-id node-1 --pool fast="$DISK" \
    --kubelet-dir /run/kubelet --state-dir /run/csithin/state >/run/serve.out &
until grep -q ready /run/serve.out; do sleep 0.2; done
call() { csi-thin call "$@" --endpoint unix:///run/csithin/csi.sock; }
use='"volume_capability": {"mount": {"fs_type": "xfs"}, "access_mode": {"mode": "SINGLE_NODE_WRITER"}}'
staging=/run/kubelet/plugins/web/globalmount pod=/run/kubelet/pods/web/mount

# Create it, stage it (attach, mkfs, mount), publish it for a pod, and use it.
id=$(call Controller/CreateVolume '{"name": "web", "capacity_range": {"required_bytes": 1073741824},
    "volume_capabilities": [{"mount": {"fs_type": "xfs"}, "access_mode": {"mode": "SINGLE_NODE_WRITER"}}]}' | jq -r .volume.volumeId)
call Node/NodeStageVolume "{\"volume_id\": \"$id\", \"staging_target_path\": \"$staging\", $use}"
call Node/NodePublishVolume "{\"volume_id\": \"$id\", \"staging_target_path\": \"$staging\", \"target_path\": \"$pod\", $use}"
echo hello >$pod/file; sync $pod/file

# A snapshot costs one reference, whatever the size; the volume goes on.
call Controller/CreateSnapshot "{\"name\": \"web-1\", \"source_volume_id\": \"$id\"}"
echo changed >$pod/file

# Grow it, mounted and in use: the engine, then the device and the file system.
call Controller/ControllerExpandVolume "{\"volume_id\": \"$id\", \"capacity_range\": {\"required_bytes\": 4294967296}}"
call Node/NodeExpandVolume "{\"volume_id\": \"$id\", \"volume_path\": \"$pod\"}"
df -h $pod
call Node/NodeGetVolumeStats "{\"volume_id\": \"$id\", \"volume_path\": \"$pod\"}"

# And the way back.
call Node/NodeUnpublishVolume "{\"volume_id\": \"$id\", \"target_path\": \"$pod\"}"
call Node/NodeUnstageVolume "{\"volume_id\": \"$id\", \"staging_target_path\": \"$staging\"}"
