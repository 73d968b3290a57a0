"""Small text files on disk: read within a limit, written so that a crash leaves the old one or the new one."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from claw_lsp.adapters.private import make_private
from claw_lsp.facts.fault import ClawError

LIMIT = 1_000_000
"""Bytes of a settings file beyond which it is not read."""


def read_start(path: Path, limit: int) -> bytes | None:
    """The first `limit` bytes of a regular file and one more if there are more; None where there is no file.

    Never waits on a pipe or a device. Raises ClawError for what is there and cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ClawError(f"{path} cannot be read: {_why(error)}.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ClawError(f"{path} is not a regular file, so it is not read.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    except OSError as error:
        raise ClawError(f"{path} cannot be read: {_why(error)}.") from error
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str | None:
    """The whole text of a small UTF-8 file, without its byte order mark; None where there is none. Raises ClawError."""
    found = read_start(path, LIMIT)
    if found is None:
        return None
    if len(found) > LIMIT:
        raise ClawError(f"{path} has more than {LIMIT} bytes, which no settings file needs; it is not read.")
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClawError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error


def write_whole(path: Path, text: str, mode: int) -> None:
    """Replace the file in one step. An existing link is replaced, not followed. Raises ClawError."""
    temporary = ""
    try:
        make_private(path.parent)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise ClawError(f"{path} cannot be written: {_why(error)}.") from error


def aside(path: Path) -> None:
    """Give a file that is broken another name, so that what is in it is not lost."""
    n = 1
    while (name := path.with_name(f"{path.name}.bad-{n}")).exists():
        n += 1
    path.replace(name)


@contextmanager
def locked(claw_home: Path, name: str) -> Generator[None]:
    """Hold off other processes of the same person; on Windows only the threads of this one. Raises ClawError."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        make_private(claw_home)
        descriptor = os.open(claw_home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ClawError(f"{claw_home} cannot be written: {error.strerror}. Nothing is remembered.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
