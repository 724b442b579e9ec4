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

# end NAME SIGNAL: sends a program that was started the signal and waits until it is gone
end() {
    local process
    process=$(cat "/run/$1.pid")
    kill "-$2" "$process" 2>/dev/null || true
    await 60 gone "$process"
}
