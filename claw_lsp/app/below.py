"""The files that a searching command would show, found by name: on disk, or as ripgrep lists them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from claw_lsp.adapters.disk.below import files_below
from claw_lsp.core.policy.searching import OTHERS, Searched
from claw_lsp.facts.fault import ClawError
from claw_lsp.ports.files import Search
from claw_lsp.tools.below import Below


def finder(search: Callable[[], Search]) -> Below:
    """Looks at every file where a command does; else at those that ripgrep shows: not ignored by git, no dot before them."""

    async def below(searched: Searched, wanted: Callable[[str], bool]) -> tuple[str, ...]:
        if searched.hidden:
            return await asyncio.to_thread(files_below, searched.folder, wanted, OTHERS)
        try:
            names = await (await asyncio.to_thread(search)).names(searched.folder)
        except ClawError:
            return ()
        return await asyncio.to_thread(_shown, searched.folder, names, wanted)

    return below


def _shown(folder: str, names: tuple[str, ...], wanted: Callable[[str], bool]) -> tuple[str, ...]:
    plain = (it for it in names if not any(part.startswith(".") or part in OTHERS for part in it.split("/")))
    found = (path for it in plain if wanted(path := f"{folder.rstrip('/')}/{it}"))
    return tuple(path for path, _ in zip(found, range(5), strict=False))
