"""One 4 KiB direct write after the other to each of many devices, a thread for each, until a file is there.

usage: many_writers.py STOPFILE DEVICE...

Prints, in seconds since the epoch, when the longest pause of any device began and when the last of these longest pauses ended, then of how
many devices, and the longest of these pauses in seconds.
"""
import mmap
import os
import sys
import threading
import time

stop, devices = sys.argv[1], sys.argv[2:]
pauses = []


def write(path):
    descriptor = os.open(path, os.O_WRONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, 4096)
    longest = (0, 0, 0)
    number = 0
    while not os.path.exists(stop):
        begin = time.time()
        os.pwrite(descriptor, buffer, number % 1024 * 4096)
        end = time.time()
        longest = max(longest, (end - begin, begin, end))
        number += 1
        time.sleep(0.2)
    pauses.append(longest)


threads = [threading.Thread(target=write, args=[path]) for path in devices]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{min(begin for _, begin, _ in pauses):.3f} {max(end for _, _, end in pauses):.3f} {len(pauses)} {max(pauses)[0]:.3f}")
