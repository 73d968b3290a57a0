"""The first words in a folder: its MCP servers are connected to because somebody writes there, before any session ran."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from door_desk import PATIENCE, Visit, visiting
from test_chat_language import at, chat, types
from test_door_chat import sends

from claw_lsp.testing.scripted_model import says

SERVER = Path(__file__).parent / "mcp_server.py"


def configured(visit: Visit, *arguments: str) -> None:
    entry = {"command": sys.executable, "args": [str(SERVER), *arguments]}
    visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": {"calc": entry}}))


async def offered(visit: Visit, path: str, words: str, wanted: str) -> None:
    """Once this is offered for words that the person writes; asked again as long as the answer says that more may come."""
    end = types(visit, path, words)
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await at(visit, "completion", path, end)
            new = [it["textEdit"]["newText"] for it in found["items"]]
            if wanted in new:
                return
            assert found["isIncomplete"], f"{wanted} is not offered, and an editor would not ask again: {new}"
            await asyncio.sleep(0.05)


async def test_servers_and_their_prompts_are_completed_before_any_session_ran(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        configured(visit)
        path = await chat(visit)
        await offered(visit, path, "/mcp_", "/mcp__calc__review ")
        await offered(visit, path, "\n\n@ca", "@calc:")
        await offered(visit, path, "lc:", "@calc:notes://one")


async def test_a_resource_that_the_first_prompt_mentions_is_waited_for_and_sent(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        configured(visit)
        await visit.turn("claw.ask", prompt="look at @calc:notes://one and @other:notes://two")
        assert "the first note" in json.dumps(visit.model.requests[0].messages, default=list)


async def test_a_prompt_of_a_server_can_be_the_first_thing_that_is_said(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        configured(visit)
        path = await chat(visit)
        await visit.end((await sends(visit, path, "/mcp__calc__review 'x = 1'"))["run"])
        assert "Please review: x = 1" in json.dumps(visit.model.requests[0].messages, default=list)


async def test_an_open_page_of_the_servers_follows_them_and_what_stands_in_it_is_done(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        configured(visit)
        path = (await visit.command("claw.mcp"))["path"]
        if path not in visit.editor.paths():
            visit.open(path)
        await visit.until(lambda: "## `calc`: up" in visit.text(path))
        assert "`/mcp__calc__review code`" in visit.text(path)
        assert (await visit.command("claw.mcp", server="calc", do="disable"))["servers"][0]["standing"] == "disabled"
        assert "## `calc`: off" in visit.text(path)
        await visit.command("claw.mcp", server="calc", do="enable")
        await visit.until(lambda: "## `calc`: up" in visit.text(path))
        await visit.command("claw.mcp", server="calc", do="restart")
        await visit.until(lambda: "## `calc`: up" in visit.text(path))
        shown = len(visit.requested("window/showDocument"))
        configured(visit, "odd", "arguments")
        await visit.until(lambda: "## `calc`: failed" in visit.text(path))
        assert "odd arguments" in visit.text(path)
        assert len(visit.requested("window/showDocument")) == shown


async def test_a_server_is_restarted_by_name_before_any_session_ran(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        configured(visit)
        assert (await visit.command("claw.mcp", server="calc", do="restart"))["text"] == "calc is started anew."
        async with asyncio.timeout(PATIENCE):
            while (await visit.command("claw.mcp"))["servers"][0]["standing"] != "up":
                await asyncio.sleep(0.05)
