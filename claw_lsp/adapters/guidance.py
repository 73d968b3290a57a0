"""Which instructions hold for a file that is touched: looked up once for each folder, and again after a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from claw_lsp.facts.instructions import Instructions

if TYPE_CHECKING:
    from claw_lsp.adapters.instructions import Guide

logger = logging.getLogger(__name__)

MOST_FOLDERS = 500
"""How many folders are remembered."""
FRESH = 5.0
"""Seconds for which what was found for a folder is taken as it is."""


class FolderGuidance:
    """Fills the port `Guidance`."""

    def __init__(self, home: str, claw_home: str) -> None:
        self._home = home
        self._claw_home = claw_home
        self._found: dict[tuple[str, str, tuple[str, ...]], tuple[float, asyncio.Future[tuple[Guide, ...]]]] = {}

    async def for_file(
        self, path: str, *, cwd: str, roots: tuple[str, ...], excludes: tuple[str, ...], unsaved: Mapping[str, str]
    ) -> tuple[Instructions, ...]:
        folder = path.rsplit("/", 1)[0] or "/"
        key = (folder, cwd, roots)
        at, guides = self._found.get(key, (float("-inf"), None))
        if guides is None or time.monotonic() - at > FRESH:
            # Whoever else asks meanwhile waits for the same look, which goes on though one of them gives up.
            if len(self._found) >= MOST_FOLDERS:
                self._found.clear()
            look = asyncio.to_thread(self._looked_up, folder, cwd, roots, excludes, dict(unsaved))
            guides = asyncio.ensure_future(look)
            self._found[key] = (time.monotonic(), guides)
        found = guides.result() if guides.done() else await asyncio.shield(guides)
        return tuple(it.instructions for it in found if it.speaks_of(path))

    def _looked_up(
        self, folder: str, cwd: str, roots: tuple[str, ...], excludes: tuple[str, ...], unsaved: dict[str, str]
    ) -> tuple[Guide, ...]:
        # Imported here, in the thread: no session begins with it.
        from claw_lsp.adapters.instructions import below

        try:
            if not Path(folder).is_dir():
                return ()
            return below(
                folder,
                cwd=cwd,
                home=self._home,
                claw_home=self._claw_home,
                roots=roots,
                excludes=excludes,
                overlay=unsaved.get,
            )
        except OSError as error:
            logger.info("no instructions were looked for around %s: %s", folder, error)
            return ()
