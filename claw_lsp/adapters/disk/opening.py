"""Opening files that may be anything: only regular files are opened, and nothing ever waits."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from claw_lsp.facts.fault import NoSuchFile, ToolError

READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_UNREAL = ("/proc", "/sys", "/dev")


@contextmanager
def opened(path: str, target: str) -> Generator[int]:
    """A descriptor of the regular file at `target`, a path without links. Raises ToolError about `path` (R38)."""
    with faults_of(path):
        refuse_odd(path, target, os.lstat(target))
        descriptor = os.open(target, READ_FLAGS)
        try:
            refuse_odd(path, target, os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)


def refuse_odd(path: str, target: str, status: os.stat_result) -> None:
    """Raises ToolError unless this is a regular file of an ordinary file system."""
    if stat.S_ISREG(status.st_mode) and not unreal(target, status):
        return
    if stat.S_ISDIR(status.st_mode):
        raise ToolError(f"{path} is a directory. Use Glob to list files in it.")
    raise ToolError(f"{path} is {_sort(status, target)}, not a regular file; only regular files are opened.")


def unreal(target: str, status: os.stat_result | None = None) -> bool:
    """Whether the path lies in a file system that the kernel makes up; such files may block, lie or never end."""
    if target.startswith("/dev/shm/"):
        return False
    if any(target == root or target.startswith(f"{root}/") for root in _UNREAL):
        return True
    return status is not None and status.st_dev in _unreal_devices()


@contextmanager
def faults_of(path: str) -> Generator[None]:
    """Turns errors of the operating system into errors that say what to do about `path` (R27)."""
    try:
        yield
    except OSError as error:
        raise fault_of(path, error) from error


def fault_of(path: str, error: OSError) -> ToolError:
    """The error that says what is wrong with `path` and what to do."""
    match error.errno:
        case errno.ENOENT:
            return NoSuchFile(f"{path} does not exist. Check the path, or find the file with Glob.")
        case errno.ENOTDIR:
            return NoSuchFile(f"{path} cannot exist: a part of that path is a file, not a directory.")
        case errno.ELOOP:
            return ToolError(f"{path} is a loop of symbolic links; it leads to no file.")
        case errno.EACCES | errno.EPERM:
            return ToolError(f"Permission denied for {path}: the operating system does not let this user do that.")
        case errno.EROFS:
            return ToolError(f"{path} is on a read-only file system; nothing was written.")
        case errno.ENOSPC | errno.EDQUOT:
            return ToolError(f"No space left to write {path}; nothing was written.")
        case errno.EISDIR:
            return ToolError(f"{path} is a directory. Use Glob to list files in it.")
        case errno.ENAMETOOLONG:
            return ToolError(f"The path is too long for the file system: {path[:200]}…")
        case _:
            return ToolError(f"{path}: {error.strerror or error}.")


def _sort(status: os.stat_result, target: str) -> str:
    mode = status.st_mode
    names = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISLNK, "a loop of symbolic links"),
    )
    return next((name for test, name in names if test(mode)), f"a file that the kernel makes up ({target})")


@cache
def _unreal_devices() -> frozenset[int]:
    devices: set[int] = set()
    for root in ("/proc", "/sys"):
        try:
            devices.add(Path(root).stat().st_dev)
        except OSError:
            continue
    # A machine without /proc or /sys may give their empty mount points the device of the root: that one is real.
    return frozenset(devices - {Path("/").stat().st_dev})
