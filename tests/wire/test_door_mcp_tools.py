"""Tools of MCP servers in a session: told of, found, asked about, called; the server is a real process over stdio."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting

from claw_lsp.testing.scripted_model import says

SERVER = Path(__file__).parent / "mcp_server.py"


async def served(visit: Visit) -> None:
    """The server runs, and what it offers is known."""
    entry = {"command": sys.executable, "args": [str(SERVER)]}
    visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": {"calc": entry}}))
    assert visit.server.door is not None
    home = visit.server.door.home_for(None)
    servers = visit.server.door.house.servers
    servers.configure(home.folder, home.roots, await visit.server.door.settings_in(home.folder))
    await servers.settled(home.folder, (), 60)
    assert [it.standing for it in servers.views(home.folder)] == ["up"]


def tools(visit: Visit, request: int) -> dict[str, dict[str, Any]]:
    return {it["name"]: it for it in visit.model.requests[request].tools}


async def test_a_servers_tool_is_told_of_found_by_search_asked_about_and_called(tmp_path: Path) -> None:
    steps = (
        says("", ("c1", "ToolSearch", {"query": "add numbers"})),
        says("", ("c2", "mcp__calc__add", {"a": 2, "b": 3})),
        says("Five."),
    )
    async with visiting(tmp_path, *steps) as visit:
        await served(visit)
        begun = await visit.command("claw.ask", prompt="add them")
        box = await visit.box()
        assert "Call add of the MCP server calc" in box.message
        box.pick("Allow once")
        assert (await visit.end(begun["run"]))["text"] == "Five."
        assert tools(visit, 0)["mcp__calc__add"]["defer_loading"] is True
        assert "defer_loading" not in tools(visit, 0)["ToolSearch"]
        assert "- calc: mcp__calc__add" in json.dumps(visit.model.requests[0].messages)
        found = json.dumps(visit.model.requests[1].messages[-1], default=list)
        assert '{"type": "tool_reference", "tool_name": "mcp__calc__add"}' in found
        result = json.dumps(visit.model.requests[2].messages[-1], default=list)
        assert "<mcp_result" in result and "\\n5\\n" in result
        assert "tools_offered" in visit.kinds(begun["session"])


async def test_a_session_without_a_server_has_no_search(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        await visit.turn("claw.ask", prompt="hello")
        assert "ToolSearch" not in tools(visit, 0)


async def test_a_server_that_comes_later_is_told_of_at_the_next_prompt(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        begun = await visit.command("claw.ask", prompt="one")
        await visit.end(begun["run"])
        await served(visit)
        await visit.turn("claw.ask", prompt="two", session=begun["session"])
        assert {"ToolSearch", "mcp__calc__add"} <= tools(visit, 1).keys()
        assert "mcp__calc__add" in json.dumps(visit.model.requests[1].messages[-1], default=list)


async def test_resources_are_listed_and_read(tmp_path: Path) -> None:
    wanted = {"server": "calc", "uri": "notes://one"}
    steps = (
        says("", ("c1", "ListMcpResourcesTool", {})),
        says("", ("c2", "ReadMcpResourceTool", wanted)),
        says("Read."),
    )
    async with visiting(tmp_path, *steps) as visit:
        await served(visit)
        begun = await visit.command("claw.ask", prompt="read it")
        (await visit.box()).pick("Allow once")
        await visit.end(begun["run"])
        assert "- calc: notes://one" in visit.model.results(1)
        assert "the first note" in visit.model.results(2) and "<mcp_result" in visit.model.results(2)
