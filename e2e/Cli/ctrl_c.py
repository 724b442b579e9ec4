"""Runs a command on a terminal of its own, while its output goes through a pipe that is read slowly, and presses Ctrl-C in the middle.

usage: ctrl_c.py PIPE COMMAND...     prints {"exit": code, "screen": what the terminal showed, "bytes": what came through the pipe}
"""

import json
import os
import pty
import select
import sys
import time

PATIENCE_SECONDS = 180


def main():
    pipe_path, command = sys.argv[1], sys.argv[2:]
    os.mkfifo(pipe_path)
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    pipe = os.open(pipe_path, os.O_RDONLY)  # returns when the command has opened it
    screen, received = b"", 0
    pressed = False
    end = time.monotonic() + PATIENCE_SECONDS
    time.sleep(1.2)  # the command is stuck in the full pipe: whatever it does takes more than a second
    while time.monotonic() < end:
        readable, _, _ = select.select([pipe, terminal], [], [], 1)
        if terminal in readable:
            try:
                screen += os.read(terminal, 65536)
            except OSError:  # EIO: nobody has the terminal any more
                break
            if b"%" in screen and not pressed:
                os.write(terminal, b"\x03")
                pressed = True
        elif pipe in readable:
            part = os.read(pipe, 4096)
            received += len(part)
            if not part:
                break
            time.sleep(0 if pressed else 0.002)
    _, status = os.waitpid(child, 0)
    try:
        screen += os.read(terminal, 65536)
    except OSError:
        pass
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"exit": code, "screen": screen.decode(errors="replace"), "bytes": received}))


main()
