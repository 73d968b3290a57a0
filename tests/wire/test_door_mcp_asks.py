"""Turns whose tools are of an MCP server that asks the person, asks the model, wants the folders, sends pictures, offers more."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from door_desk import Step, Visit, visiting
from test_asked import answers
from test_mcp_servers import Nobody

from claw_lsp.facts.call import Block
from claw_lsp.facts.event import CallFinished, ModelSpoke
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import ServerView
from claw_lsp.facts.request import Reply
from claw_lsp.testing.scripted_model import says

SERVER = Path(__file__).parent / "asking_server.py"
PATIENCE = 60.0


BOTH = pytest.mark.parametrize("era", ["2026", "2025"])
"""The revision of the protocol that the connection speaks: with a handshake of before, or without one."""


@asynccontextmanager
async def served(tmp_path: Path, *steps: Step, era: str = "2026") -> AsyncGenerator[Visit]:
    """A visit with the server up; the person allowed all of its tools."""
    async with visiting(tmp_path, *steps) as visit:
        home = str(visit.home / "claw")
        entry = {"command": sys.executable, "args": [str(SERVER)]}
        visit.write(f"{home}/mcp.json", json.dumps({"mcpServers": {"asking": entry}}))
        visit.write(f"{home}/settings.json", json.dumps({"permissions": {"allow": ["mcp__asking"]}}))
        await visit.command("claw.mcp")
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        if era == "2025":
            await back_to_2025(visit)
        assert view(visit).protocol.startswith(era)
        yield visit


async def back_to_2025(visit: Visit) -> None:
    """The server asks as servers of before do, which has it connected to as those are."""
    assert visit.server.door is not None
    pushed = next(it for it in view(visit).tools if it.name == "pushed")
    with pytest.raises(ToolError, match="call the tool once more"):
        await visit.server.door.house.servers.call(str(visit.root), pushed, {}, Nobody(), _told)
    await visit.until(lambda: view(visit).standing == "up" and view(visit).protocol < "2026", PATIENCE)


async def _told(_: str) -> None:
    return


def view(visit: Visit) -> ServerView:
    assert visit.server.door is not None
    return visit.server.door.house.servers.views(str(visit.root))[0]


def calls(name: str, **given: Any) -> Reply:
    return says("", ("c1", f"mcp__asking__{name}", given))


def result(visit: Visit, session: str) -> CallFinished:
    return next(it.event for it in visit.log(session) if isinstance(it.event, CallFinished))


def blocks(finished: CallFinished) -> tuple[Block, ...]:
    content = finished.result.content
    return ({"type": "text", "text": content},) if isinstance(content, str) else content


@BOTH
async def test_a_form_is_answered_during_the_call_and_the_server_goes_on_with_it(tmp_path: Path, era: str) -> None:
    async with served(tmp_path, calls("order", what="soup"), says("Done."), era=era) as visit:
        begun = await visit.command("claw.ask", prompt="order")
        await answers(visit, "once", title="asking asks: How many are you?")
        await answers(visit, "deny", "3", title="asking asks for")
        await answers(visit, "deny", "outside", title="asking asks for")
        await visit.end(begun["run"])
        assert "soup for 3, outside" in visit.model.results(1)


async def test_a_form_that_is_declined_fails_the_call_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with served(tmp_path, calls("order", what="soup"), says("Then not.")) as visit:
        begun = await visit.command("claw.ask", prompt="order")
        await answers(visit, "deny", title="asking asks: How many are you?")
        assert (await visit.end(begun["run"]))["text"] == "Then not."
        assert result(visit, begun["session"]).result.is_error


@BOTH
async def test_what_the_model_writes_for_a_server_is_allowed_by_the_person_and_paid_by_the_call(
    tmp_path: Path, era: str
) -> None:
    steps = (calls("summarize", text="a long story"), says("Short."), says("Done."))
    async with served(tmp_path, *steps, era=era) as visit:
        begun = await visit.command("claw.ask", prompt="summarize")
        asked = await answers(visit, "once", title="asking wants to ask the model something")
        assert "In one word: a long story" in asked["detail"]
        ended = await visit.end(begun["run"])
        assert "In short: Short." in visit.model.results(2)
        finished = result(visit, begun["session"]).result
        [(model, took)] = finished.side_usage.items()
        assert model == visit.model.requests[1].model
        assert (took["input_tokens"], took["output_tokens"]) == (100, 20)
        alone = [it.event.cost for it in visit.log(begun["session"]) if isinstance(it.event, ModelSpoke)]
        assert finished.side_cost is not None and finished.side_cost > 0
        assert ended["cost"] == pytest.approx(sum(map(float, filter(None, alone))) + finished.side_cost)


async def test_a_no_to_asking_the_model_is_no_cost_and_the_server_hears_it(tmp_path: Path) -> None:
    async with served(tmp_path, calls("summarize", text="x"), says("Then not.")) as visit:
        begun = await visit.command("claw.ask", prompt="summarize")
        await answers(visit, "deny", title="asking wants to ask the model something")
        await visit.end(begun["run"])
        finished = result(visit, begun["session"]).result
        assert finished.is_error and finished.side_usage == {}


@BOTH
async def test_the_folders_of_the_workspace_are_the_roots_and_follow_it(tmp_path: Path, era: str) -> None:
    async with served(tmp_path, calls("where"), says("One."), calls("where"), says("Two."), era=era) as visit:
        begun = await visit.turn("claw.ask", prompt="where?")
        assert visit.uri(str(visit.root)) in visit.model.results(1)
        other = tmp_path / "other"
        other.mkdir()
        added = {"added": [{"uri": visit.uri(str(other)), "name": "other"}], "removed": []}
        visit.client.notify("workspace/didChangeWorkspaceFolders", {"event": added})
        await visit.turn("claw.ask", prompt="and now?", session=begun["session"])
        assert visit.uri(str(visit.root)) in visit.model.results(3) and visit.uri(str(other)) in visit.model.results(3)


async def test_pictures_have_the_type_of_their_bytes_and_what_is_none_is_said(tmp_path: Path) -> None:
    async with served(tmp_path, calls("pictures"), says("Seen.")) as visit:
        begun = await visit.turn("claw.ask", prompt="show")
        found = blocks(result(visit, begun["session"]))
        assert [it["source"]["media_type"] for it in found if it["type"] == "image"] == ["image/png"]
        assert "[An image is left out: What the server calls image/png" in found[0]["text"]


async def test_sound_and_bytes_go_to_files_of_the_persons_alone(tmp_path: Path) -> None:
    wanted = {"server": "asking", "uri": "data://blob"}
    steps = (calls("sound"), says("", ("c2", "ReadMcpResourceTool", wanted)), says("Heard."))
    async with served(tmp_path, *steps) as visit:
        visit.auto = "Allow once"
        await visit.turn("claw.ask", prompt="play")
        folder = visit.home / "claw" / "output" / "mcp"
        files = {it.suffix: it for it in folder.iterdir()}
        assert {it.read_bytes() for it in files.values()} == {b"RIFFwave", b"PK\x03\x04"}
        assert all(it.stat().st_mode & 0o777 == 0o600 for it in files.values())
        assert f"Audio (audio/wav, 8 bytes) is in {files['.wav']}" in visit.model.results(1)
        assert f"is in {files['.zip']}" in visit.model.results(2)


@BOTH
async def test_a_tool_that_comes_later_is_told_of_in_the_turn_and_can_be_called(tmp_path: Path, era: str) -> None:
    steps = (calls("grow"), says("Grown."), says("", ("c3", "mcp__asking__grown", {})), says("Here."))
    async with served(tmp_path, *steps, era=era) as visit:
        begun = await visit.turn("claw.ask", prompt="grow")
        await visit.until(lambda: any(it.name == "grown" for it in view(visit).tools), PATIENCE)
        again = await visit.command("claw.ask", prompt="call it", session=begun["session"])
        asked = await answers(visit, "once", title="Call grown")
        assert "did not have this tool when you first used it" in json.dumps(asked)
        await visit.end(again["run"])
        # Told in the turn that brought it where that was heard in time, else with the next prompt.
        said = [json.dumps(it, default=list) for it in visit.model.requests[2].messages]
        assert any("can be called now" in it and "asking: mcp__asking__grown" in it for it in said)
        assert "here" in visit.model.results(3)


@BOTH
async def test_a_call_tells_how_far_it_is_and_is_called_off_at_the_server_with_its_turn(
    tmp_path: Path, era: str
) -> None:
    async with served(tmp_path, calls("wait", path=str(tmp_path / "off")), era=era) as visit:
        begun = await visit.command("claw.ask", prompt="wait")
        await visit.until(lambda: visit.hear() or any("half way (1 of 2)" in json.dumps(it) for it in visit.progress))
        await visit.command("claw.stop", run=begun["run"])
        assert (await visit.end(begun["run"]))["stopped"] == "interrupted"
        await visit.until((tmp_path / "off").exists, PATIENCE)


async def test_tools_of_a_server_that_died_say_so_and_work_once_it_is_back(tmp_path: Path) -> None:
    steps = (calls("die"), says("", ("c2", "mcp__asking__where", {})), says("It is gone."))
    more = (calls("where"), says("It is back."))
    async with served(tmp_path, *steps, *more) as visit:
        begun = await visit.turn("claw.ask", prompt="die")
        assert "went away during the call" in visit.model.results(1)
        assert "is_error" in visit.model.results(2)
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        await visit.turn("claw.ask", prompt="again", session=begun["session"])
        assert "file://" in visit.model.results(4)


async def test_a_server_of_the_new_protocol_that_asks_in_the_old_way_is_connected_to_in_the_old_way(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, calls("pushed"), says("Once more."), calls("pushed"), says("Done.")) as visit:
        assert view(visit).protocol == "2026-07-28"
        begun = await visit.turn("claw.ask", prompt="ask me")
        assert "call the tool once more" in visit.model.results(1)
        await visit.until(lambda: view(visit).standing == "up" and view(visit).protocol < "2026", PATIENCE)
        again = await visit.command("claw.ask", prompt="again", session=begun["session"])
        await answers(visit, "once", title="asking asks: How many are you?")
        await answers(visit, "deny", "3", title="asking asks for")
        await answers(visit, "skip", title="asking asks for")
        await visit.end(again["run"])
        assert "accept 3" in visit.model.results(3)
