"""claw-lsp as an MCP server, on each of its wires."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from claw_lsp import __version__
from claw_lsp.adapters.shared_editors import SharedEditors
from claw_lsp.app.world import World
from claw_lsp.mcp_serve.choosing import Workspace

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


def serve_stdio(world: World, folder: str) -> int:
    """Other agents' questions on stdin; the exit code."""
    asyncio.run(_server(world, folder).run_stdio_async())
    return 0


def serve_http(world: World, folder: str, port: int) -> int:
    """The same on a loopback port, with a token. Raises ClawError where the port is taken."""
    from claw_lsp.mcp_serve.http import serve_http as serve

    asyncio.run(serve(_server(world, folder), port))
    return 0


def _server(world: World, folder: str) -> MCPServer:
    from claw_lsp.mcp_serve.server import server

    return server(Workspace(SharedEditors(world.claw_home), folder, f"{world.claw_home}/settings.json"), __version__)
