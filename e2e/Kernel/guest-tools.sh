# Functions for the scripts that run in a guest kernel; sourced before each of them.

# start NAME PROGRAM...: a program in the background, its output in /run/NAME.out and /run/NAME.err, its process in /run/NAME.pid
start() {
    local name=$1
    shift
    # Emptied here, because the program in the background begins in its own time.
    : >"/run/$name.out"
    : >"/run/$name.err"
    setsid "$@" </dev/null >"/run/$name.out" 2>"/run/$name.err" &
    echo $! >"/run/$name.pid"
}

# await SECONDS COMMAND...: until the command succeeds; fails when it never does
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "never: $*"; return 1; }
        sleep 0.05
    done
}

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

# writes DEVICE: how many writes a device such as /dev/nbd0 has completed
writes() { awk '{ print $5 }' "/sys/block/${1#/dev/}/stat"; }

# wrote DEVICE COUNT: whether it has completed so many
wrote() { [ "$(writes "$1")" -ge "$2" ]; }

# await_writes SECONDS COUNT DEVICE...: until each device has completed so many more writes than now
await_writes() {
    local seconds=$1 count=$2 device
    shift 2
    for device in "$@"; do
        await "$seconds" wrote "$device" $(($(writes "$device") + count)) || { echo "$device is not written to"; return 1; }
    done
}

# end NAME SIGNAL: sends a program that was started the signal and waits until it is gone
end() {
    local process
    process=$(cat "/run/$1.pid")
    kill "-$2" "$process" 2>/dev/null || true
    await 60 gone "$process"
}
