"""The faults of specs/reliability.md at the door itself; docs/reliability.md lists which test carries which number."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from door_desk import PLAIN, Visit, edits, refused, runs, visiting, waits

from claw_lsp.core.fold import fold
from claw_lsp.core.recover import INTERRUPTED
from claw_lsp.core.step import Rest, next_step
from claw_lsp.facts.event import ModelSpoke
from claw_lsp.testing.lag import loop_lag
from claw_lsp.testing.messages_api import MessagesApi, Reply, Text, ToolUse, script
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import NoAnswer, WireError

CALC = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"
SECONDS = 97_000_000
"""More than anybody sleeps for: what has this in its command line is ours."""


def calc(tmp_path: Path) -> str:
    return str(tmp_path / "ws" / "calc.py")


def fix(tmp_path: Path) -> tuple[Any, ...]:
    return (*edits(calc(tmp_path), "a - b", "a + b"), says("Fixed."))


def alive(word: str) -> list[int]:
    """Processes with this in their command line."""
    found: list[int] = []
    for it in psutil.process_iter(["cmdline", "status"]):
        if it.info["status"] != psutil.STATUS_ZOMBIE and any(word in part for part in it.info["cmdline"] or ()):
            found.append(it.pid)
    return found


def sleeping(n: str) -> list[int]:
    return [it.pid for it in psutil.process_iter(["cmdline"]) if it.info["cmdline"] == ["sleep", n]]


def closed(visit: Visit, session: str) -> None:
    """The log ends with an interrupted turn, is whole, and asks for nothing."""
    events = [it.event for it in visit.log(session)]
    last = [it for it in events if it.kind != "checkpointed"][-1]
    assert (last.kind, last.stopped, last.why) == ("turn_ended", "interrupted", INTERRUPTED)
    assert isinstance(next_step(fold(events)), Rest)


# ---- R01, R02: cancelling -------------------------------------------------------------------------------------------

WAYS = ("start", "wait", "progress", "stop")


async def cancel(visit: Visit, way: str, starting: int, waiting: int, run: str) -> None:
    """Cancel a turn in one of the four ways a client has."""
    if way == "stop":
        await visit.command("claw.stop", run=run)
    elif way == "progress":
        await visit.until(lambda: visit.hear() or visit.progress)
        visit.client.notify("window/workDoneProgress/cancel", {"token": visit.progress[-1]["token"]})
    else:
        visit.client.cancel(starting if way == "start" else waiting)


async def begin(visit: Visit, prompt: str = "go", **more: Any) -> tuple[int, int, dict[str, Any]]:
    starting = visit.send_command("claw.ask", prompt=prompt, **more)
    begun = await visit.client.answer_to(starting)
    return starting, visit.send_command("claw.wait", run=begun["run"]), begun


LAUNCHERS = {
    "plain": "sleep {n}",
    "setsid": "setsid sleep {n} & sleep {n}",
    "nohup": "nohup sleep {n} >/dev/null 2>&1 & sleep {n}",
    "double fork": "(setsid sh -c 'sleep {n} & exit' &) ; sleep {n}",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_r01_r02_a_cancelled_command_and_all_it_started_are_gone_within_a_second(
    tmp_path: Path, launcher: str, way: str
) -> None:
    n = str(SECONDS + random.randrange(1_000_000))
    command = LAUNCHERS[launcher].format(n=n)
    later = f"({command}); touch later"
    async with visiting(tmp_path, runs(later), says("Well."), auto="Allow once") as visit:
        starting, waiting, begun = await begin(visit)
        await visit.until(lambda: len(sleeping(n)) == command.count("sleep"))
        at = time.monotonic()
        await cancel(visit, way, starting, waiting, begun["run"])
        ended = await visit.end(begun["run"])
        assert time.monotonic() - at < 30
        assert alive(n) == []
        assert ended["stopped"] == "interrupted"
        if way == "wait":
            with pytest.raises(WireError, match="-32800"):
                await visit.client.answer_to(waiting)
        closed(visit, begun["session"])
        assert (await visit.turn("claw.ask", prompt="well?", session=begun["session"]))["text"] == "Well."
        assert not (visit.root / "later").exists()


STREAM = "One two three four five six seven eight nine ten."


async def test_r01_r02_cancelled_at_twenty_random_points_the_stream_closes_and_nothing_happens_later(
    tmp_path: Path,
) -> None:
    """Over the real adapter: the provider sees the connection go, the tools stop, and the session goes on."""
    chance = random.Random(7)
    counted = "for i in 1 2 3 4 5 6 7 8; do echo x >> {{cwd}}/effects; sleep 0.03; done"

    def turn(_: Any) -> Reply:
        pieces = tuple(STREAM.replace(" ", " |").split("|"))
        return Reply(
            content=(
                Text(text=STREAM, pieces=pieces, pace=0.02),
                ToolUse(name="Bash", input={"command": counted.replace("{{cwd}}", str(tmp_path / "ws"))}),
            )
        )

    def answer(request: Any) -> Reply:
        last = request.body["messages"][-1]
        return Reply(content=("Again.",)) if "are you there" in str(last["content"]) else turn(request)

    scenario = script(*[answer] * 60)
    async with MessagesApi(scenario) as api:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-scripted", "ANTHROPIC_BASE_URL": api.url}
        async with visiting(tmp_path, environment=environment) as visit:
            visit.auto = "Allow once"
            first = await visit.turn("claw.ask", prompt="are you there?")
            effects = visit.root / "effects"
            for point in range(20):
                await visit.settle()
                visit.progress.clear()
                starting, waiting, begun = await begin(visit, session=first["session"])
                await asyncio.sleep(chance.random() * 0.55)
                at = time.monotonic()
                await cancel(visit, WAYS[point % 4], starting, waiting, begun["run"])
                ended = await visit.end(begun["run"])
                assert time.monotonic() - at < 30
                assert ended["stopped"] == "interrupted", point
                closed(visit, begun["session"])
                done = effects.read_text() if effects.exists() else ""
                await asyncio.sleep(0.08)
                assert (effects.read_text() if effects.exists() else "") == done
            assert any(it.abandoned for it in api.requests)
            await visit.until(lambda: all(it.finished or it.abandoned for it in api.requests))
            again = await visit.turn("claw.ask", prompt="are you there?", session=first["session"])
            assert again["text"] == "Again."


@pytest.mark.parametrize("shown", [True, False])
async def test_what_the_provider_counted_before_the_turn_was_stopped_is_paid_for(tmp_path: Path, shown: bool) -> None:
    """The prompt's tokens come with the first event, so they are known however early the person stops."""
    pieces = ("One ", "two ", "three.") if shown else (" ", " ", "One two three.")
    scenario = script(Reply(content=(Text(pieces=pieces, text="".join(pieces), pace=0.6),)), "Whole.")
    async with MessagesApi(scenario) as api:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-scripted", "ANTHROPIC_BASE_URL": api.url}
        async with visiting(tmp_path, environment=environment) as visit:
            begun = await visit.command("claw.ask", prompt="go")
            assert visit.server.door is not None
            session = visit.server.door.house.sessions.opened[begun["session"]]
            await visit.until(lambda: session.partial.usage.prompt_tokens > 0 and bool(session.partial.text) == shown)
            await visit.command("claw.stop", run=begun["run"])
            ended = await visit.end(begun["run"])
            (usage,) = ended["usage"].values()
            assert usage["input_tokens"] + usage["cache_read_tokens"] + usage["cache_write_5m_tokens"] > 1000
            assert ended["cost"] > 0
            spoke = next(it.event for it in session.entries if isinstance(it.event, ModelSpoke))
            assert (spoke.cut, spoke.cost) == (True, ended["cost"])
            assert (await visit.turn("claw.ask", prompt="again", session=begun["session"]))["text"] == "Whole."
            assert session.state.cost is not None and session.state.cost > ended["cost"]
            assert [it.refusal for it in api.requests] == [None, None]


async def test_r02_every_progress_ends_and_a_token_of_the_past_stops_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Half"), waits("Other"), says("End.")) as visit:
        _, _, one = await begin(visit)
        await visit.until(lambda: visit.hear() or (visit.progress and visit.model.requests))
        token = visit.progress[0]["token"]
        visit.client.notify("window/workDoneProgress/cancel", {"token": token})
        assert (await visit.end(one["run"]))["stopped"] == "interrupted"
        _, _, two = await begin(visit)
        await visit.until(lambda: len(visit.model.requests) == 2)
        visit.client.notify("window/workDoneProgress/cancel", {"token": token})
        visit.client.notify("window/workDoneProgress/cancel", {"token": "never seen"})
        await visit.settle()
        assert [it["run"] for it in (await visit.command("claw.status"))["runs"]] == [two["run"]]
        await visit.command("claw.stop")
        await visit.end(two["run"])
        await visit.turn("claw.ask", prompt="end")
        await visit.settle()
        kinds: dict[str, list[str]] = {}
        for it in visit.progress:
            kinds.setdefault(it["token"], []).append(it["value"]["kind"])
        assert all(it[0] == "begin" and it[-1] == "end" and it.count("end") == 1 for it in kinds.values())
        assert len(kinds) == 3


async def test_r01_cancelling_a_request_that_has_nothing_to_do_with_a_turn_stops_none(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with visiting(tmp_path, waits("Half", event=go)) as visit:
        _, _, begun = await begin(visit)
        status = visit.send_command("claw.status")
        await visit.client.answer_to(status)
        visit.client.cancel(status)
        visit.client.cancel("not an id of ours")
        go.set()
        assert (await visit.end(begun["run"]))["stopped"] == "done"


# ---- R03, R13: the loop, and bugs -----------------------------------------------------------------------------------


async def test_r03_nothing_at_the_door_holds_the_loop(tmp_path: Path) -> None:
    big = "x = 1\n" * 20_000
    async with visiting(tmp_path, *edits(calc(tmp_path), "y = 2", "z = 3"), says("Done."), auto="Allow once") as visit:
        visit.open("calc.py", big + "y = 2\n")
        await visit.command("claw.status")
        async with loop_lag() as lag:
            begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
            for _ in range(50):
                await visit.actions("calc.py", kind=2)
            await visit.end(begun["run"])
        assert visit.text("calc.py") == big + "z = 3\n"
        assert lag.worst < 0.25  # The client's double and the provider's share this loop.


async def test_r13_a_bug_in_a_command_tells_no_path_no_trace_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "sk-ant-canary-123"

    async with visiting(tmp_path, says("Fine.")) as visit:

        @visit.server.wire.command("test.broken")
        async def broken(*given: Any) -> None:
            raise RuntimeError(f"{canary} in {tmp_path}")

        error = await refused(visit, "test.broken")
        assert error.code == -32603
        said = f"{error.message} {error.data}"
        assert not any(it in said for it in (canary, str(tmp_path), "Traceback", ".py"))
        assert canary in caplog.text
        assert (await visit.turn("claw.ask", prompt="still there?"))["text"] == "Fine."


async def test_r13_a_bug_in_a_turn_fails_the_turn_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Any, hear: Any) -> Any:
        raise RuntimeError(f"sk-ant-canary-123 in {tmp_path}")

    async with visiting(tmp_path, broken, says("Fine.")) as visit:
        ended = await visit.turn("claw.ask", prompt="go")
        assert ended["stopped"] == "failed"
        await visit.until(lambda: visit.hear() or visit.messages)
        for said in (ended["why"], visit.messages[0]["message"]):
            assert "canary" not in said
            assert str(tmp_path) not in said
        assert "canary" in caplog.text
        again = await visit.turn("claw.ask", prompt="again", session=ended["session"])
        assert again["text"] == "Fine."


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("claw.ask", {}, "prompt: expected a value"),
        ("claw.ask", {"prompt": ""}, "prompt:"),
        ("claw.ask", {"prompt": "x", "rnage": 1}, "rnage: this command has no such field"),
        ("claw.ask", {"prompt": "x", "range": {"start": {"line": -1, "character": 0}}}, "range.start.line:"),
        ("claw.ask", {"prompt": "x", "mode": "yolo"}, "mode:"),
        ("claw.wait", {"run": "nobody"}, "run: expected the id of a run"),
        ("claw.wait", {}, "run: expected a value"),
        ("claw.answer", {"question": "q", "choice": "once"}, "question: expected the id of a pending question"),
        ("claw.send", {"uri": "file:///nowhere.md"}, "uri: expected a chat document"),
        ("claw.steer", {"prompt": "x"}, "run: expected the id of a run"),
    ],
)
async def test_r10_arguments_that_do_not_fit_name_the_field(
    tmp_path: Path, command: str, given: dict[str, Any], told: str
) -> None:
    async with visiting(tmp_path) as visit:
        error = await refused(visit, command, **given)
        assert error.code == -32602
        assert told in error.message


# ---- R14, R15: documents --------------------------------------------------------------------------------------------


async def test_r14_a_command_right_behind_a_burst_of_typing_sees_the_newest_text(tmp_path: Path) -> None:
    """A thousand bursts of changes, each with a request right behind it."""
    chance = random.Random(14)
    async with visiting(tmp_path) as visit:
        path = visit.open("calc.py", "start 🎉\n")
        door = visit.server.door
        assert door is not None
        seen: list[bool] = []

        @visit.server.wire.command("test.look")
        async def look(*given: Any) -> str:
            return (await door.workspace.read(path)).text

        for _ in range(1000):
            for _ in range(chance.randrange(1, 4)):
                text = visit.text("calc.py")
                start = chance.randrange(len(text) + 1)
                end = min(len(text), start + chance.randrange(4))
                visit.editor.replace(path, start, end, chance.choice(["a", "é\n", "🎉x", "", "\r\n", "e\u0301"]))
            wanted = visit.text("calc.py")
            answer = visit.client.send_request("workspace/executeCommand", {"command": "test.look"})
            if chance.random() < 0.5:
                visit.editor.type(path, 0, "later ")
            seen.append((await visit.client.answer_to(answer)) in (wanted, "later " + wanted))
        assert len(seen) == 1000
        assert all(seen)


async def test_r14_a_turn_started_in_the_same_burst_is_about_the_newest_text(tmp_path: Path) -> None:
    async with visiting(tmp_path, *[says("Seen.")] * 10) as visit:
        path = visit.open("calc.py", "0\n")
        for n in range(1, 11):
            visit.editor.replace(path, 0, len(visit.text("calc.py")), f"value_{n} = {n}\n")
            starting = visit.send_command("claw.explain", uri=visit.uri("calc.py"))
            visit.editor.type(path, 0, "# typed later\n")
            begun = await visit.client.answer_to(starting)
            await visit.end(begun["run"])
            assert f"value_{n} = {n}" in str(visit.model.requests[-1].messages[-1])


async def test_r15_a_buffer_whose_changes_came_out_of_order_is_not_edited_until_it_is_whole_again(
    tmp_path: Path,
) -> None:
    replies = (*fix(tmp_path), *fix(tmp_path))
    async with visiting(tmp_path, *replies, auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        uri = visit.uri("calc.py")
        where = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}

        def change(version: int, **more: Any) -> None:
            identifier = {"uri": uri, "version": version}
            visit.client.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [more]})

        change(3, text="# three\n", range=where)
        change(2, text="# two\n", range=where)
        ended = await visit.turn("claw.fix", uri=uri)
        assert ended["stopped"] == "done"
        assert not visit.requested("workspace/applyEdit")
        assert '"is_error": true' in visit.model.results()
        change(4, text=CALC)
        visit.editor._files[calc(tmp_path)].version = 4
        await visit.turn("claw.fix", uri=uri)
        assert visit.text("calc.py") == FIXED


# ---- R19, R20: what a client lacks ----------------------------------------------------------------------------------

FOUR = ("applyEdit", "documentChanges", "questions", "progress")


@pytest.mark.parametrize(
    "has", list(itertools.product([True, False], repeat=4)), ids=lambda it: "".join("ny"[i] for i in it)
)
async def test_r19_every_set_of_capabilities_is_served(tmp_path: Path, has: tuple[bool, ...]) -> None:
    """Without applyEdit the disk is written, without documentChanges edits are plain, without questions (an error for
    showMessageRequest) the command answers, without progress nobody is told of any."""
    can = dict(zip(FOUR, has, strict=True))
    capabilities = {
        "workspace": {"applyEdit": can["applyEdit"], "workspaceEdit": {"documentChanges": can["documentChanges"]}},
        "window": {"workDoneProgress": can["progress"]},
        "textDocument": PLAIN["textDocument"],
    }

    def unknown(params: Any) -> Any:
        raise WireError(-32601, "Unhandled method window/showMessageRequest")

    answers = {} if can["questions"] else {"window/showMessageRequest": unknown}
    async with visiting(tmp_path, *fix(tmp_path), capabilities=capabilities, answers=answers) as visit:
        visit.auto = "Allow once"
        if can["applyEdit"]:
            visit.open("calc.py", "# unsaved\n" + CALC, on_disk=CALC)
        else:
            visit.write("calc.py", CALC)
        begun = await visit.command("claw.ask", prompt="fix calc.py")
        if not can["questions"]:
            (question,) = await visit.asked()
            await visit.command("claw.answer", question=question["question"], choice="once")
        assert (await visit.end(begun["run"]))["stopped"] == "done"
        assert visit.text("calc.py") == ("# unsaved\n" + FIXED if can["applyEdit"] else FIXED)
        sent = visit.requested("workspace/applyEdit")
        assert len(sent) == (1 if can["applyEdit"] else 0)
        assert all(("documentChanges" in it["edit"]) is can["documentChanges"] for it in sent)
        await visit.settle()
        assert bool(visit.progress) is can["progress"]
        assert bool(visit.requested("window/workDoneProgress/create")) is can["progress"]
        await visit.until(lambda: visit.hear() or visit.messages)
        assert "1 file changed" in visit.messages[-1]["message"]
        assert (await visit.command("claw.diff"))["files"] == [calc(tmp_path)]


async def test_r19_without_code_action_literals_commands_are_offered(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("So."), capabilities={"textDocument": {"codeAction": {}}}) as visit:
        visit.open("calc.py", CALC)
        found = await visit.actions("calc.py")
        assert {"title", "command", "arguments"} == set(found[0])
        begun = await visit.run_action(next(it for it in found if it["command"] == "claw.explain"))
        assert (await visit.end(begun["run"]))["text"] == "So."


async def test_r19_a_client_with_no_capabilities_at_all_is_served(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), capabilities={}) as visit:
        visit.open("calc.py", CALC)
        assert (await visit.turn("claw.explain", uri=visit.uri("calc.py")))["text"] == "Hello."
        assert not visit.editor.requests


async def test_r20_silence_is_no_yes_and_keeps_nothing_else_waiting(tmp_path: Path) -> None:
    """The prompt that is never answered allows nothing; the session rests, and others go on (PRODUCT.md, principle 3)."""

    def silent(params: Any) -> Any:
        raise NoAnswer

    answers = {"window/showMessageRequest": silent}
    async with visiting(tmp_path, runs("touch made"), says("Other."), answers=answers, ends=False) as visit:
        begun = await visit.command("claw.ask", prompt="make it")
        await visit.asked()
        assert (await visit.turn("claw.ask", prompt="other"))["text"] == "Other."
        assert not (visit.root / "made").exists()
        assert ["touch made" in it["title"] for it in await visit.questions()] == [True]
        assert (await visit.command("claw.status"))["questions"] == 1
        await visit.command("claw.stop")
        assert (await visit.end(begun["run"]))["stopped"] == "interrupted"
        assert await visit.questions() == []


# ---- R21: a bad state at the start ----------------------------------------------------------------------------------

GARBAGE = {
    "empty": b"",
    "not json": b"{nope",
    "binary": os.urandom(300),
    "wrong type": b"[1, 2, 3]",
    "wrong fields": b'{"permissions": 5, "model": {}, "hooks": "x", "maxTurns": "many"}',
    "half": b'{"model": "opus", "permissions": {"allow": ["Bash(ls *)"',
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_r21_whatever_stands_in_the_state_files_the_door_opens(tmp_path: Path, kind: str) -> None:
    root, home = tmp_path / "ws", tmp_path / "home"
    logs = home / "claw" / "projects" / str(root).replace("/", "-")
    states = [
        home / "claw" / "settings.json",
        home / ".claude" / "settings.json",
        root / ".claw" / "settings.json",
        root / ".claw" / "settings.local.json",
        root / "CLAW.md",
        logs / "0b9c1d2e-0000-4000-8000-000000000001.jsonl",
        logs / "0b9c1d2e-0000-4000-8000-000000000001.partial",
        root / ".claw" / "chats" / "2026-01-01-old.md",
    ]
    for file in states:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(GARBAGE[kind])
    before = {file: file.read_bytes() for file in states}
    async with visiting(tmp_path, says("Here I am.")) as visit:
        visit.open("calc.py", CALC)
        assert (await visit.command("claw.chat"))["session"]
        assert (await visit.turn("claw.ask", prompt="hello"))["text"] == "Here I am."
        assert len((await visit.command("claw.sessions"))["sessions"]) >= 2
        await visit.settle()
        assert not any(it["type"] == 1 for it in visit.messages)
        if kind in ("not json", "wrong type", "half", "binary"):
            assert any("settings.json" in it["message"] for it in visit.messages)
        assert {file: file.read_bytes() for file in states} == before


async def test_r21_folders_where_files_should_be_and_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home" / "claw" / "settings.json").mkdir(parents=True)
    (tmp_path / "ws" / ".claw").mkdir(parents=True)
    (tmp_path / "ws" / ".claw" / "chats").write_text("no folder")
    (tmp_path / "home" / "claw" / "projects").write_text("no folder either")
    async with visiting(tmp_path, ends=False) as visit:
        error = await refused(visit, "claw.ask", prompt="hello")
        assert error.code == -32803
        assert "projects" in error.message
        assert (await visit.command("claw.status"))["mode"] == "default"


# ---- R36: files that are there --------------------------------------------------------------------------------------


async def test_r36_write_never_replaces_what_the_model_has_not_read(tmp_path: Path) -> None:
    write = says("", ("c1", "Write", {"file_path": calc(tmp_path), "content": "gone\n"}))
    async with visiting(tmp_path, write, says("Oh."), auto="Allow once") as visit:
        visit.open("calc.py", CALC, CALC)
        await visit.turn("claw.ask", prompt="write it")
        assert visit.text("calc.py") == CALC == Path(calc(tmp_path)).read_text()
        assert "ead it" in visit.model.results()
        assert not visit.requested("workspace/applyEdit")


# ---- R46: calls that are not in order -------------------------------------------------------------------------------


async def test_r46_whatever_calls_the_model_makes_every_later_request_is_valid(tmp_path: Path) -> None:
    """The scripted provider refuses, as the real one does, a history in which a call is not answered exactly once."""
    read = {"file_path": calc(tmp_path)}
    replies = (
        Reply(content=(ToolUse(name="Teleport", input={"to": "here"}),)),
        Reply(content=(ToolUse(name="Read", input={"file": 5}),)),
        Reply(content=("Two.", ToolUse(name="Read", input=read), ToolUse(name="Teleport", input={}))),
        Reply(content=("Cut.", ToolUse(name="Read", json_text='{"file_pa')), stop_reason="max_tokens"),
        Reply(content=("Text alone.",), stop_reason="max_tokens"),
        "Done.",
        Reply(content=(ToolUse(name="Bash", input={"command": f"sleep {SECONDS}"}),)),
        "Back.",
    )
    async with MessagesApi(script(*replies)) as api:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-scripted", "ANTHROPIC_BASE_URL": api.url}
        async with visiting(tmp_path, environment=environment) as visit:
            visit.auto = "Allow once"
            visit.write("calc.py", CALC)
            first = await visit.turn("claw.ask", prompt="go")
            assert first["text"].endswith("Done.")
            begun = await visit.command("claw.ask", prompt="wait", session=first["session"])
            await visit.until(lambda: visit.boxes)
            await visit.command("claw.stop")
            await visit.end(begun["run"])
            assert (await visit.turn("claw.ask", prompt="back?", session=first["session"]))["text"] == "Back."
        assert [it.refusal for it in api.requests] == [None] * len(replies)
        assert not api.unexpected
        assert not api.leftover()
