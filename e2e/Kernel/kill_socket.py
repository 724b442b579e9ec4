"""Shuts one connected unix socket of a process down, as if its connection had died by itself: usage: kill_socket.py PID DESCRIPTOR"""
import ctypes
import os
import socket
import sys

PIDFD_GETFD = 438

process = os.pidfd_open(int(sys.argv[1]))
libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.syscall(PIDFD_GETFD, process, int(sys.argv[2]), 0)
if descriptor < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
socket.socket(fileno=descriptor).shutdown(socket.SHUT_RDWR)
