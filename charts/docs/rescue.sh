#!/bin/bash
# Serves a CsiThin pool by the kernel's own dm-thin, with nothing of CsiThin: prints the dmsetup commands that do it, and changes nothing.
#
#   bash rescue.sh DISK                  the commands for the pool: metadata, data, pool
#   bash rescue.sh DISK ID SIZE          one more for the volume with that thin device id, SIZE bytes (or 10G …) long
#
# Nothing may serve the pool meanwhile. DISK is a block device; make one of a file with losetup. It needs od, dmsetup and dm_thin_pool.
# Ids and what they map: thin_dump /dev/mapper/csithin-meta (before the pool is created; see operations.md). The label is described in
# core/src/Pool/Layout/PoolLabel.cs, the superblock in the kernel's Documentation/admin-guide/device-mapper/persistent-data.rst and dm-thin-metadata.c.
set -euo pipefail
disk=${1:?usage: bash rescue.sh DISK [ID SIZE]}

# number OFFSET BYTES: the little-endian number there.
number() { od -An -v -tu"$2" --endian=little -j"$1" -N"$2" "$disk" | tr -d ' \n'; }
text() { od -An -v -c -j"$1" -N"$2" "$disk" | tr -d ' \n'; }

label=
for at in 0 4096; do
    [ "$(text $((at + 8)) 8)" != CSITHINP ] || { label=$at && break; }
done
[ -n "$label" ] || { echo "rescue.sh: $disk has no CsiThin label in its first two places" >&2; exit 1; }
block_sectors=$(($(number $((label + 40)) 8) / 512))
entries=$(number $((label + 56)) 4)

# linear KIND SECTORS: the first SECTORS of the region of that kind, which is one extent or several in a row.
linear() {
    local kind=$1 left=$2 at=0 entry sectors
    for ((i = 0; i < entries && left > 0; i++)); do
        entry=$((label + 64 + 24 * i))
        [ "$(number $entry 4)" -eq "$kind" ] || continue
        sectors=$(($(number $((entry + 16)) 8) / 512))
        [ "$sectors" -le "$left" ] || sectors=$left
        echo "$at $sectors linear $disk $(($(number $((entry + 8)) 8) / 512))"
        at=$((at + sectors)) left=$((left - sectors))
    done
}

# The superblock counts the blocks of both: longer devices would make the kernel grow the pool.
superblock=
for ((i = 0; i < entries; i++)); do
    entry=$((label + 64 + 24 * i))
    [ "$(number $entry 4)" -ne 3 ] || { superblock=$(number $((entry + 8)) 8) && break; }
done
data_sectors=$(($(number $((superblock + 64)) 8) * block_sectors))
metadata_sectors=$(($(number $((superblock + 192)) 8) * 8))

if [ $# -ge 3 ]; then
    echo "dmsetup create csithin-$2 --table '0 $(($(numfmt --from=iec "$3") / 512)) thin /dev/mapper/csithin-pool $2'"
    exit
fi
echo "dmsetup create csithin-meta <<'END'
$(linear 3 "$metadata_sectors")
END
dmsetup create csithin-data <<'END'
$(linear 4 "$data_sectors")
END
dmsetup create csithin-pool --table '0 $data_sectors thin-pool /dev/mapper/csithin-meta /dev/mapper/csithin-data $block_sectors 0'"
