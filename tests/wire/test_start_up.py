"""What a real server imports before it answers `initialize`, and what comes by itself afterwards."""

import asyncio
import sys
from pathlib import Path

from claw_lsp.testing.wire import WireClient, spawned

SLOW = (
    "anthropic",
    "mcp",
    "httpx2",
    "httpcore2",
    "anyio",
    "websockets",
    "rich",
    "pathspec",
    "pypdf",
    "html_to_markdown",
)
"""Other people's packages, of 20 ms to two seconds each, that no handshake needs."""

LATER = ("claw_lsp.tools", "claw_lsp.term", "claw_lsp.testing", "claw_lsp.adapters.web", "claw_lsp.adapters.ripgrep")
"""Our own that are first needed by a turn, or never by a server."""

SERVE = """
import os, sys
from claw_lsp.cli import main

class Telling:
    # It finds nothing, but is asked for every module that is imported, in order.
    def find_spec(self, name, path=None, target=None):
        os.write(2, f"import {name}\\n".encode())

sys.meta_path.insert(0, Telling())
sys.exit(main(["serve"]))
"""


def imported(client: WireClient) -> list[str]:
    lines = bytes(client.stderr).decode().splitlines()
    return [line.removeprefix("import ") for line in lines if line.startswith("import ")]


async def test_the_handshake_is_answered_before_anything_slow_is_imported(tmp_path: Path) -> None:
    async with spawned((sys.executable, "-c", SERVE), {"CLAW_HOME": str(tmp_path)}, tmp_path) as client:
        answer = await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    # The process has ended, so all that it said is here; without `initialized` nothing was begun after the answer.
    names = imported(client)
    assert answer["serverInfo"]["name"] == "claw-lsp"
    assert "claw_lsp.lsp.server" in names
    assert [it for it in names if it.split(".")[0] in SLOW] == []
    assert [it for it in names if it.startswith(LATER)] == []


async def test_the_sdk_and_the_tools_are_imported_unasked_once_the_client_is_ready(tmp_path: Path) -> None:
    async with spawned((sys.executable, "-c", SERVE), {"CLAW_HOME": str(tmp_path)}, tmp_path) as client:
        await client.initialize()
        wanted = {"anthropic", "httpcore2", "claw_lsp.tools.read", "claw_lsp.tools.bash"}
        async with asyncio.timeout(30):
            while not wanted <= set(imported(client)):
                await asyncio.sleep(0.1)
    assert [it for it in imported(client) if it.split(".")[0] in ("mcp", "pypdf", "rich")] == []
