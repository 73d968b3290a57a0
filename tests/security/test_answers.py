"""D05, D06, D07: only an explicit answer that comes in time is a yes. In security_cases.json these are a "deny", which means
here: the command did not run, and the question waits (docs/architecture.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.testing.wire import WireError
from tests.wire.door_desk import runs, says, visiting


@pytest.mark.security_case("D05", "D06")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"title": "allow once"},
        {"title": "Allow"},
        "Allow once",
        WireError(-32601, "not known"),
        WireError(1, "x"),
    ],
    ids=str,
)
async def test_no_answer_and_no_proper_answer_runs_nothing_and_the_question_waits(tmp_path: Path, answer: Any) -> None:
    async with visiting(tmp_path, runs("touch ran.txt")) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        (await visit.box()).say(answer)
        (question,) = await visit.asked()
        for _ in range(3):
            await visit.settle()
        assert [it["question"] for it in await visit.questions()] == [question["question"]]
        assert not (visit.root / "ran.txt").exists()
        await visit.command("claw.stop", run=begun["run"])
        await visit.end(begun["run"])
        assert not (visit.root / "ran.txt").exists()


@pytest.mark.security_case("D06")
async def test_an_editor_that_goes_away_has_said_no(tmp_path: Path) -> None:
    async with visiting(tmp_path, runs("touch ran.txt")) as visit:
        await visit.command("claw.ask", prompt="go")
        await visit.box()
        visit.client.hang_up()
        await visit.client.wait_closed()
    assert not (tmp_path / "ws" / "ran.txt").exists()


@pytest.mark.security_case("D07")
@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_a_yes_that_comes_after_the_turn_was_called_off_is_dropped(tmp_path: Path, how: str) -> None:
    async with visiting(tmp_path, runs("touch ran.txt"), says("Again.")) as visit:
        asked = visit.send_command("claw.ask", prompt="go")
        begun = await visit.client.answer_to(asked)
        box = await visit.box()
        (question,) = await visit.asked()
        if how == "stop":
            await visit.command("claw.stop", run=begun["run"])
        else:
            visit.client.cancel(asked)
        ended = await visit.end(begun["run"])
        box.pick("Allow once")
        with pytest.raises(WireError, match="pending question"):
            await visit.command("claw.answer", question=question["question"], choice="once")
        again = await visit.turn("claw.ask", prompt="and now?", session=begun["session"])
        assert (ended["stopped"], again["stopped"]) == ("interrupted", "done")
        assert not (visit.root / "ran.txt").exists()
        assert not any(
            it.event.kind == "call_judged" and it.event.decision == "allow" for it in visit.log(begun["session"])
        )
