"""Documents that are shown when asked for: plans, diffs, a change that waits for its answer. Files of ours, 0600."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from claw_lsp.adapters.private import write_private
from claw_lsp.core.chat.scrub import scrubbed
from claw_lsp.facts.fault import HostError
from claw_lsp.lsp.client import Client, part
from claw_lsp.lsp.uris import uri_of


class Views:
    """Writes below `folder` (in CLAW_HOME), one folder a session; shows a file only when somebody asked to see it."""

    def __init__(self, editor: Client, folder: Path, *, shows: bool) -> None:
        self._editor = editor
        self._folder = folder
        self._shows = shows

    async def write(self, session: str, name: str, text: str) -> str:
        """The path of the file that now holds the text; of Markdown nothing loads by itself."""
        text = scrubbed(text) if name.endswith(".md") else text
        path = self._folder / session / name
        await asyncio.to_thread(write_private, path, text)
        return str(path)

    async def show(self, path: str, line: int | None = None) -> bool:
        """Open a file in the editor, at a line (from 1); False where the client cannot or would not, so that its path must be
        told."""
        if not self._shows:
            return False
        at = {"line": (line or 1) - 1, "character": 0}
        selection = {} if line is None else {"selection": {"start": at, "end": at}}
        return await self._asked({"uri": uri_of(path), "takeFocus": False, **selection})

    async def visit(self, url: str) -> bool:
        """Open a web page in the person's browser; False where the client cannot or would not, so that it must be told."""
        return self._shows and await self._asked({"uri": url, "external": True})

    async def _asked(self, params: dict[str, Any]) -> bool:
        try:
            answer = await self._editor.ask("window/showDocument", params)
        except HostError:
            return False
        return part(answer, "success") is True
