"""How turns begin, are steered, called off and asked again: nothing the person said is lost, and a run always ends."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
from door_desk import PLAIN, visiting, waits

from claw_lsp.core.recover import INTERRUPTED
from claw_lsp.facts.event import ModelChanged, UserSpoke
from claw_lsp.facts.request import Reply, Request
from claw_lsp.ports.model import Hear
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import NoAnswer, WireError


def words(visit: Any, session: str) -> list[str]:
    return [it.event.text for it in visit.log(session) if isinstance(it.event, UserSpoke)]


async def test_a_run_that_is_cancelled_in_the_same_breath_ends_and_its_words_are_in_the_log(tmp_path: Path) -> None:
    async with visiting(
        tmp_path, says("First."), *(waits("Half") for _ in range(12)), says("On."), ends=False
    ) as visit:
        begun = await visit.command("claw.ask", prompt="first")
        await visit.end(begun["run"])
        session = begun["session"]
        for n in range(12):
            asked = visit.send_command("claw.ask", session=session, prompt=f"again {n}")
            visit.client.cancel(asked)
            with pytest.raises(WireError, match="-32800"):
                await visit.client.answer_to(asked)
        await visit.until(lambda: not visit.server.door.runs.active())
        said = words(visit, session)
        assert said == ["first", *[f"again {n}" for n in range(12) if f"again {n}" in said]]
        kinds = visit.kinds(session)
        assert kinds.count("user_spoke") == kinds.count("turn_ended")
        assert (await visit.command("claw.status"))["runs"] == []


async def test_a_chat_whose_turn_is_stopped_at_once_takes_the_next_words(tmp_path: Path) -> None:
    async def answers(request: Request, hear: Hear) -> Reply:
        # The stop may come before the model is asked for the first time, or while it speaks.
        return says("Hello.") if "more words" in str(request.messages[-1]) else await waits("Half")(request, hear)

    async with visiting(tmp_path, answers, answers, ends=False) as visit:
        chat = await visit.command("claw.chat")
        name = str(Path(chat["path"]).relative_to(visit.root))
        visit.editor.type(chat["path"], len(visit.text(name)), "my words\n")
        sent = await visit.command("claw.send", uri=visit.uri(name))
        await visit.command("claw.stop", run=sent["run"])
        assert (await visit.end(sent["run"]))["stopped"] == "interrupted"
        await visit.settle()
        visit.editor.type(chat["path"], len(visit.text(name)), "more words\n")
        sent = await visit.command("claw.send", uri=visit.uri(name))
        await visit.end(sent["run"])
        await visit.settle()
        text = visit.text(name)
        assert text.index("my words") < text.index("more words")
        assert words(visit, chat["session"])[-1] == "more words"


async def test_the_end_of_an_interrupted_run_says_what_it_took(tmp_path: Path) -> None:
    path = tmp_path / "ws" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_text("one\n")
    look = says("Looking.", ("c1", "Read", {"file_path": str(path)}))
    async with visiting(tmp_path, look, waits("Half")) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        await visit.until(lambda: len(visit.model.requests) == 2)
        await visit.command("claw.stop", run=begun["run"])
        ended = await visit.end(begun["run"])
        assert (ended["stopped"], ended["why"]) == ("interrupted", INTERRUPTED)
        (usage,) = ended["usage"].values()
        assert usage["output_tokens"] == 20


async def test_a_turn_that_waits_for_another_and_is_called_off_is_recorded(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Half"), says("Next.")) as visit:
        one = await visit.command("claw.ask", prompt="one")
        await visit.until(lambda: visit.model.requests)
        two = await visit.command("claw.ask", session=one["session"], prompt="two")
        await visit.command("claw.stop", run=two["run"])
        assert (await visit.end(two["run"]))["stopped"] == "interrupted"
        await visit.command("claw.stop", run=one["run"])
        await visit.end(one["run"])
        await visit.until(lambda: visit.kinds(one["session"]).count("turn_ended") == 2)
        three = await visit.command("claw.ask", session=one["session"], prompt="three")
        await visit.end(three["run"])
        assert words(visit, one["session"]) == ["one", "two", "three"]


async def test_steering_is_for_the_turn_that_runs_and_for_no_other(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with visiting(tmp_path, waits("Half", event=go), says("Heard you."), says("Second.")) as visit:
        one = await visit.command("claw.ask", prompt="one")
        two = await visit.command("claw.ask", session=one["session"], prompt="two")
        await visit.until(lambda: visit.model.requests)
        with pytest.raises(WireError, match="waits for another"):
            await visit.command("claw.steer", run=two["run"], prompt="to the second")
        await visit.command("claw.steer", run=one["run"], prompt="to the first")
        assert "steered" in visit.kinds(one["session"]), "it is in the log before the command answers"
        go.set()
        await visit.end(one["run"])
        await visit.end(two["run"])
        assert "to the first" in json.dumps(visit.model.requests[1].messages, default=list)
        with pytest.raises(WireError, match="has ended"):
            await visit.command("claw.steer", run=one["run"], prompt="too late")


async def test_model_and_effort_picked_during_a_turn_both_hold_after_it(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with visiting(tmp_path, waits("Half", event=go), says("Next.")) as visit:
        one = await visit.command("claw.ask", prompt="one")
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.model", model="sonnet")
        await visit.command("claw.effort", effort="high")
        go.set()
        await visit.end(one["run"])
        two = await visit.command("claw.ask", session=one["session"], prompt="two")
        await visit.end(two["run"])
        first, second = visit.model.requests
        assert first.model != second.model == "claude-sonnet-5-5"
        assert second.effort == "high"
        assert sum(isinstance(it.event, ModelChanged) for it in visit.log(one["session"])) == 2


async def test_model_and_mode_given_for_a_session_that_is_there_hold(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        one = await visit.command("claw.ask", prompt="one")
        await visit.end(one["run"])
        two = await visit.command("claw.ask", session=one["session"], prompt="two", model="haiku", mode="plan")
        await visit.end(two["run"])
        assert visit.model.requests[1].model == "claude-haiku-5-5"
        assert (await visit.command("claw.status", session=one["session"]))["mode"] == "plan"


async def test_asking_again_is_about_the_file_as_it_is_now_and_doubles_no_words(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        path = visit.open("calc.py", "first text\n")
        one = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        await visit.end(one["run"])
        visit.editor.type(path, 0, "newer ")
        two = await visit.command("claw.retry", run=one["run"])
        await visit.end(two["run"])
        assert words(visit, one["session"]) == ["Fix calc.py", "Fix calc.py"]
        assert "newer first text" in json.dumps(visit.model.requests[1].messages[-1], default=list)


async def test_a_palette_command_after_a_chat_is_about_the_file_before_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("It adds."), says("It still adds.")) as visit:
        visit.open("calc.py", "print(1)\n")
        one = await visit.command("claw.explain")
        await visit.end(one["run"])
        two = await visit.command("claw.explain")
        await visit.end(two["run"])
        assert words(visit, two["session"]) == ["Explain calc.py"]


async def test_a_client_that_never_answers_for_its_progress_holds_up_no_turn(tmp_path: Path) -> None:
    def silent(params: Any) -> Any:
        raise NoAnswer

    async with visiting(
        tmp_path, says("Quick."), capabilities=PLAIN, answers={"window/workDoneProgress/create": silent}
    ) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        async with asyncio.timeout(8):
            assert (await visit.end(begun["run"]))["stopped"] == "done"


async def test_r56_a_log_that_cannot_be_written_fails_the_command_and_the_next_turn_closes_what_it_left(
    tmp_path: Path,
) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        one = await visit.command("claw.ask", prompt="one")
        await visit.end(one["run"])
        session = one["session"]
        door = visit.server.door
        assert door is not None
        size = Path(door.house.sessions.opened[session].log.path).stat().st_size
        before = len(visit.log(session))
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(WireError, match="cannot be written"):
                await visit.command("claw.ask", session=session, prompt="lost?")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
        assert len(visit.log(session)) == before
        two = await visit.command("claw.ask", session=session, prompt="two")
        assert (await visit.end(two["run"]))["text"] == "Two."


async def test_a_second_editor_of_a_folder_has_a_chat_of_its_own(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One.")) as first:
        one = await first.command("claw.chat", prompt="hello")
        await first.end(one["run"])
        async with visiting(tmp_path) as second:
            other = await second.command("claw.chat")
            assert other["session"] != one["session"]
            with pytest.raises(WireError, match="session: "):
                await second.command("claw.chat", session="nonsense")


async def test_a_turn_stopped_while_the_first_of_several_reads_is_asked_about_forgets_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The second call's plan was made ahead and is a bad one: nobody takes it, and nothing is said of it."""
    outside = tmp_path / "outside.txt"
    outside.write_text("secret\n")
    reads = says("", ("c1", "Read", {"file_path": str(outside)}), ("c2", "Read", {"offset": "x"}))
    async with visiting(tmp_path, reads, says("Good.")) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        await visit.until(lambda: visit.boxes)
        session = visit.server.door.house.sessions.opened[begun["session"]] if visit.server.door else None
        assert session is not None
        assert "c2" in session.ahead
        await visit.command("claw.stop", run=begun["run"])
        assert (await visit.end(begun["run"]))["stopped"] == "interrupted"
        assert "c2" not in session.ahead
        ended = await visit.turn("claw.ask", prompt="again", session=begun["session"])
        assert ended["text"] == "Good."
        gc.collect()
    assert "never retrieved" not in caplog.text


def settings(root: Path, **given: Any) -> None:
    (root / "ws" / ".claw").mkdir(parents=True)
    (root / "ws" / ".claw" / "settings.json").write_text(json.dumps(given))


async def test_the_model_is_told_when_the_same_call_keeps_failing_and_a_success_begins_anew(tmp_path: Path) -> None:
    def read(n: int) -> Any:
        return says("", (f"c{n}", "Read", {"file_path": "b.txt"}))

    async def there(request: Any, hear: Any) -> Any:
        await asyncio.to_thread((tmp_path / "ws" / "b.txt").write_text, "b\n")
        return read(3)

    async with visiting(tmp_path, *map(read, range(3)), there, read(4), says("Done.")) as visit:
        ended = await visit.turn("claw.ask", prompt="read b")
        assert ended["stopped"] == "done"
        told = [n for n in range(1, 6) if "This very call failed" in visit.model.results(n)]
        assert told == [3]
        assert "This very call failed 3 times in this turn" in visit.model.results(3)


async def test_a_turn_that_takes_too_long_is_ended_and_the_time_of_a_question_does_not_count(tmp_path: Path) -> None:
    settings(tmp_path, maxMinutes=2 / 60)
    asks = says("", ("c1", "Bash", {"command": "make it"}))
    async with visiting(tmp_path, asks, waits("Half")) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        box = await visit.box()
        for _ in range(4):
            await asyncio.sleep(0.6)
        box.pick("Allow once")
        ended = await visit.end(begun["run"])
        assert ended["stopped"] == "limit"
        assert ended["text"] == "Half"
        kinds = visit.kinds(begun["session"])
        assert kinds[-2:] == ["model_spoke", "turn_ended"]
        assert "call_finished" in kinds
        (last,) = [it.event for it in visit.log(begun["session"]) if it.event.kind == "turn_ended"]
        assert "reached its limit of 0.0333333 minutes" in last.model_dump()["why"]
