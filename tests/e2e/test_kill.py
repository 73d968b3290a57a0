"""kill -9 of the real server at twenty points of a turn: the log resumes with all that was shown, and no process is left."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest
from process_desk import alive, provider, serving

from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.core.fold import fold
from claw_lsp.core.step import Rest, next_step
from claw_lsp.facts.event import Entry
from claw_lsp.testing.messages_api import Match, MessagesApi, Reply, Text, ToolUse

CALC = "def add(a, b):\n    return a - b\n"
N_POINTS = 20
LENGTH = 1.8
"""Seconds from the first request of the turn to its end, about."""
WORD = re.compile(r"\b[xyz]\d{3}\b")


def words(letter: str) -> Text:
    """A text whose words tell where it breaks off."""
    pieces = tuple(f"{letter}{n:03} " for n in range(30))
    return Text(text="".join(pieces), pieces=pieces, pace=0.012)


def turn(file: Path, seconds: int) -> tuple[Reply, ...]:
    edit = {"file_path": str(file), "old_string": "a - b", "new_string": "a + b"}
    command = f"(setsid nohup sleep {seconds} >/dev/null 2>&1 &); sleep {seconds} & sleep 0.15; echo over"
    return (
        Reply(content=("I am back.",), match=Match(last_user_contains="are you back?")),
        Reply(content=(ToolUse(name="Read", input={"file_path": str(file)}),)),
        Reply(content=(words("x"), ToolUse(name="Edit", input=edit))),
        Reply(content=(words("y"), ToolUse(name="Bash", input={"command": command}))),
        Reply(content=(words("z"),)),
    )


async def killed(tmp_path: Path, point: int, seconds: int) -> tuple[str, str, str]:
    """One turn, killed at its point: session, what the chat document showed by then, and the file in the editor."""
    file = tmp_path / "ws" / "calc.py"
    async with provider(*turn(file, seconds)) as api:
        async with serving(tmp_path, api) as server:
            server.auto = "Allow once"
            file.write_text(CALC)
            server.editor.open(str(file), "# unsaved\n" + CALC)
            begun = await server.command("claw.chat", prompt="go")
            await server.until(lambda: api.requests)
            await asyncio.sleep((point + random.Random(point).random()) * LENGTH / N_POINTS)
            assert server.client.process
            server.client.process.kill()
            await server.client.process.wait()
            server.client.exit_code = -9
            await server.client.closed.wait()
            await asyncio.sleep(0.05)
            shown = server.editor.text(begun["path"])
            edited = server.editor.text(str(file))
        await resumed_by_another(tmp_path, api, begun["session"], point, shown)
    return begun["session"], shown, edited


async def resumed_by_another(tmp_path: Path, api: MessagesApi, session: str, point: int, shown: str) -> None:
    """Every seventh time a new process, with a new editor, shows all of it and goes on with the session."""
    if point % 7:
        return
    async with serving(tmp_path, api) as server:
        answer = await server.command("claw.chat", session=session)
        wanted = set(WORD.findall(shown))
        await server.until(lambda: wanted <= set(WORD.findall(server.editor.text(answer["path"]))))
        begun = await server.command("claw.ask", session=session, prompt="are you back?")
        assert (await server.command("claw.wait", run=begun["run"]))["text"] == "I am back."
        await server.until(lambda: "I am back." in server.editor.text(answer["path"]))


async def resumed(tmp_path: Path, session: str) -> list[Entry]:
    """The session as another process finds it."""
    home = tmp_path / "home"
    world = World({"HOME": str(home)}, str(home), str(home / "claw"), str(tmp_path / "ws"))
    house = await asyncio.to_thread(build, world)
    try:
        return list((await house.sessions.resume(session)).entries)
    finally:
        await house.close()


async def nothing_left(seconds: int) -> None:
    for _ in range(200):
        if not alive(str(seconds)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"sleep {seconds} lives on")


async def killed_and_checked(tmp_path: Path, point: int) -> str:
    """What the log held at the end, in kinds."""
    seconds = 96_000_000 + point * 1000 + random.randrange(1000)
    session, shown, edited = await killed(tmp_path, point, seconds)
    await nothing_left(seconds)
    entries = await resumed(tmp_path, session)
    assert isinstance(next_step(fold(it.event for it in entries)), Rest)
    kept = [it.event for it in entries]
    said = " ".join(WORD.findall(str([it.blocks for it in kept if it.kind == "model_spoke"])))
    seen = " ".join(WORD.findall(shown))
    assert said.startswith(seen), f"shown and lost: {seen.removeprefix(said)}"
    allowed = [it.title for it in kept if it.kind == "call_judged" and it.decision == "allow"]
    assert "a + b" not in edited or any("Edit" in it for it in allowed)
    assert edited in ("# unsaved\n" + CALC, "# unsaved\n" + CALC.replace("a - b", "a + b"))
    assert kept[-1].kind == "turn_ended"
    calls = sum(len([b for b in it.blocks if b["type"] == "tool_use"]) for it in kept if it.kind == "model_spoke")
    assert sum(it.kind == "call_finished" for it in kept) == calls
    return f"{point}: {len(seen.split())} words shown, {' '.join(it.kind for it in kept[2:])}"


@pytest.mark.timeout(300)
async def test_killed_at_twenty_points_of_a_turn_nothing_that_was_shown_is_lost(tmp_path: Path) -> None:
    """Four at a time: most of the time is the start of Python."""
    told: list[str] = []
    for first in range(0, N_POINTS, 4):
        points = range(first, first + 4)
        told += await asyncio.gather(*(killed_and_checked(tmp_path / str(it), it) for it in points))
    stages = {it.split(", ")[1].split()[-2] for it in told}
    assert len(stages) >= 2, "the points were to lie all over the turn"
