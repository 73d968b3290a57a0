"""The calls to the operating system that change files, in one place: a test puts a disk that fails in theirs."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Generator
from pathlib import Path

from claw_lsp.adapters.private import make_private
from claw_lsp.facts.fault import LogError


class Files:
    """Every call raises OSError as the system does. What is made is for its owner alone, whatever the umask."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes) -> None:
        """All of it; where that fails a part may be there."""
        while data:
            data = data[os.write(descriptor, data) :]

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def cut(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def make_folder(self, path: Path) -> None:
        make_private(path)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def replace(self, old: Path, new: Path) -> None:
        old.replace(new)


def sync_folders(files: Files, *folders: Path) -> None:
    """Names that were made in these folders are on the disk."""
    for folder in folders:
        descriptor = files.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            files.sync(descriptor)
        finally:
            files.close(descriptor)


@contextlib.contextmanager
def told_as_log_error(path: Path) -> Generator[None]:
    """A failure of the system becomes a LogError that names the file and what to do."""
    try:
        yield
    except OSError as error:
        raise LogError(f"The session log {path} cannot be written: {error.strerror}. {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "Free some space, then go on: what was shown is kept."
        case errno.EROFS | errno.EACCES | errno.EPERM | errno.ENOTDIR:
            return "Make that folder writable, or set CLAW_HOME to one that is."
        case _:
            return "Look after that disk, then go on: what was shown is kept."
