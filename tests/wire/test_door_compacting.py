"""`claw.compact` at the door: it waits for a turn and says so, shows one line, can be called off, and spends what it says."""

from __future__ import annotations

import asyncio
from pathlib import Path

from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import refused, visiting, waits


async def test_a_compaction_by_hand_says_one_line_and_the_next_prompt_is_short(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), says("They said hello."), says("Still here.")) as visit:
        begun = await visit.turn("claw.ask", prompt="say hello, politely")
        answer = await visit.command("claw.compact", focus="manners")
        assert answer == {"session": begun["session"], "waits": False, "text": "It is being compacted."}
        await visit.until(lambda: "compacted" in visit.kinds(begun["session"]))
        await visit.settle()
        assert any("compacted: about" in str(it) for it in visit.messages)
        assert "what concerns this: manners" in str(visit.model.requests[1].messages[-1])
        await visit.turn("claw.ask", prompt="and now?", session=begun["session"])
        told = str(visit.model.requests[2].messages)
        assert "say hello, politely" in told
        assert "They said hello." in told
        shown = await visit.command("claw.cost", session=begun["session"])
        assert "compaction" in str(shown)


async def test_a_compaction_asked_for_while_a_turn_runs_waits_for_it_and_says_so(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with visiting(tmp_path, says("One."), waits("Two.", event=go), says("Notes.")) as visit:
        session = (await visit.turn("claw.ask", prompt="one"))["session"]
        begun = await visit.command("claw.ask", prompt="two", session=session)
        await visit.until(lambda: len(visit.model.requests) == 2)
        answer = await visit.command("claw.compact")
        assert (answer["waits"], answer["text"]) == (True, "It is compacted as soon as its turn has ended.")
        assert "compacted" not in visit.kinds(session)
        go.set()
        await visit.end(begun["run"])
        await visit.until(lambda: "compacted" in visit.kinds(session))
        assert visit.kinds(session).index("turn_ended") < visit.kinds(session).index("compacted")


async def test_where_nothing_was_said_there_is_nothing_to_compact(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        assert "there is nothing to compact yet" in (await refused(visit, "claw.compact")).message


async def test_instructions_are_told_again_as_they_are_now_and_those_of_folders_below_when_they_are_touched(
    tmp_path: Path,
) -> None:
    read = says("", ("r1", "Read", {"file_path": "web/a.py"}))
    again = says("", ("r2", "Read", {"file_path": "web/a.py"}))
    async with visiting(tmp_path, read, says("Read."), says("Notes."), again, says("Again.")) as visit:
        visit.write("CLAW.md", "Use tabs.\n")
        visit.write("web/CLAW.md", "Mind the web.\n")
        visit.write("web/a.py", "x = 1\n")
        session = (await visit.turn("claw.ask", prompt="look"))["session"]
        visit.write("CLAW.md", "Use four spaces.\n")
        await visit.command("claw.compact")
        await visit.until(lambda: "compacted" in visit.kinds(session))
        await visit.turn("claw.ask", prompt="and now?", session=session)
        first, last = (str(it.messages) for it in visit.model.requests[-2:])
        assert ("Use four spaces." in first, "Use tabs." in first) == (True, False)
        assert first.count("Mind the web.") <= last.count("Mind the web.") == 1
