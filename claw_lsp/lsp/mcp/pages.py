"""The page of the MCP servers, which stays true while somebody looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from claw_lsp.facts.mcp import ServerView
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.line_pages import LinePages, of_server
from claw_lsp.lsp.views import Views
from claw_lsp.ports.files import Workspace

SOON = 0.1
"""Seconds until a page is written anew: servers that come up together are told of together."""


class ServerPages(LinePages[ServerView]):
    """`renew` writes the page of a session, or the one of no session, as the servers are now."""

    def __init__(
        self,
        buffers: Buffers,
        views: Views,
        workspace: Workspace,
        renew: Callable[[str | None], Awaitable[object]],
        later: Callable[[Any, str], None],
    ) -> None:
        super().__init__(buffers, views, workspace, "mcp.md", of_server)
        self._renew = renew
        self._later = later
        self._due: set[str] = set()

    def changed(self, folder: str) -> None:
        """A server of a folder is another than it was: pages that are open in the editor are written anew soon, others when
        they are asked for."""
        for path, (session, _) in self._about.items():
            if self._buffers.get(path) is not None and path not in self._due:
                self._due.add(path)
                self._later(self._again(path, session), "writing the page of MCP servers anew")

    async def _again(self, path: str, session: str | None) -> None:
        await asyncio.sleep(SOON)
        self._due.discard(path)
        await self._renew(session)
