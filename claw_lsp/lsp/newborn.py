"""New files: an empty one is made on disk first, because what clients make of CreateFile differs too much.

Neovim and Helix truncate with it what exists, vim-lsp never answers it, lsp-mode forgets the file in a new folder. The
edit of an unopened file, which follows, works in all of them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.facts.text import Change
from claw_lsp.ports.files import Workspace


@dataclass(frozen=True, slots=True)
class Newborn:
    """An empty file we made, and the folders we made for it, the innermost first."""

    target: str
    folders: tuple[str, ...]


async def born(path: str, disk: Workspace, label: str) -> Newborn:
    """Make an empty file. Raises StaleDocument when something is there already: nothing is ever truncated (R36)."""
    target = (await disk.locate(path)).target
    folders = await asyncio.to_thread(_missing_folders, target)
    await disk.apply(Change(path, None, ()), label)
    return Newborn(target, folders)


async def cleared_away(newborn: Newborn) -> None:
    """Take the file back if it is still empty, and its folders if nothing else came into them."""
    await asyncio.to_thread(_clear_away, newborn)


def _missing_folders(target: str) -> tuple[str, ...]:
    return tuple(str(it) for it in Path(target).parents if not it.exists())


def _clear_away(newborn: Newborn) -> None:
    with suppress(OSError):
        if Path(newborn.target).lstat().st_size:
            return
        Path(newborn.target).unlink()
        for folder in newborn.folders:
            Path(folder).rmdir()
