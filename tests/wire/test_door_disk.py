"""Turns on a disk that is full or read-only: they stop with what to do, and nothing that was shown is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.facts.event import ModelSpoke
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import TextArrived
from claw_lsp.ports.model import Hear
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Visit, refused, visiting
from tests.wire.faulty_disk import FaultyFiles, full, read_only


def on(visit: Visit, files: FaultyFiles) -> None:
    """From here on the visit's logs are on this disk."""
    door = visit.server.door
    assert door is not None
    door.house.sessions._archive = JsonlArchive(visit.home / "claw", SystemClock(), files)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "remedy"), [(full(), "Free some space"), (read_only(), "Make that folder writable, or set CLAW_HOME")]
)
async def test_r56_no_session_begins_where_no_log_can_be_written_and_it_is_said_why(
    tmp_path: Path, fault: OSError, remedy: str
) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        files = FaultyFiles(1, fault, stays=True)
        on(visit, files)
        error = await refused(visit, "claw.ask", prompt="hello")
        assert "cannot be written" in str(error)
        assert remedy in str(error)
        assert (await visit.command("claw.status"))["session"] is None, "the server stays up"
        files.heal()
        assert (await visit.turn("claw.ask", prompt="hello"))["text"] == "Hi."


async def test_r56_a_disk_that_fills_up_in_a_reply_stops_the_turn_and_what_was_shown_is_there_afterwards(
    tmp_path: Path,
) -> None:
    files = FaultyFiles()

    async def streams(request: Request, hear: Hear) -> Reply:
        await hear(TextArrived("Shown before. "))
        await asyncio.sleep(0)
        files.arm(1, full(), stays=True)
        await hear(TextArrived("Never shown."))
        raise AssertionError("the turn was to stop")

    async with visiting(tmp_path, streams, says("And on.")) as visit:
        on(visit, files)
        begun = await visit.command("claw.chat", prompt="go")
        ended = await visit.end(begun["run"])
        assert ended["stopped"] == "failed"
        assert "cannot be written: No space left on device. Free some space" in ended["why"]
        await visit.until(lambda: "Shown before." in visit.text(begun["path"]))
        await visit.settle()
        assert any("Free some space" in it["message"] for it in visit.messages)
        assert "Never shown" not in visit.text(begun["path"])
        session = begun["session"]
        kept = next((visit.home / "claw" / "projects").glob(f"*/{session}.partial"))
        assert "Shown before. " in kept.read_text()
        files.heal()
        assert (await visit.turn("claw.ask", session=session, prompt="go on"))["text"] == "And on."
        door = visit.server.door
        assert door is not None
        replies = [it.event for it in await door.house.sessions.entries(session) if isinstance(it.event, ModelSpoke)]
        assert [(it.blocks[0]["text"], it.cut) for it in replies] == [("Shown before. ", True), ("And on.", False)]
        assert "Shown before." in str(visit.model.requests[-1].messages)


async def test_r56_a_command_is_not_run_when_its_permission_cannot_be_written(tmp_path: Path) -> None:
    files = FaultyFiles()
    call = says("", ("c1", "Bash", {"command": "touch ran"}))
    async with visiting(tmp_path, call) as visit:
        on(visit, files)
        begun = await visit.command("claw.ask", prompt="go")
        box = await visit.box()
        files.arm(1, full(), stays=True)
        box.pick("Allow once")
        ended = await visit.end(begun["run"])
        assert (ended["stopped"], "Free some space" in ended["why"]) == ("failed", True)
        assert not (visit.root / "ran").exists()
        files.heal()
