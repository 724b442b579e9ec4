#!/bin/sh
# Measures each kind of disk queue and fio on one file, one after the other: 4 KiB at random, 16 in flight, direct where the file system can.
# Usage: core/bench/disk-fio.sh [SECONDS] [DIR...]     by default 3 seconds each, in the temporary directory and in /dev/shm.
# Needs fio; builds the benchmark first. Prints, asserts nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-3}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- "${TMPDIR:-/tmp}" /dev/shm
file=
trap 'rm -f "$file"' EXIT INT TERM
dotnet build -c Release -v q --nologo "$here" >/dev/null

run() { # engine rw depth direct
    fio --name=x --filename="$file" --ioengine="$1" --rw="$2" --bs=4k --iodepth="$3" --direct="$4" --size=512M --time_based \
        --runtime="$seconds" --output-format=json 2>/dev/null | python3 -c '
import json, sys
text = sys.stdin.read()
job = json.loads(text[text.index("{"):])["jobs"][0]
side = job["read"] if job["read"]["total_ios"] else job["write"]
busy = (job["usr_cpu"] + job["sys_cpu"]) / 100 * side["runtime"] * 1000 / side["total_ios"]
print("fio  %-10s %-10s 4k x%-2s %9.0f /s %6.1f us of processor each" % (sys.argv[1], sys.argv[2], sys.argv[3], side["iops"], busy))' "$@"
}

for dir in "$@"; do
    file=$(mktemp -u "$dir/disk-fio.XXXXXX")
    echo "in $dir"
    dotnet "$here/bin/Release/net10.0/CsiThin.Core.Bench.dll" disk "$file" "$seconds"
    direct=1
    case $(stat -f -c %T "$dir") in tmpfs | ramfs) direct=0 ;; esac
    for rw in randread randwrite; do
        run io_uring $rw 16 $direct
        run psync $rw 1 $direct
    done
    rm -f "$file"
done
