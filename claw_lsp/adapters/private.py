"""Folders that only their owner looks into."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def make_private(folder: Path) -> None:
    """The folder is there; it and all that was missing above it were made for the owner alone, whatever the umask. Raises
    OSError."""
    missing = [it for it in (folder, *folder.parents) if not it.exists()]
    for it in reversed(missing):
        with suppress(FileExistsError):
            it.mkdir(mode=0o700)
