#!/bin/sh
# Measures NBD servers side by side: 4 KiB random at depth 16 and 128 KiB sequential at depth 8, on what was written before, by one
# connection or, with CONNECTIONS=2, 4 or 8, by so many to one volume that share the depth and the volume.
# Usage: [DIR=/dev/shm] [CONNECTIONS=1] core/bench/nbd-fio.sh [SECONDS] [SERVER...]     servers: ours-memory ours-pool nbdkit-memory nbdkit-file qemu-qcow2
# DIR is where the files of ours-pool, nbdkit-file and qemu-qcow2 lie: RAM by default.
# Needs fio, nbdkit, qemu-utils; builds our server first. Prints, asserts nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-3}
connections=${CONNECTIONS:-1}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- ours-pool nbdkit-file qemu-qcow2
dir=$(mktemp -d "${DIR:-/dev/shm}/nbd-fio.XXXXXX")
socket=$dir/nbd.sock
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT INT TERM
# Our server serves until its standard input ends, which this pipe never does.
mkfifo "$dir/hold"
exec 3<>"$dir/hold"
dotnet build -c Release -v q --nologo "$here" >/dev/null

start() {
    rm -f "$socket"
    case $1 in
    ours-pool) dotnet "$here/bin/Release/net10.0/CsiThin.Core.Bench.dll" nbd-pool "$socket" "$dir/pool" 1024 <&3 >/dev/null & ;;
    ours-memory) dotnet "$here/bin/Release/net10.0/CsiThin.Core.Bench.dll" nbd-memory "$socket" 1024 <&3 >/dev/null & ;;
    nbdkit-memory) nbdkit -f -U "$socket" memory 1G & ;;
    nbdkit-file) truncate -s 1G "$dir/raw"; nbdkit -f -U "$socket" file "$dir/raw" & ;;
    qemu-qcow2)
        qemu-img create -q -f qcow2 "$dir/qcow2" 1G
        qemu-nbd -t -e 8 -k "$socket" -f qcow2 --cache=none --aio=io_uring "$dir/qcow2" & ;;
    esac
    server=$!
    for _ in $(seq 100); do nbdinfo --size "nbd+unix:///?socket=$socket" >/dev/null 2>&1 && return; sleep 0.1; done
    echo "$1 did not start" >&2; exit 1
}

run() { # name rw bs depth
    fio --name=x --ioengine=nbd --uri="nbd+unix:///?socket=$socket" --rw="$2" --bs="$3" --time_based --runtime="$seconds" \
        --numjobs="$connections" --iodepth=$(($4 / connections)) --size=$((512 / connections))M --offset_increment=$((512 / connections))M \
        --group_reporting --output-format=json 2>/dev/null | python3 -c '
import json, sys
text = sys.stdin.read()
job = json.loads(text[text.index("{"):])["jobs"][0]
side = job["read"] if job["read"]["total_ios"] else job["write"]
print("%-14s %-10s %5s x%-3s %9.0f req/s %8.0f MiB/s  p99 %6.0f us" % (
    sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], side["iops"], side["bw"] / 1024, side["clat_ns"]["percentile"]["99.000000"] / 1000))' "$@"
}

for name in "$@"; do
    start "$name"
    fio --name=fill --ioengine=nbd --uri="nbd+unix:///?socket=$socket" --rw=write --bs=1M --iodepth=4 --size=512M >/dev/null 2>&1
    run "$name" randread 4k 16
    run "$name" randwrite 4k 16
    run "$name" read 128k 8
    run "$name" write 128k 8
    kill "$server"; wait "$server" 2>/dev/null || true; server=
    rm -f "$dir/raw" "$dir/qcow2" "$dir/pool"
done
