"""Folders and files that only their owner looks into."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make_private(folder: Path) -> None:
    """The folder is there; it and all that was missing above it were made for the owner alone, whatever the umask. Raises
    OSError."""
    missing = [it for it in (folder, *folder.parents) if not it.exists()]
    for it in reversed(missing):
        with suppress(FileExistsError):
            it.mkdir(mode=0o700)


def write_private(path: Path, text: str) -> None:
    """A file for the owner alone holds this text; a link in its place is not followed. Raises OSError."""
    make_private(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
