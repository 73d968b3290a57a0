"""A look at one server for the command line: connected to as a session connects, asked what it offers, and left again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from claw_lsp.adapters.mcp.connection import Connection, Surroundings
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.facts.mcp import ServerConfig, ServerTool, ServerView


async def looked_at(
    config: ServerConfig, prefix: str, store: LoginStore, environment: Mapping[str, str], folder: str, seconds: float
) -> ServerView:
    """How the server is, and what it offers. It is tried once, and nothing of it is left running."""
    changed = asyncio.Event()
    around = Surroundings(store, _Unremembered(), environment, folder, lambda: (folder,), changed.set, waits=())
    connection = Connection(config, prefix, around)
    try:
        async with asyncio.timeout(seconds):
            while connection.view.standing in ("waiting", "starting"):
                changed.clear()
                await changed.wait()
        return connection.view
    except TimeoutError:
        return replace(connection.view, standing="failed", why=f"It did not answer within {seconds:g} s.")
    finally:
        await connection.end()


class _Unremembered:
    """A look is no approval: tools are told as they are, and nothing is kept of them."""

    async def compared(self, config: ServerConfig, tools: tuple[ServerTool, ...]) -> tuple[ServerTool, ...]:
        return tools

    async def saw(self, config: ServerConfig, tool: ServerTool) -> None:
        return
