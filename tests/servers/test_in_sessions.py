"""Turns whose tools are of servers that nobody here wrote, through the whole server: asked about, called, their results read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from server_desk import EVERYTHING, FILESYSTEM, NPM, listening, needs_npm, program

from claw_lsp.facts.event import CallFinished
from claw_lsp.facts.mcp import ServerView
from claw_lsp.facts.request import Reply
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Box, Visit, visiting

pytestmark = [needs_npm, pytest.mark.timeout(240)]

PATIENCE = 90.0
WIRES = {"stdio": ("stdio", ""), "http": ("streamableHttp", "mcp"), "sse": ("sse", "sse")}


@asynccontextmanager
async def everything(transport: str) -> AsyncGenerator[dict[str, Any]]:
    """An entry for the server that shows everything, over this transport."""
    wire, path = WIRES[transport]
    if transport == "stdio":
        yield {"command": program(EVERYTHING), "args": ["stdio"], "env": {"PATH": NPM.environment["PATH"]}}
        return
    async with listening(wire) as port:
        yield {"type": transport, "url": f"http://127.0.0.1:{port}/{path}"}


@asynccontextmanager
async def up(tmp_path: Path, transport: str, *steps: Reply) -> AsyncGenerator[Visit]:
    """A visit with the server `all` up."""
    async with AsyncExitStack() as stack:
        entry = await stack.enter_async_context(everything(transport))
        yield await stack.enter_async_context(with_server(tmp_path, "all", entry, *steps))


@asynccontextmanager
async def with_server(tmp_path: Path, name: str, entry: dict[str, Any], *steps: Reply) -> AsyncGenerator[Visit]:
    async with visiting(tmp_path, *steps) as visit:
        visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": {name: entry}}))
        await visit.command("claw.mcp")
        await visit.until(lambda: view(visit).standing == "up" and bool(view(visit).tools), PATIENCE)
        yield visit


def view(visit: Visit) -> ServerView:
    assert visit.server.door is not None
    return visit.server.door.house.servers.views(str(visit.root))[0]


def calls(tool: str, **given: Any) -> Reply:
    return says("", ("c1", tool, given))


def results(visit: Visit, session: str) -> list[CallFinished]:
    return [it.event for it in visit.log(session) if isinstance(it.event, CallFinished)]


async def box(visit: Visit, words: str) -> Box:
    """The open question with these words, once there is one."""

    def found() -> list[Box]:
        return [it for it in visit.boxes if it.open and words in it.message]

    await visit.until(found, PATIENCE)
    return found()[0]


async def answered(visit: Visit, choice: str, title: str, text: str = "") -> dict[str, Any]:
    """Answer the question that waits, once one does, whose title begins so."""
    async with asyncio.timeout(PATIENCE):
        while not (found := [it for it in await visit.questions() if it["title"].startswith(title)]):
            await asyncio.sleep(0.02)
    await visit.command("claw.answer", question=found[0]["question"], choice=choice, text=text)
    async with asyncio.timeout(PATIENCE):
        while any(it["question"] == found[0]["question"] for it in await visit.questions()):
            await asyncio.sleep(0.02)
    return found[0]


@pytest.mark.parametrize("transport", list(WIRES))
async def test_a_tool_is_found_asked_about_and_called(tmp_path: Path, transport: str) -> None:
    steps = (calls("ToolSearch", query="sum of numbers"), calls("mcp__all__get-sum", a=20, b=22), says("42."))
    async with up(tmp_path, transport, *steps) as visit:
        begun = await visit.command("claw.chat", prompt="add them")
        (await box(visit, "Call ")).pick("Allow once")
        assert (await visit.end(begun["run"]))["text"] == "42."
        assert view(visit).protocol.startswith("2025-")
        assert "mcp__all__get-sum" in visit.model.results(1)
        assert "The sum of 20 and 22 is 42." in visit.model.results(2)
        await visit.until(lambda: "mcp__all__get-sum" in visit.text(begun["path"]), PATIENCE)


@pytest.mark.parametrize("transport", list(WIRES))
async def test_its_form_is_answered_and_its_request_to_the_model_is_allowed(tmp_path: Path, transport: str) -> None:
    steps = (
        calls("mcp__all__trigger-elicitation-request"),
        calls("mcp__all__trigger-sampling-request", prompt="hello"),
        says("Hello yourself."),
        says("Done."),
    )
    async with up(tmp_path, transport, *steps) as visit:
        # What a server asks of the person is offered where it knows that we can.
        await visit.until(lambda: any("sampling" in it.name for it in view(visit).tools), PATIENCE)
        begun = await visit.command("claw.ask", prompt="ask me")
        await answered(visit, "once", "Call ")
        await answered(visit, "once", "all asks: Please provide inputs")
        await answered(visit, "deny", "all asks for String", "Ada Lovelace")
        while any(it["title"].startswith("all asks") for it in await visit.asked()):
            await answered(visit, "skip", "all asks for")
        await answered(visit, "once", "Call ")
        await answered(visit, "once", "all wants to ask the model something")
        await visit.end(begun["run"])
        form, written = results(visit, begun["session"])
        assert not form.result.is_error, form.result.content
        assert "Ada Lovelace" in str(form.result.content)
        assert "It was a dark and stormy night." in str(form.result.content)
        assert "Hello yourself." in str(written.result.content)
        assert written.result.side_usage


async def test_the_file_system_reads_what_its_folder_has_and_nothing_else(tmp_path: Path) -> None:
    # The server takes the workspace's folders for its own, since we tell it of them.
    inside, outside = tmp_path / "ws", tmp_path / "secret.txt"
    inside.mkdir()
    (inside / "a.txt").write_text("what the folder has\n")
    outside.write_text("what it has not\n")
    entry = {"command": program(FILESYSTEM), "args": [str(inside)], "env": {"PATH": NPM.environment["PATH"]}}
    read = "mcp__files__read_text_file"
    steps = (calls(read, path=str(inside / "a.txt")), calls(read, path=str(outside)), says("Read."))
    async with with_server(tmp_path, "files", entry, *steps) as visit:
        visit.auto = "Allow once"
        begun = await visit.turn("claw.ask", prompt="read")
        [one, other] = results(visit, begun["session"])
        assert not one.result.is_error and "what the folder has" in str(one.result.content)
        assert other.result.is_error and "what it has not" not in str(other.result.content)


async def test_a_picture_and_structured_output_reach_the_model(tmp_path: Path) -> None:
    steps = (
        calls("mcp__all__get-tiny-image"),
        calls("mcp__all__get-structured-content", location="Chicago"),
        says("Seen."),
    )
    async with up(tmp_path, "stdio", *steps) as visit:
        visit.auto = "Allow once"
        begun = await visit.turn("claw.ask", prompt="show")
        [picture, structured] = results(visit, begun["session"])
        assert [it["type"] for it in picture.result.content] == ["text", "image"]  # type: ignore[index, union-attr]
        assert "temperature" in str(structured.result.content)


async def test_it_sees_the_folders_of_the_workspace_and_one_that_is_added(tmp_path: Path) -> None:
    steps = (calls("mcp__all__get-roots-list"), says("One."), calls("mcp__all__get-roots-list"), says("Two."))
    async with up(tmp_path, "stdio", *steps) as visit:
        await visit.until(lambda: any("roots" in it.name for it in view(visit).tools), PATIENCE)
        visit.auto = "Allow once"
        begun = await visit.turn("claw.ask", prompt="where?")
        assert visit.root.as_uri() in visit.model.results(1)
        await until_logged(visit, "Roots updated: 1 root")
        other = tmp_path / "other"
        other.mkdir()
        added = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
        visit.client.notify("workspace/didChangeWorkspaceFolders", {"event": added})
        await until_logged(visit, "Roots updated: 2 root")
        await visit.turn("claw.ask", prompt="and now?", session=begun["session"])
        assert other.as_uri() in visit.model.results(3)


async def test_what_it_logs_stands_in_its_tail(tmp_path: Path) -> None:
    async with up(tmp_path, "stdio", calls("mcp__all__toggle-simulated-logging"), says("On.")) as visit:
        visit.auto = "Allow once"
        await visit.turn("claw.ask", prompt="log")
        await until_logged(visit, "message")
        page = (await visit.command("claw.mcp"))["path"]
        assert "Its last words:" in Path(page).read_text()


async def until_logged(visit: Visit, words: str) -> None:
    await visit.until(lambda: any(words in it for it in view(visit).log), PATIENCE)


async def test_progress_is_shown_in_the_turn(tmp_path: Path) -> None:
    steps = (calls("mcp__all__trigger-long-running-operation", duration=1, steps=4), says("Done."))
    async with up(tmp_path, "stdio", *steps) as visit:
        visit.auto = "Allow once"
        await visit.turn("claw.ask", prompt="work")
        await until_told(visit, lambda it: "of 4" in it)


async def until_told(visit: Visit, fits: Callable[[str], bool]) -> None:
    def told() -> bool:
        visit.hear()
        return any(fits(json.dumps(it)) for it in visit.progress)

    await visit.until(told, PATIENCE)
