"""Files written, made durable and removed in a directory, as fast as it goes, and a check that what was durable is whole.

usage: fs_stress.py run DIRECTORY LOG STOPFILE SEED     until STOPFILE is there
       fs_stress.py check DIRECTORY LOG

LOG is outside the file system under test. It has a line "whole NAME SHA256" after a file and its name were fsynced, and a line
"gone NAME" before one is removed. Some files are read back on the way; one that differs, or any error of the system, ends it with 1.
"""
import hashlib
import os
import random
import sys


def write_durably(directory, name, content):
    path = os.path.join(directory, name)
    with open(path + ".tmp", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".tmp", path)
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def digest(path):
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.sha256(file.read()).hexdigest()


class Log:
    def __init__(self, path):
        self.file = open(path, "a")

    def note(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def run(directory, log_path, stop, seed):
    rng = random.Random(seed)
    log = Log(log_path)
    whole = {}
    number = 0
    while not os.path.exists(stop):
        number += 1
        content = rng.randbytes(rng.choice([100, 5000, 70000, 400000]))
        name = f"file-{number}"
        write_durably(directory, name, content)
        whole[name] = hashlib.sha256(content).hexdigest()
        log.note(f"whole {name} {whole[name]}")
        # Something that nobody made durable, for the load of it.
        with open(os.path.join(directory, f"loose-{number % 8}"), "wb") as file:
            file.write(rng.randbytes(rng.randrange(300000)))
        if len(whole) > 60:
            name = rng.choice(sorted(whole))
            log.note(f"gone {name}")
            del whole[name]
            os.remove(os.path.join(directory, name))
        name = rng.choice(sorted(whole))
        if digest(os.path.join(directory, name)) != whole[name]:
            sys.exit(f"{name} differs")
    print(f"{number} files")


def check(directory, log_path):
    whole = {}
    with open(log_path) as file:
        for line in file:
            words = line.split()
            if words[:1] == ["whole"] and len(words) == 3 and len(words[2]) == 64:
                whole[words[1]] = words[2]
            elif words[:1] == ["gone"] and len(words) == 2:
                whole.pop(words[1], None)
    for name, expected in whole.items():
        if digest(os.path.join(directory, name)) != expected:
            sys.exit(f"{name} differs")
    print(f"{len(whole)} durable files are whole")


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
else:
    check(sys.argv[2], sys.argv[3])
