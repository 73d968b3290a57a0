"""docs/shims.md, the server's side: what a client that declares it gets, and that no other client ever gets any of it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from door_desk import CLIENT_NAMES, PLAIN, Visit, edits, introduction_of, visiting, waits

from claw_lsp.facts.language import Diagnostic
from claw_lsp.facts.rule import Mode
from claw_lsp.lsp.events import MOST_OFTEN
from claw_lsp.ports.languages import Symbol
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import NoAnswer, WireError

Json = dict[str, Any]
CALC = "def add(a, b):\n    return a - b\n\nvalue = add(1, 2)\n"


def knows(*names: str) -> Json:
    """A client with everything and these of a shim's powers."""
    return PLAIN | {"experimental": {"claw": dict.fromkeys(names, True)}}


def no_answer(params: Json) -> None:
    raise NoAnswer


def refuses(params: Json) -> None:
    raise WireError(-32603, "something broke in the shim")


RUBBISH: list[Any] = [7, "nonsense", {"a": []}, [None, 4, {"x": 1}], True, [[[]]]]


def listen(visit: Visit) -> list[Json]:
    """The events so far."""
    visit.hear()
    return visit.told


def statuses(visit: Visit) -> list[Json]:
    return [it for it in listen(visit) if it.get("kind") == "status"]


async def status(visit: Visit, **wanted: Any) -> Json:
    """The first status that says this."""

    def found() -> Json | None:
        return next((it for it in statuses(visit) if wanted.items() <= it.items()), None)

    await visit.until(found)
    told = found()
    assert told is not None
    return told


# ---- events ---------------------------------------------------------------------------------------------------------


async def test_the_status_is_told_before_anything_was_asked(tmp_path: Path) -> None:
    async with visiting(tmp_path, capabilities=knows("events")) as visit:
        told = await status(visit, session=None)
    assert told == {
        "kind": "status",
        "session": None,
        "title": None,
        "model": "claude-opus-5-5",
        "mode": "default",
        "effort": None,
        "context": {"used": 0, "window": 1_000_000},
        "cost": 0.0,
        "runs": [],
        "questions": 0,
        "hunks": 0,
        "proposals": 0,
    }


async def test_the_status_follows_a_turn_its_question_and_its_hunk(tmp_path: Path) -> None:
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "a - b", "a + b"), says("Done."))
    async with visiting(tmp_path, *steps, capabilities=knows("events")) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        waiting = await status(visit, questions=1)
        assert [(it["run"], it["session"], it["title"]) for it in waiting["runs"]] == [
            (begun["run"], begun["session"], "Fix calc.py")
        ]
        assert "waiting for your answer" in waiting["runs"][0]["activity"]
        (await visit.box()).pick("Allow once")
        await visit.end(begun["run"])
        told = await status(visit, hunks=1, runs=[])
        assert (told["session"], told["title"], told["questions"]) == (begun["session"], "Fix calc.py", 0)
        assert told["context"]["used"] > 0
        hunks = (await visit.command("claw.hunks"))["hunks"]
        shown = [it for it in listen(visit) if it.get("kind") == "hunks"]
        assert shown[-1] == {"kind": "hunks", "uri": visit.uri("calc.py"), "hunks": hunks}
        await visit.command("claw.keep", hunk=hunks[0]["hunk"])
        await status(visit, hunks=0, runs=[], session=begun["session"], cost=told["cost"])
        shown = [it for it in listen(visit) if it.get("kind") == "hunks"]
        assert shown[-1] == {"kind": "hunks", "uri": visit.uri("calc.py"), "hunks": []}


async def test_hunks_are_told_anew_when_typing_moved_them(tmp_path: Path) -> None:
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "a - b", "a + b"), says("Done."))
    async with visiting(tmp_path, *steps, capabilities=knows("events"), auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        visit.editor.type(path, 0, "# one\n# two\n")

        def lines() -> list[int]:
            told = [it for it in listen(visit) if it.get("kind") == "hunks"]
            return [it["hunks"][0]["range"]["start"]["line"] for it in told]

        await visit.until(lambda: lines()[-1:] == [3])
        assert lines()[0] == 1


async def test_the_last_status_is_never_lost_and_many_become_few(tmp_path: Path) -> None:
    async with visiting(tmp_path, capabilities=knows("events")) as visit:
        begun = asyncio.get_running_loop().time()
        for n in range(60):
            await visit.command("claw.mode", mode=("plan", "acceptEdits", "default")[n % 3])
        await visit.command("claw.mode", mode="plan")
        await visit.until(lambda: statuses(visit)[-1:] and statuses(visit)[-1]["mode"] == "plan")
        await asyncio.sleep(MOST_OFTEN * 1.5)
        seconds = asyncio.get_running_loop().time() - begun
        assert statuses(visit)[-1]["mode"] == "plan"
        assert len(statuses(visit)) <= seconds / MOST_OFTEN + 2
        told = statuses(visit)
        assert all(one != next_ for one, next_ in zip(told, told[1:], strict=False))


async def test_every_fact_is_told_with_its_number(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), capabilities=knows("events")) as visit:
        ended = await visit.turn("claw.ask", prompt="hi")
        facts = [it for it in listen(visit) if "event" in it]
        logged = visit.log(ended["session"])
        assert [(it["n"], it["event"]["kind"]) for it in facts] == [(it.n, it.event.kind) for it in logged[1:]]
        assert {it["session"] for it in facts} == {ended["session"]}


# ---- picking and words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "offered", "answer"),
    [
        ("claw.model", "haiku", {"session": None, "model": "claude-haiku-5-5", "known": True}),
        ("claw.mode", "plan", {"session": None, "mode": "plan"}),
        ("claw.effort", "high", {"session": None, "effort": "high"}),
    ],
)
async def test_what_the_command_lacks_is_picked(tmp_path: Path, command: str, offered: str, answer: Json) -> None:
    async with visiting(tmp_path, capabilities=knows("pick"), answers={"claw/pick": lambda _: [offered]}) as visit:
        assert await visit.command(command) == answer
        (asked,) = visit.requested("claw/pick")
        assert offered in [it["id"] for it in asked["items"]]
        assert asked["many"] is False
        # What the command has is not asked for.
        name = command.removeprefix("claw.")
        assert (await visit.command(command, **{name: offered}))[name] == answer[name]
        assert len(visit.requested("claw/pick")) == 1
        (picked,) = await _picked_now(visit, command)
        assert picked == offered


async def _picked_now(visit: Visit, command: str) -> list[str]:
    await visit.command(command)
    return [it["id"] for it in visit.requested("claw/pick")[-1]["items"] if it.get("picked")]


async def test_bypassing_is_offered_only_where_it_could_be_given(tmp_path: Path) -> None:
    answers = {"claw/pick": lambda _: None}
    async with visiting(tmp_path, says("Hello."), capabilities=knows("pick"), answers=answers) as visit:
        await visit.command("claw.mode")
        await visit.turn("claw.ask", prompt="hi")
        await visit.command("claw.mode")
        before, after = ([it["id"] for it in asked["items"]] for asked in visit.requested("claw/pick"))
        assert before == [it for it in Mode if it != Mode.BYPASS]
        assert after == list(Mode)


@pytest.mark.parametrize("answer", [None, [], refuses, *RUBBISH])
@pytest.mark.parametrize("command", ["claw.model", "claw.mode", "claw.effort"])
async def test_a_list_that_was_closed_or_broke_changes_nothing(tmp_path: Path, command: str, answer: Any) -> None:
    answers = {"claw/pick": answer if callable(answer) else lambda _: answer}
    async with visiting(tmp_path, capabilities=knows("pick"), answers=answers) as visit:
        shown = await visit.command(command)
        assert await visit.command(command) == shown
        assert shown["session"] is None
        assert len(visit.requested("claw/pick")) == 2


async def test_a_list_that_is_never_answered_is_in_nobodys_way(tmp_path: Path) -> None:
    async with visiting(
        tmp_path, says("Hello."), capabilities=knows("pick"), answers={"claw/pick": no_answer}
    ) as visit:
        visit.send_command("claw.model")
        await visit.until(lambda: visit.requested("claw/pick"))
        assert (await visit.turn("claw.ask", prompt="hi"))["text"] == "Hello."


async def test_a_session_is_picked_and_its_chat_opens(tmp_path: Path) -> None:
    picked: list[str] = []
    answers = {"claw/pick": lambda _: picked}
    steps = (says("One."), says("Two."))
    async with visiting(tmp_path, *steps, capabilities=knows("pick"), answers=answers) as visit:
        first = await visit.turn("claw.ask", prompt="the first prompt")
        await visit.turn("claw.ask", prompt="the second prompt")
        picked.append(first["session"])
        assert await visit.command("claw.sessions") == {"opened": first["session"]}
        (asked,) = visit.requested("claw/pick")
        assert [it["label"] for it in asked["items"]] == ["the second prompt", "the first prompt"]
        assert len(visit.editor.shown) == 1
        assert "the first prompt" in visit.editor.text(str(visit.editor.paths()[0]))
        assert len((await visit.command("claw.sessions", pick=False))["sessions"]) == 2
        assert len(visit.requested("claw/pick")) == 1
        picked.clear()
        assert await visit.command("claw.sessions") == {"opened": None}


async def test_a_slash_command_answers_in_the_chat_and_opens_no_list(tmp_path: Path) -> None:
    async with visiting(tmp_path, capabilities=knows("pick")) as visit:
        shown = await visit.command("claw.chat")
        visit.editor.type(shown["path"], len(visit.text(shown["path"])), "/model")
        assert "claude-opus-5-5" in (await visit.command("claw.send", uri=visit.uri(shown["path"])))["text"]
        assert visit.requested("claw/pick") == []


async def test_words_come_from_the_box_with_its_placeholder(tmp_path: Path) -> None:
    answers = {"claw/input": lambda _: "rename it"}
    async with visiting(tmp_path, says("Done."), capabilities=knows("input"), answers=answers) as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.edit", uri=visit.uri("calc.py"))
        assert visit.requested("claw/input") == [
            {
                "title": "Claw: what should be edited?",
                "value": "",
                "placeholder": "What to change, in your own words",
            }
        ]
        assert "rename it" in json.dumps(visit.model.requests[0].messages)


@pytest.mark.parametrize("answer", [None, 7, ["x"], {}])
async def test_a_box_that_was_closed_starts_nothing(tmp_path: Path, answer: Any) -> None:
    answers = {"claw/input": lambda _: answer}
    async with visiting(tmp_path, capabilities=knows("input"), answers=answers) as visit:
        visit.open("calc.py", CALC)
        assert await visit.command("claw.edit", uri=visit.uri("calc.py")) == {"cancelled": True}


async def test_a_box_that_broke_is_a_chat_to_fill_in(tmp_path: Path) -> None:
    async with visiting(tmp_path, capabilities=knows("input"), answers={"claw/input": refuses}) as visit:
        visit.open("calc.py", CALC)
        answer = await visit.command("claw.edit", uri=visit.uri("calc.py"))
        assert answer["shown"]
        assert "calc.py" in visit.text(answer["path"])


# ---- diffs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [True, None, refuses, *RUBBISH[:4]])
async def test_what_changed_is_shown_by_the_shim_else_as_a_document(tmp_path: Path, answer: Any) -> None:
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "a - b", "a + b"), says("Done."))
    answers = {"claw/diff": answer if callable(answer) else lambda _: answer}
    async with visiting(tmp_path, *steps, capabilities=knows("diff"), answers=answers, auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        shown = await visit.command("claw.diff")
        assert shown["shown"]
        after = CALC.replace("a - b", "a + b")
        assert visit.requested("claw/diff") == [
            {
                "title": "Claw: Fix calc.py",
                "proposal": False,
                "files": [{"uri": visit.uri("calc.py"), "before": CALC, "after": after}],
            }
        ]
        assert [it["uri"].endswith("changes.diff") for it in visit.editor.shown] == ([] if answer is True else [True])


# ---- language features ------------------------------------------------------------------------------------------------


def complaint(line: int, message: str, source: str = "pyright", severity: int = 1) -> Json:
    place = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 3}}
    return {"range": place, "message": message, "source": source, "severity": severity}


async def test_fix_is_told_what_every_server_says_of_the_file(tmp_path: Path) -> None:
    items = [complaint(3, "elsewhere"), complaint(1, "minus is wrong"), complaint(1, "ours", "claw")]
    answers = {"claw/languageFeature": lambda _: {"kind": "full", "items": items}}
    async with visiting(tmp_path, says("Seen."), capabilities=knows("languageFeatures"), answers=answers) as visit:
        path = visit.open("calc.py", CALC)
        place = visit.editor.range(path, CALC.index("return"), CALC.index("return"))
        await visit.turn("claw.fix", uri=visit.uri("calc.py"), range=place)
        assert visit.requested("claw/languageFeature") == [
            {"method": "textDocument/diagnostic", "params": {"textDocument": {"uri": visit.uri("calc.py")}}}
        ]
        told = visit.model.requests[0].messages[-1]["content"][-1]["text"]
        there, elsewhere = told.index("minus is wrong"), told.index("elsewhere\n")
        assert there < elsewhere
        assert "line 2: error [pyright]: minus is wrong" in told
        assert "ours" not in told


async def test_what_the_person_pointed_at_stays_what_a_fix_is_about(tmp_path: Path) -> None:
    mine, other = complaint(1, "this one"), complaint(1, "not this one")
    answers = {"claw/languageFeature": lambda _: {"kind": "full", "items": [other, mine]}}
    async with visiting(tmp_path, says("Seen."), capabilities=knows("languageFeatures"), answers=answers) as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"), diagnostics=[mine])
        told = visit.model.requests[0].messages[-1]["content"][-1]["text"]
        assert told.count("error [pyright]: this one") == 1
        assert told.index("elsewhere in this file") < told.index("error [pyright]: not this one")


@pytest.mark.parametrize("answer", [None, refuses, no_answer, *RUBBISH, {"items": [{}, 3, {"range": 1}]}])
async def test_servers_that_say_nothing_or_rubbish_hold_nothing_up(tmp_path: Path, answer: Any) -> None:
    answers = {"claw/languageFeature": answer if callable(answer) else lambda _: answer}
    declares = knows("languageFeatures")
    async with visiting(tmp_path, says("Seen."), capabilities=declares, answers=answers, longest=0.1) as visit:
        visit.client.ignore("$/cancelRequest")
        visit.open("calc.py", CALC)
        assert (await visit.turn("claw.fix", uri=visit.uri("calc.py")))["text"] == "Seen."
        door = visit.server.door
        assert door is not None
        assert await door.languages.symbols("add") == ()
        assert await door.languages.all_diagnostics() == {}


async def test_a_request_nobody_waits_for_any_more_is_withdrawn(tmp_path: Path) -> None:
    answers = {"claw/languageFeature": no_answer}
    async with visiting(tmp_path, capabilities=knows("languageFeatures"), answers=answers, longest=0.1) as visit:
        door = visit.server.door
        assert door is not None
        assert await door.languages.symbols("add") == ()
        withdrawn = await visit.client.next_notification("$/cancelRequest")
        assert withdrawn["id"] is not None


async def test_symbols_and_diagnostics_of_the_workspace_are_read(tmp_path: Path) -> None:
    def answer(params: Json) -> Any:
        if params["method"] == "workspace/symbol":
            assert params["params"] == {"query": "add"}
            place = {"uri": "file:///p/calc.py", "range": {"start": {"line": 4, "character": 0}}}
            return [
                {"name": "add", "kind": 12, "location": place, "containerName": "calc"},
                {"name": "Adder", "kind": 99, "location": {"uri": "file:///p/a%20b.py"}},
                {"name": 3, "kind": 5, "location": place},
            ]
        report = {"kind": "full", "items": [complaint(0, "bad", "ruff", 2)]}
        return {"items": [{"uri": "file:///p/calc.py", **report}, {"uri": "file:///p/b.py", "items": []}]}

    answers = {"claw/languageFeature": answer}
    async with visiting(tmp_path, capabilities=knows("languageFeatures"), answers=answers) as visit:
        door = visit.server.door
        assert door is not None
        assert await door.languages.symbols("add") == (
            Symbol("add", "function", "/p/calc.py", 5, "calc"),
            Symbol("Adder", "symbol", "/p/a b.py", 1),
        )
        assert await door.languages.all_diagnostics() == {
            "/p/calc.py": (Diagnostic(1, 1, "warning", "bad", "ruff"),),
        }


async def test_symbols_are_those_of_the_other_servers_else_those_that_are_written(tmp_path: Path) -> None:
    named: list[Json] = []

    def place(path: str) -> Json:
        return {"uri": f"file://{path}", "range": {"start": {"line": 8, "character": 0}}}

    answers = {"claw/languageFeature": lambda _: named}
    async with visiting(tmp_path, capabilities=knows("languageFeatures"), answers=answers) as visit:
        path = visit.open("calc.py", CALC)
        door = visit.server.door
        assert door is not None
        assert [it.line for it in await door.symbols.find("add", door.folders)] == [1]
        assert await door.symbols.find(" ", door.folders) == ()
        assert len(visit.requested("claw/languageFeature")) == 1
        elsewhere = ("/elsewhere/calc.py", f"{visit.root}/.env")
        named += [{"name": "add", "kind": 12, "location": place(it)} for it in (*elsewhere, path)]
        assert await door.symbols.find("add", door.folders) == (Symbol("add", "function", path, 9),)


async def test_what_is_visible_is_known_and_rubbish_is_not(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", CALC)
        for visible in (None, "calc.py", 5, [3, visit.uri("calc.py"), None]):
            state = {"uri": visit.uri("calc.py"), "selection": None, "visible": visible}
            visit.client.notify("claw/editorState", state)
        visit.client.notify("claw/editorState", "rubbish")
        await visit.settle()
        door = visit.server.door
        assert door is not None
        assert door.buffers.visible == (visit.path("calc.py"),)
        assert door.buffers.seen is not None
        assert door.buffers.seen.path == visit.path("calc.py")


# ---- the law ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_a_client_without_a_shim_is_never_sent_anything_of_ours(tmp_path: Path, like: str) -> None:
    """`visiting` holds every session of every test to it; this one goes wherever a shim would be used."""
    assert not (introduction_of(like, tmp_path)["capabilities"].get("experimental") or {}).get("claw")
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "a - b", "a + b"), says("Done."), waits("Thinking"))
    async with visiting(tmp_path, *steps, like=like) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        (question,) = await visit.asked()
        await visit.command("claw.answer", question=question["question"], choice="once")
        await visit.end(begun["run"])
        for command in ("claw.model", "claw.mode", "claw.effort", "claw.sessions", "claw.hunks", "claw.diff"):
            await visit.command(command)
        await visit.command("claw.edit", uri=visit.uri("calc.py"))
        running = await visit.command("claw.ask", prompt="think")
        await visit.until(lambda: len(visit.model.requests) == len(steps))
        await visit.command("claw.stop", run=running["run"])
        await visit.settle()
        assert visit.client.methods
        assert not [it for it in visit.client.methods if it.startswith("claw/")]
