"""Servers that nobody here wrote, at the door: up over each wire, their page, and the folders they are told of."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from server_desk import EVERYTHING, NPM, listening, needs_npm, program

from claw_lsp.facts.mcp import ServerView
from tests.wire.door_desk import Visit, visiting

pytestmark = [needs_npm, pytest.mark.timeout(240)]

PATIENCE = 90.0
WIRES = {"http": ("streamableHttp", "mcp"), "sse": ("sse", "sse")}


@asynccontextmanager
async def up(tmp_path: Path, transport: str) -> AsyncGenerator[Visit]:
    """A visit with the server that shows everything up, over this transport."""
    async with AsyncExitStack() as stack:
        entry: dict[str, object] = {
            "command": program(EVERYTHING),
            "args": ["stdio"],
            "env": {"PATH": NPM.environment["PATH"]},
        }
        if transport in WIRES:
            wire, path = WIRES[transport]
            port = await stack.enter_async_context(listening(wire))
            entry = {"type": transport, "url": f"http://127.0.0.1:{port}/{path}"}
        visit = await stack.enter_async_context(visiting(tmp_path))
        visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": {"all": entry}}))
        await visit.command("claw.mcp")
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        yield visit


def view(visit: Visit) -> ServerView:
    assert visit.server.door is not None
    return visit.server.door.house.servers.views(str(visit.root))[0]


@pytest.mark.parametrize("transport", ["stdio", *WIRES])
async def test_its_page_says_what_it_offers(tmp_path: Path, transport: str) -> None:
    async with up(tmp_path, transport) as visit:
        answer = await visit.command("claw.mcp")
        page = Path(answer["path"]).read_text()
        assert "## `all`: up" in page
        assert "`mcp__all__get-sum`" in page and "`/mcp__all__simple-prompt`" in page
        assert answer["servers"][0]["protocol"].startswith("2025-")


async def test_what_it_offers_more_once_it_knows_us_stands_there_too(tmp_path: Path) -> None:
    async with up(tmp_path, "stdio") as visit:
        asks = {"trigger-elicitation-request", "trigger-sampling-request", "get-roots-list"}
        await visit.until(lambda: asks <= {it.name for it in view(visit).tools}, PATIENCE)


async def test_it_is_told_of_the_folders_of_the_workspace_and_of_one_that_is_added(tmp_path: Path) -> None:
    async with up(tmp_path, "stdio") as visit:
        await until_logged(visit, "Roots updated: 1 root")
        other = tmp_path / "other"
        other.mkdir()
        added = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
        visit.client.notify("workspace/didChangeWorkspaceFolders", {"event": added})
        await until_logged(visit, "Roots updated: 2 root")


async def until_logged(visit: Visit, words: str) -> None:
    await visit.until(lambda: any(words in it for it in view(visit).log), PATIENCE)
