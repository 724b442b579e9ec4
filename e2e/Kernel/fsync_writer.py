#!/usr/bin/python3
"""Writes files that are fsynced, notes each in a log once it is, and holds the files against the log.

usage: fsync_writer.py write DIRECTORY LOG KEPT PAUSE_MS   until it is killed; an error is noted and ends it. Only KEPT files are kept
       fsync_writer.py verify DIRECTORY LOG                prints how many files are right; exits with 1 at the first that is not

A file's content follows from its number. The log holds, one a line: "done N" after the fsync of file N, "gone N" before it is deleted,
"error N REASON". It belongs on a file system that is not under test.
"""
import errno
import os
import random
import sys
import time

SIZES = (4096, 128 << 10)


def content(number):
    numbers = random.Random(number)
    return numbers.randbytes(numbers.randrange(*SIZES))


def path(directory, number):
    return os.path.join(directory, f"file-{number}")


def write(directory, log, kept, pause_seconds):
    with open(log, "a", buffering=1) as note:
        number = sum(1 for line in open(log) if line.startswith("done"))
        while True:
            number += 1
            try:
                put(path(directory, number), content(number))
            except OSError as failure:
                note.write(f"error {number} {errno.errorcode.get(failure.errno, failure.errno)}\n")
                return 1
            note.write(f"done {number}\n")
            if number > kept:
                note.write(f"gone {number - kept}\n")
                os.unlink(path(directory, number - kept))
            time.sleep(pause_seconds)


def put(name, data):
    descriptor = os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verify(directory, log):
    lines = [line.split() for line in open(log)]
    gone = {int(line[1]) for line in lines if line[0] == "gone"}
    kept = [int(line[1]) for line in lines if line[0] == "done" and int(line[1]) not in gone]
    for number in kept:
        try:
            found = open(path(directory, number), "rb").read()
        except OSError as failure:
            print(f"{path(directory, number)} was fsynced and cannot be read: {failure}")
            return 1
        if found != content(number):
            print(f"{path(directory, number)} was fsynced and holds something else")
            return 1
    print(len(kept))
    return 0


def main(words):
    if words[1] == "verify":
        return verify(words[2], words[3])
    return write(words[2], words[3], int(words[4]), int(words[5]) / 1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
