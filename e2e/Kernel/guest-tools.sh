# Functions for the scripts that run in a guest kernel. They start as few programs as can be: each takes a tenth of a second and more there.

# start NAME PROGRAM...: a program in the background, its output in /run/NAME.out and /run/NAME.err, its process in /run/NAME.pid
start() {
    local name=$1
    shift
    # Emptied here, because the program in the background begins in its own time.
    : >"/run/$name.out"
    : >"/run/$name.err"
    setsid "$@" </dev/null >"/run/$name.out" 2>"/run/$name.err" 4>&- &
    echo $! >"/run/$name.pid"
}

# await SECONDS COMMAND...: until the command succeeds; fails when it never does
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "never: $*"; return 1; }
        pause 0.05
    done
}

# pause SECONDS: lets so much time pass
pause() { read -r -t "$1" <>/run/guest/never || true; }

# gone PID: whether there is no such process
gone() { ! kill -0 "$1" 2>/dev/null; }

# holds FILE PATTERN: whether a line of the file matches
holds() { grep -q -- "$2" "$1"; }

# last LINES COMMAND...: the last lines of what a command says, and its exit code, which a pipe into tail would lose
last() {
    local lines=$1 code=0 said
    shift
    said=$("$@" 2>&1) || code=$?
    tail -n "$lines" <<<"$said"
    return $code
}

# wrote DEVICE COUNT: whether a device such as /dev/nbd0 has completed so many writes
wrote() {
    local counters
    read -r -a counters <"/sys/block/${1#/dev/}/stat"
    [ "${counters[4]}" -ge "$2" ]
}

# await_writes SECONDS COUNT DEVICE...: until each device has completed so many more writes than now
await_writes() {
    local seconds=$1 count=$2 device counters wanted=()
    shift 2
    # All counts first, and without a process for each: fifty devices one after the other took minutes of a busy guest.
    for device in "$@"; do
        read -r -a counters <"/sys/block/${device#/dev/}/stat"
        wanted+=($((counters[4] + count)))
    done
    for device in "$@"; do
        await "$seconds" wrote "$device" "${wanted[0]}" || { echo "$device is not written to"; return 1; }
        wanted=("${wanted[@]:1}")
    done
}

# end NAME SIGNAL: sends a program that was started the signal and waits until it is gone
end() {
    local process
    read -r process <"/run/$1.pid"
    kill "-$2" "$process" 2>/dev/null || true
    await 60 gone "$process"
}
