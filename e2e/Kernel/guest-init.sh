#!/bin/bash
# The first process of a guest kernel (see GuestKernel.cs): mounts, loads modules, then runs the scripts whose numbers come on the console.
# usage: init=FILE, where FILE sets guest_directory, guest_modules, guest_module_files and guest_tools and sources this one
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
# There is no udev in the guest: dmsetup is told to make its nodes itself.
export DM_DISABLE_UDEV=1
# .NET keeps unix sockets and locks in its temporary directory, which the machine's own root file system is no place for.
export TMPDIR=/run/tmp DOTNET_EnableDiagnostics=0 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmp /run
mount -t tmpfs tmp /mnt
# What a program keeps where nothing else is said must not stay on the machine, or come from an earlier guest.
mount -t tmpfs tmp /var/lib
mkdir /run/tmp /run/guest
mkfifo /run/guest/never
ip link set lo up
ulimit -n 65536
read -r kernel_release </proc/sys/kernel/osrelease
modules=$guest_module_files/$kernel_release/kernel
load() { [ ! -e "$modules/$1.ko" ] || insmod "$modules/$1.ko" "${@:2}"; }
for group in $guest_modules; do
    case $group in
    dm-thin)
        for module in dm-mod dm-bufio ../../lib/libcrc32c dm-bio-prison persistent-data/dm-persistent-data dm-thin-pool; do
            load "drivers/md/$module"
        done
        ;;
    md) load drivers/md/md-mod && load drivers/md/raid1 ;;
    nbd) load drivers/block/nbd max_part=0 ;;
    esac
done
stty raw -echo </dev/console
echo GUEST-READY

# Runs a script in this process, whose end is the script's. A new shell takes half a second in here and cp a fifth, a fork a tenth.
run() {
    exec 4>&1 >"/run/guest/$1" 2>&1 </dev/null
    trap "ended $1 \$?" EXIT
    set -e
    source "$guest_directory/$1.sh"
}

# What it said goes to the machine as a whole: nobody there may see half of it.
ended() {
    local said
    set +e
    IFS= read -r -d '' said <"/run/guest/$1"
    printf '%s' "$said" >"$guest_directory/$1.out"
    : >"/run/guest/$1"
    echo "GUEST-EXIT $1 $2" >&4
}

source "$guest_tools"
# Each script runs beside the others: whoever wants an order waits for the answer. Out of a pipe bash reads no further than the line; what
# it has read ahead of a console, the next order, would be the first thing a script reads.
while read -r number; do
    [ "$number" != halt ] || break
    run "$number" &
done < <(cat)
halt -f
