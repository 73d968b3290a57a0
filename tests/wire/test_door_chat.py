"""A chat document and its session through the whole door: what is sent while a turn runs, and what comes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from door_desk import Visit, visiting, waits

from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.writer import render
from claw_lsp.facts.request import Request
from claw_lsp.testing.scripted_model import says


async def chat(visit: Visit) -> tuple[str, str]:
    """An open chat, with its session."""
    opened = await visit.command("claw.chat")
    return opened["path"], opened["session"]


def writes(visit: Visit, path: str, words: str) -> None:
    visit.editor.type(path, len(visit.text(path)), words)


async def sends(visit: Visit, path: str, words: str) -> dict:
    number = parse(visit.text(path)).number
    writes(visit, path, words)
    answer = await visit.command("claw.send", uri=visit.uri(path))
    await visit.until(lambda: parse(visit.text(path)).number > number)
    return answer


def said(request: Request) -> list[str]:
    """The texts of the last message."""
    return [it["text"] for it in request.messages[-1]["content"] if it["type"] == "text"]


async def test_a_prompt_sent_while_a_turn_runs_steers_it(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    async with visiting(tmp_path, waits("Looking.", event=goes_on), says("Both are done.")) as visit:
        path, session = await chat(visit)
        begun = await sends(visit, path, "mend a")
        await visit.until(lambda: "Looking." in visit.text(path))
        assert await sends(visit, path, "and b") == begun | {"steered": True}
        goes_on.set()
        assert (await visit.end(begun["run"]))["text"] == "Both are done."
        assert said(visit.model.requests[1]) == ["and b"]
        assert visit.kinds(session)[-5:] == ["user_spoke", "steered", "model_spoke", "model_spoke", "turn_ended"]
        await visit.until(lambda: visit.text(path) == render(visit.log(session)))


async def test_what_a_stopped_turn_had_not_read_begins_the_next_by_itself(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking."), says("This instead.")) as visit:
        path, session = await chat(visit)
        begun = await sends(visit, path, "mend a")
        await visit.until(lambda: "Looking." in visit.text(path))
        await sends(visit, path, "no, b")
        await visit.command("claw.stop", run=begun["run"])
        await visit.until(lambda: visit.kinds(session).count("turn_ended") == 2)
        assert said(visit.model.requests[1])[-1].startswith("[The turn ended before you read")
        assert "no, b" in str(visit.model.requests[1].messages)
        await visit.until(lambda: visit.text(path) == render(visit.log(session)))
        assert visit.text(path).count("no, b") == 1


async def test_what_was_steered_by_command_and_not_read_is_not_lost_either(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking."), says("Yes.")) as visit:
        begun = await visit.command("claw.ask", prompt="mend a")
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.steer", run=begun["run"], prompt="and b")
        await visit.command("claw.stop", run=begun["run"])
        await visit.until(lambda: visit.kinds(begun["session"]).count("turn_ended") == 2)
        assert visit.log(begun["session"])[-3].event.text == "and b"


async def test_words_that_no_request_held_wait_while_the_connection_ends(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking.")) as visit:
        begun = await visit.command("claw.ask", prompt="mend a")
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.steer", run=begun["run"], prompt="and b")
        door = visit.server.door
        assert door is not None
        session = door.house.sessions.opened[begun["session"]]
    assert [it.event.kind for it in session.entries].count("user_spoke") == 1
    assert session.state.unread == ("and b",)
