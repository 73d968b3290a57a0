"""Descriptors that a command's sandbox inherits."""

from __future__ import annotations

import fcntl
import os

_FIRST = 256
"""Below are the numbers that supervisors choose for themselves."""


def high(fd: int) -> int:
    """The same under a high number; the one given is closed."""
    found = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    os.close(fd)
    return found


def in_memory(data: bytes) -> int:
    """A descriptor from which the data can be read once."""
    fd = os.memfd_create("filter")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return high(fd)
