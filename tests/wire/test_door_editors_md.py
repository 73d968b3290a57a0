"""What real editors really do (specs/editors.md): each numbered point, and each trap of pygls, is a test of its number.

Clients are the recorded ones: their capabilities, and doubles with their habits. What shows only in VS Code itself is
not here, because a double of it would prove nothing but itself: that a toast turns newlines into spaces and cuts the
text (point 5, here: what we send has nothing to click and is short enough), the boxes of Refactor Preview (11, here: we
never ask for it), one Ctrl+Z for an edit of several files (12, here: each document is an edit of its own), the focus
that showDocument takes away (17, here: it is not called unasked), and inline completions on the screen (19). They are
driven in code-server with the VS Code shim.
"""

from __future__ import annotations

import ast
import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from door_desk import (
    CLIENT_NAMES,
    PLAIN,
    Box,
    Visit,
    edits,
    introduction_of,
    powers,
    quirks_of,
    runs,
    visiting,
    waits,
)

import claw_lsp
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import Question
from claw_lsp.lsp.questions import Questions
from claw_lsp.lsp.transport.serving import Timing
from claw_lsp.testing.quirks import CLIENTS
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import NoAnswer, WireError

CALC = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"


def calc(tmp_path: Path) -> str:
    return str(tmp_path / "ws" / "calc.py")


def fix(tmp_path: Path) -> tuple[Any, ...]:
    """The replies of a turn that fixes calc.py."""
    return (*edits(calc(tmp_path), "a - b", "a + b"), says("Fixed."))


async def asking(visit: Visit) -> tuple[dict[str, Any], Box]:
    """A turn that waits for a yes to its edit, and the box that asks for it."""
    visit.open("calc.py", CALC)
    begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
    return begun, await visit.box()


# ---- 1 to 5: questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_01_questions_come_one_at_a_time(tmp_path: Path, like: str) -> None:
    async with visiting(
        tmp_path, runs("touch one"), runs("touch two", "c2"), says("A."), says("B."), like=like
    ) as visit:
        first = await visit.command("claw.ask", prompt="one")
        second = await visit.command("claw.ask", prompt="two")
        await visit.asked(2)
        await visit.settle()
        assert len(visit.boxes) == 1
        visit.boxes[0].pick("Allow once")
        (await visit.box(1)).pick("Allow once")
        assert {(await visit.end(it["run"]))["text"] for it in (first, second)} == {"A.", "B."}
        assert visit.at_once == 1
        assert (visit.root / "one").exists()
        assert (visit.root / "two").exists()


async def test_point_01_several_calls_of_one_reply_are_asked_one_after_the_other(tmp_path: Path) -> None:
    both = says("", ("c1", "Bash", {"command": "touch one"}), ("c2", "Bash", {"command": "touch two"}))
    async with visiting(tmp_path, both, says("Done."), auto="Allow once") as visit:
        assert (await visit.turn("claw.ask", prompt="both"))["stopped"] == "done"
        assert (len(visit.boxes), visit.at_once) == (2, 1)


OPTIONS = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}]
ASKS = {
    "edit": ("Edit", {"file_path": "{calc}", "old_string": "a - b", "new_string": "a + b"}, "Deny"),
    "write": ("Write", {"file_path": "{calc}.new", "content": "x = 1\n"}, "Deny"),
    "command": ("Bash", {"command": "rm -rf build"}, "Deny"),
    "fetch": ("WebFetch", {"url": "https://example.com/", "prompt": "What is it?"}, "Deny"),
    "choice": (
        "AskUserQuestion",
        {"questions": [{"question": "Which?", "header": "Colour", "options": OPTIONS, "multiSelect": False}]},
        None,
    ),
}


@pytest.mark.parametrize("kind", ASKS)
async def test_point_02_the_first_action_is_the_harmless_one(tmp_path: Path, kind: str) -> None:
    """Bare Enter in coc, eglot and Helix, and `1<CR>` in Neovim, pick the first action: nothing may come of it."""
    tool, given, first = ASKS[kind]
    given = {key: it.format(calc=calc(tmp_path)) if isinstance(it, str) else it for key, it in given.items()}
    reading = says("", ("r", "Read", {"file_path": calc(tmp_path)}))
    async with visiting(tmp_path, reading, says("", ("c1", tool, given)), says("Well."), like="vim-coc") as visit:
        visit.open("calc.py", CALC, CALC)
        (visit.root / "build").mkdir()
        begun = await visit.command("claw.ask", prompt="do it")
        box = await visit.box()
        box.pick(box.titles[0])
        await visit.end(begun["run"])
        assert first in (None, box.titles[0])
        assert visit.text("calc.py") == CALC
        assert sorted(it.name for it in visit.root.iterdir() if it.name != ".claw") == ["build", "calc.py"]
        judged = [it.event for it in visit.log(begun["session"]) if it.event.kind == "call_judged"]
        assert judged[-1].decision == "deny" if kind != "choice" else "not answered" in visit.model.results()


async def test_point_02_a_plan_and_the_widest_mode_have_a_harmless_first_action_too(tmp_path: Path) -> None:
    plan = says("", ("c1", "ExitPlanMode", {"plan": "1. Rewrite everything."}))
    async with visiting(tmp_path, plan, says("I keep planning.")) as visit:
        begun = await visit.command("claw.ask", prompt="plan", mode="plan")
        box = await visit.box()
        assert box.titles[0] == "Keep planning"
        box.pick("Keep planning")
        await visit.end(begun["run"])
        await visit.command("claw.mode", session=begun["session"], mode="bypassPermissions")
        box = await visit.box(1)
        assert box.titles[0] == "Keep asking"
        box.pick(box.titles[0])
        await visit.until(lambda: not visit.server.door.questions.pending)
        assert (await visit.command("claw.status"))["mode"] == "plan"


NO_ANSWERS: dict[str, Any] = {
    "null": None,
    "unknown title": {"title": "Something else"},
    "empty title": {"title": ""},
    "no title": {},
    "error": WireError(-32603, "User cancelled"),
    "nothing": NoAnswer(),
}


@pytest.mark.parametrize("way", ["command", "code action", "lens"])
@pytest.mark.parametrize("answer", NO_ANSWERS)
async def test_point_03_what_is_not_a_yes_leaves_the_question_pending_to_be_answered_another_way(
    tmp_path: Path, answer: str, way: str
) -> None:
    async with visiting(tmp_path, *fix(tmp_path)) as visit:
        begun, box = await asking(visit)
        given = NO_ANSWERS[answer]
        box.say(type(given)(*given.args) if isinstance(given, NoAnswer) else given)
        await visit.settle()
        (question,) = await visit.questions()
        assert visit.text("calc.py") == CALC
        assert "call_finished" not in visit.kinds(begun["session"])[5:]
        (shown,) = visit.diagnostics("calc.py")
        assert (shown["source"], shown["severity"], shown["range"]["start"]["line"]) == ("claw", 3, 1)
        await answered(visit, question, way)
        assert (await visit.end(begun["run"]))["text"] == "Fixed."
        assert visit.text("calc.py") == FIXED
        await visit.settle()
        assert not [it for it in visit.diagnostics("calc.py") if "question" in it["data"]]


async def answered(visit: Visit, question: dict[str, Any], way: str) -> None:
    """Say yes another way than by the box."""
    if way == "command":
        await visit.command("claw.answer", question=question["question"], choice="once")
    elif way == "code action":
        found = [it for it in await visit.actions("calc.py", kind=2) if it["title"].startswith("Claw: Allow once")]
        await visit.run_action(found[0])
    else:
        lenses = await visit.request("textDocument/codeLens", {"textDocument": {"uri": visit.uri("calc.py")}})
        (lens,) = [it for it in lenses if it["command"]["title"] == "Claw: Allow once"]
        assert lens["range"]["start"]["line"] == 1
        await visit.run_action(lens)


async def test_point_03_a_question_about_no_file_waits_where_the_person_is(tmp_path: Path) -> None:
    async with visiting(tmp_path, runs("touch made"), says("Made.")) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.ask", prompt="make it")
        (await visit.box()).say(None)
        await visit.settle()
        (shown,) = visit.diagnostics("calc.py")
        assert "touch made" in shown["message"]
        visit.open("other.py", "x = 1\n")
        found = [it for it in await visit.actions("other.py", kind=2) if it["title"].startswith("Claw: Allow once")]
        await visit.run_action(found[0])
        assert (await visit.end(begun["run"]))["text"] == "Made."


async def test_point_03_a_refused_call_is_refused_only_by_an_explicit_deny_which_may_have_words(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path)) as visit:
        begun, box = await asking(visit)
        box.say(None)
        (question,) = await visit.asked()
        await visit.command("claw.answer", question=question["question"], choice="deny", text="Use sum().")
        await visit.end(begun["run"])
        assert "Use sum()." in visit.model.results()
        assert visit.text("calc.py") == CALC


class Deaf:
    """A client that never answers what it is asked; `shown` counts how often."""

    def __init__(self) -> None:
        self.shown = 0

    async def ask(self, method: str, params: Any, *, timeout: float | None) -> Any:
        assert timeout is None
        self.shown += 1
        await asyncio.Event().wait()


async def not_shown(question: Question) -> None:
    raise AssertionError("nobody asked to see it")


def question_of(id_: str) -> Question:
    plan = Plan(Call(id="c1", name="Bash", input={}), Reach.RUN, "Bash ls", command="ls")
    return Question(id_, "s", "r", plan, "Bash ls", "ls", (Choice("deny", "Deny"), Choice("once", "Allow once")))


async def test_point_03_a_silent_question_is_shown_again_after_its_time_and_never_answered() -> None:
    deaf: Any = Deaf()
    questions = Questions(deaf, show=not_shown, changed=lambda: None, answerable=True, again=(0.02, 0.02, 0.02))
    asked = asyncio.create_task(questions.ask(question_of("q1")))
    while deaf.shown < 3:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert (deaf.shown, asked.done(), len(questions.pending)) == (3, False, 1)
    questions.answer("q1", "once", "")
    assert (await asked).choice == "once"
    await questions.close()


@pytest.mark.parametrize(("side_by_side", "shown"), [(False, 1), (True, 2)])
async def test_point_04_a_box_whose_question_is_over_keeps_the_next_one_back(*, side_by_side: bool, shown: int) -> None:
    """It cannot be taken back: where a second box would come over it, the second question waits a while."""
    deaf: Any = Deaf()
    questions = Questions(deaf, show=not_shown, changed=lambda: None, answerable=True, side_by_side=side_by_side)
    first, second = (asyncio.create_task(questions.ask(question_of(it))) for it in ("q1", "q2"))
    while not deaf.shown:
        await asyncio.sleep(0.01)
    questions.answer("q1", "once", "")
    assert (await first).choice == "once"
    while deaf.shown < shown:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert deaf.shown == shown
    second.cancel()
    await questions.close()


async def test_point_03_a_client_that_takes_only_the_first_answer_is_told_of_the_other_ways(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="vim-vim-lsp") as visit:
        begun, box = await asking(visit)
        assert "code action" in box.message
        box.say(None)
        (question,) = await visit.asked()
        await answered(visit, question, "code action")
        assert (await visit.end(begun["run"]))["stopped"] == "done"


async def test_point_04_an_answer_to_a_box_whose_question_was_answered_another_way_is_dropped(tmp_path: Path) -> None:
    steps = (*fix(tmp_path)[:2], runs("touch made"), says("Both."))
    async with visiting(tmp_path, *steps, like="vscode") as visit:
        begun, box = await asking(visit)
        (question,) = await visit.asked()
        await visit.command("claw.answer", question=question["question"], choice="once")
        second = await visit.box(1)
        assert box.open
        box.pick("Deny")
        await visit.settle()
        (waiting,) = await visit.questions()
        assert waiting["question"] != question["question"]
        assert second.open
        assert visit.text("calc.py") == FIXED
        second.pick("Allow once")
        assert (await visit.end(begun["run"]))["text"] == "Both."
        judged = [it.event.decision for it in visit.log(begun["session"]) if it.event.kind == "call_judged"]
        assert "deny" not in judged


@pytest.mark.parametrize("declared", [False, True])
async def test_a_stop_with_nothing_running_says_one_line_where_no_shim_shows_the_answer(
    tmp_path: Path, declared: bool
) -> None:
    shim = {"experimental": {"claw": {"events": declared}}}
    async with visiting(tmp_path, capabilities=PLAIN | shim) as visit:
        assert await visit.command("claw.stop") == {"stopped": []}
        await visit.settle()
        told = [it["message"] for it in visit.messages]
        assert told == ([] if declared else ["Claw: nothing is running."])


@pytest.mark.parametrize("how", ["stop", "progress", "request"])
async def test_point_04_an_answer_after_the_cancel_is_dropped(tmp_path: Path, how: str) -> None:
    async with visiting(tmp_path, *fix(tmp_path)[:2], says("Still here.")) as visit:
        visit.open("calc.py", CALC)
        starting = visit.send_command("claw.fix", uri=visit.uri("calc.py"))
        begun = await visit.client.answer_to(starting)
        box = await visit.box()
        await cancelled(visit, begun, starting, how)
        assert (await visit.end(begun["run"]))["stopped"] == "interrupted"
        box.pick("Allow once")
        await visit.settle()
        assert visit.text("calc.py") == CALC
        assert await visit.questions() == []
        assert visit.diagnostics("calc.py") == []
        assert not visit.requested("workspace/applyEdit")
        again = await visit.turn("claw.ask", prompt="still there?", session=begun["session"])
        assert again["text"] == "Still here."


async def cancelled(visit: Visit, begun: dict[str, Any], starting: int, how: str) -> None:
    if how == "stop":
        assert (await visit.command("claw.stop", run=begun["run"]))["stopped"] == [begun["run"]]
    elif how == "progress":
        visit.hear()
        visit.client.notify("window/workDoneProgress/cancel", {"token": visit.progress[0]["token"]})
    else:
        visit.client.cancel(starting)


NASTY = "Harmless [click me](command:evil.run) https://evil.example file:///etc/passwd \x1b[31m\u202e command:x"


@pytest.mark.parametrize("tool", ["Bash", "AskUserQuestion"])
async def test_point_05_nothing_in_a_question_can_be_clicked_and_it_is_short(tmp_path: Path, tool: str) -> None:
    text = NASTY + "\nsecond line " + "x" * 5000
    given = {
        "Bash": {"command": f"echo '{text}'"},
        "AskUserQuestion": {
            "questions": [
                {
                    "question": text,
                    "header": "H",
                    "multiSelect": False,
                    "options": [{"label": NASTY, "description": "d"}, {"label": "Other", "description": "d"}],
                }
            ]
        },
    }[tool]
    async with visiting(tmp_path, says("", ("c1", tool, given)), says("Well."), like="vscode") as visit:
        begun = await visit.command("claw.ask", prompt="go")
        box = await visit.box()
        for said in (box.message, *box.titles):
            assert len(said) <= 1000
            for clickable in ("](", "://", "command:", "file:"):
                assert clickable not in said, said
            assert not set(said) & set("\x1b\u202e\n\r"), said
        assert box.message.startswith("Claw wants to run: echo" if tool == "Bash" else "H: Harmless")
        assert "cut: " in box.message
        box.pick(box.titles[0])
        await visit.end(begun["run"])


async def test_point_05_the_result_that_is_told_can_not_be_clicked_either(tmp_path: Path) -> None:
    for like in ("nvim", "vscode"):
        async with visiting(tmp_path / like, says(NASTY), like=like) as visit:
            await visit.turn("claw.ask", prompt="go")
            await visit.until(lambda visit=visit: visit.hear() or visit.messages or visit.toasts)
            said = visit.messages[0]["message"] if visit.messages else visit.toasts[0].message
            assert "Harmless" in said
            assert not any(it in said for it in ("](", "https://", "command:x"))


# ---- 6 to 12: edits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_06_the_text_says_whether_an_edit_was_made_in_every_client(tmp_path: Path, like: str) -> None:
    """The person types while the edit is on its way; clients say true, false, an error, or make it all the same."""
    typed: list[str] = []

    async with visiting(tmp_path, *fix(tmp_path), like=like, auto="Allow once") as visit:

        def type_once(path: str) -> None:
            if not typed:
                typed.append(path)
                visit.editor.type(path, 0, "# typed\n")

        visit.editor.before_edit = type_once
        visit.open("calc.py", CALC)
        assert (await visit.turn("claw.fix", uri=visit.uri("calc.py")))["stopped"] == "done"
        assert visit.text("calc.py") == "# typed\n" + FIXED
        assert "error" not in visit.model.results().lower()


async def test_point_06_applied_true_alone_is_not_believed(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="nvim", auto="Allow once") as visit:
        visit.editor.answer["workspace/applyEdit"] = lambda params: {"applied": True}
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        assert "its text did not change" in visit.model.results()


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_07_each_edit_is_one_document_with_its_version(tmp_path: Path, like: str) -> None:
    other = str(tmp_path / "ws" / "other.py")
    two = says(
        "",
        ("c1", "Edit", {"file_path": calc(tmp_path), "old_string": "a - b", "new_string": "a + b"}),
        ("c2", "Edit", {"file_path": other, "old_string": "x", "new_string": "y"}),
    )
    read = says("", ("r1", "Read", {"file_path": calc(tmp_path)}), ("r2", "Read", {"file_path": other}))
    async with visiting(tmp_path, read, two, says("Both."), like=like, auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        visit.open("other.py", "x = 1\n")
        before = {visit.uri(it): visit.editor.version(visit.path(it)) for it in ("calc.py", "other.py")}
        await visit.turn("claw.ask", prompt="both")
        sent = [it["edit"] for it in visit.requested("workspace/applyEdit")]
        assert [len(it.get("documentChanges") or it["changes"]) for it in sent] == [1, 1]
        if powers(visit).document_changes:
            identifiers = [it["documentChanges"][0]["textDocument"] for it in sent]
            assert {it["uri"]: it["version"] for it in identifiers} == before
        assert (visit.text("calc.py"), visit.text("other.py")) == (FIXED, "y = 1\n")


async def test_point_08_version_zero_and_versions_that_jump_lose_nothing(tmp_path: Path) -> None:
    """Neovim never checks version 0, which every buffer has at first: only the text can tell."""
    typed: list[str] = []
    async with visiting(tmp_path, *fix(tmp_path), like="nvim", auto="Allow once") as visit:

        def type_once(path: str) -> None:
            if not typed:
                typed.append(path)
                visit.editor.type(path, len(visit.editor.text(path)) - 1, " # typed here")

        visit.editor.before_edit = type_once
        path = visit.open("calc.py", CALC)
        assert visit.editor.version(path) == 0
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        assert visit.text("calc.py") == "def add(a, b):\n    return a + b # typed here\n"


async def test_point_08_versions_that_jump_are_no_reason_to_refuse(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="nvim", auto="Allow once") as visit:
        path = visit.open("calc.py", CALC)
        visit.editor._files[path].version = 40
        visit.editor.type(path, 0, "# hm\n")
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        assert visit.text("calc.py") == "# hm\n" + FIXED


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_09_a_file_that_appeared_is_never_truncated(tmp_path: Path, like: str) -> None:
    new = str(tmp_path / "ws" / "new.py")
    write = says("", ("c1", "Write", {"file_path": new, "content": "ours = 1\n"}))
    async with visiting(tmp_path, write, says("Oh."), like=like) as visit:
        begun = await visit.command("claw.ask", prompt="write it")
        box = await visit.box()
        visit.write("new.py", "theirs = 1\n")
        box.pick("Allow once")
        await visit.end(begun["run"])
        assert Path(new).read_text() == "theirs = 1\n"
        assert visit.text("new.py") == "theirs = 1\n"
        made = [
            it for sent in visit.requested("workspace/applyEdit") for it in sent["edit"].get("documentChanges") or ()
        ]
        assert all((it.get("options") or {}).get("ignoreIfExists") for it in made if it.get("kind") == "create")
        assert "ours" not in str(made)


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_09_a_new_file_holds_its_text_in_every_client(tmp_path: Path, like: str) -> None:
    new = str(tmp_path / "ws" / "pkg" / "new.py")
    write = says("", ("c1", "Write", {"file_path": new, "content": "ours = 1\n"}))
    async with visiting(tmp_path, write, says("Done."), like=like, auto="Allow once") as visit:
        await visit.turn("claw.ask", prompt="write it")
        assert visit.text(new) == "ours = 1\n"
        assert "is_error" not in visit.model.results() or '"is_error": true' not in visit.model.results()


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_10_an_edit_of_a_closed_file_is_said_to_be_unsaved(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like=like, auto="Allow once") as visit:
        visit.write("calc.py", CALC)
        await visit.turn("claw.ask", prompt="fix calc.py")
        assert visit.text("calc.py") == FIXED
        assert Path(calc(tmp_path)).read_text() == CALC
        assert "not saved" in visit.model.results()


async def test_point_10_visual_studio_code_saves_before_a_command_by_way_of_a_refactoring(tmp_path: Path) -> None:
    replies = (*edits(calc(tmp_path), "a - b", "a + b"), runs("cat calc.py", "c2"), says("Ran."))
    async with visiting(tmp_path, *replies, like="vscode", auto="Allow once") as visit:
        visit.open("calc.py", on_disk=CALC)
        visit.open("other.py", on_disk="x = 1\n")
        await visit.turn("claw.ask", prompt="fix and run")
        assert "return a + b" in visit.model.results()
        assert Path(calc(tmp_path)).read_text() == FIXED
        assert any((it.get("metadata") or {}).get("isRefactoring") for it in visit.requested("workspace/applyEdit"))


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_11_no_edit_asks_the_client_for_confirmation(tmp_path: Path, like: str) -> None:
    write = says("", ("c2", "Write", {"file_path": str(tmp_path / "ws" / "b.py"), "content": "x\n"}))
    replies = (*edits(calc(tmp_path), "a - b", "a + b"), write, says("Done."))
    async with visiting(tmp_path, *replies, like=like, auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        for sent in visit.requested("workspace/applyEdit"):
            assert "changeAnnotations" not in sent["edit"]
            assert "annotationId" not in str(sent)


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_12_each_edit_is_one_undo_step_with_a_name_and_may_be_undone(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, *fix(tmp_path), says("Seen."), like=like, auto="Allow once") as visit:
        path = visit.open("calc.py", CALC)
        visit.editor.type(path, 0, "# mine\n")
        begun = await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        assert visit.editor.undo_steps(path) == ["typing", "Claw: Edit calc.py"]
        visit.editor.undo(path)
        assert visit.text("calc.py") == "# mine\n" + CALC
        visit.editor.flush()
        assert (await visit.turn("claw.ask", prompt="well?", session=begun["session"]))["text"] == "Seen."


# ---- 13 to 21: the rest ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["window/showDocument", "window/workDoneProgress/create", "workspace/configuration"])
@pytest.mark.parametrize("answer", ["nothing", "null", "number", "error"])
async def test_point_13_a_request_that_is_answered_badly_or_never_costs_only_its_time(
    tmp_path: Path, method: str, answer: str
) -> None:
    def answering(params: Any) -> Any:
        if answer == "nothing":
            raise NoAnswer
        if answer == "error":
            raise WireError(-32601, "no such thing")
        return None if answer == "null" else 5

    capabilities = PLAIN | {"workspace": PLAIN["workspace"] | {"configuration": True}}
    async with visiting(
        tmp_path, says("Because."), capabilities=capabilities, longest=0.2, answers={method: answering}
    ) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.explain", uri=visit.uri("calc.py"))
        assert (await visit.end(begun["run"]))["text"] == "Because."
        shown = await visit.command("claw.chat", session=begun["session"])
        assert shown["shown"] is (method != "window/showDocument")
        await visit.settle()
        if method == "window/showDocument":
            assert any(shown["path"] in it["message"] for it in visit.messages)


async def test_point_13_a_client_that_answers_nothing_at_all_is_served(tmp_path: Path) -> None:
    def nothing(params: Any) -> Any:
        raise NoAnswer

    methods = (
        "window/showDocument",
        "window/workDoneProgress/create",
        "workspace/applyEdit",
        "workspace/configuration",
        "client/registerCapability",
        "workspace/codeLens/refresh",
        "window/showMessageRequest",
    )
    answers = dict.fromkeys(methods, nothing)
    async with visiting(tmp_path, *fix(tmp_path), like="vim-coc", longest=0.2, answers=answers) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        (question,) = await visit.asked()
        await visit.command("claw.answer", question=question["question"], choice="once")
        assert (await visit.end(begun["run"]))["stopped"] == "done"
        assert "did not answer" in visit.model.results()


def test_point_13_only_questions_to_a_person_may_wait_for_ever() -> None:
    """Every other request has a limit: by `Client.ask`'s default, or by its own."""
    endless: list[str] = []
    for file in sorted(Path(claw_lsp.__file__).parent.glob("lsp/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and any(
                it.arg == "timeout" and isinstance(it.value, ast.Constant) and it.value.value is None
                for it in node.keywords
            ):
                endless.append(ast.unparse(node.args[0]))
    asked = ["'claw/input'", "'claw/pick'", "'window/showMessageRequest'", "'window/showMessageRequest'"]
    assert sorted(endless) == asked


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_14_code_actions_come_from_memory_also_while_a_turn_waits(tmp_path: Path, like: str) -> None:
    go = asyncio.Event()
    async with visiting(tmp_path, waits("Thinking", event=go), like=like) as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        await visit.until(lambda: visit.model.requests)
        await visit.settle()
        asked, consulted = len(visit.editor.requests), len(visit.model.requests)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for n in range(66):
            found = await visit.actions("calc.py", n % len(CALC), kind=2)
            assert found
            assert not any("disabled" in it for it in found)
        assert (loop.time() - began) / 66 < 0.05
        assert (len(visit.editor.requests), len(visit.model.requests)) == (asked, consulted)
        go.set()
        await visit.end(begun["run"])


@pytest.mark.parametrize(
    ("only", "titles"),
    [
        (["quickfix"], ["Claw: Fix"]),
        (["refactor"], ["Claw: Edit…", "Claw: Document", "Claw: Refactor"]),
        (["refactor.rewrite"], ["Claw: Edit…", "Claw: Document", "Claw: Refactor"]),
        (["source"], ["Claw: Review"]),
        (["source.organizeImports"], []),
        (["claw"], ["Claw: Explain", "Claw: Write tests"]),
        (["claw.tests", "quickfix"], ["Claw: Fix", "Claw: Write tests"]),
        (["quick"], []),
        ([""], 7),
        ([], 7),
        (None, 7),
    ],
)
async def test_point_14_only_the_kinds_that_are_asked_for(tmp_path: Path, only: Any, titles: Any) -> None:
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", CALC)
        found = await visit.actions("calc.py", only=only)
        assert titles in (len(found), [it["title"] for it in found])
        assert all(isinstance(it["command"], dict) and "edit" not in it for it in found)


async def test_point_14_what_is_announced_as_kinds_is_what_comes(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", CALC)
        announced = visit.result["capabilities"]["codeActionProvider"]["codeActionKinds"]
        assert {it["kind"] for it in await visit.actions("calc.py")} == set(announced)


def diagnostic(source: str, message: str) -> dict[str, Any]:
    where = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 10}}
    return {"range": where, "message": message, "severity": 1, "source": source}


async def test_point_15_a_fix_is_for_the_diagnostics_of_all_servers_and_never_for_our_own(tmp_path: Path) -> None:
    given = [diagnostic("claw", "ours"), diagnostic("pyright", "wrong operator"), diagnostic("ruff", "unused")]
    async with visiting(tmp_path, says("Hm.")) as visit:
        visit.open("calc.py", CALC)
        found = await visit.actions("calc.py", 20, kind=2, diagnostics=given)
        (action,) = [it for it in found if it["kind"] == "quickfix"]
        assert (action["title"], action["diagnostics"]) == ("Claw: Fix: wrong operator", given[1:])
        begun = await visit.run_action(action)
        await visit.end(begun["run"])
        sent = str(visit.model.requests[0].messages[-1])
        assert "wrong operator" in sent
        assert "unused" in sent
        assert "ours" not in sent


async def test_point_15_without_diagnostics_fix_is_offered_to_those_who_ask_for_the_menu(tmp_path: Path) -> None:
    """Neovim, eglot and vim-lsp send only our own; the person may see those of others all the same."""
    async with visiting(tmp_path, like="nvim") as visit:
        visit.open("calc.py", CALC)
        own = [diagnostic("claw", "ours")]
        assert [it["title"] for it in await visit.actions("calc.py", only=["quickfix"], diagnostics=own)] == [
            "Claw: Fix"
        ]
        assert await visit.actions("calc.py", only=["quickfix"], diagnostics=own, kind=2) == []


@pytest.mark.parametrize(
    "arguments", [{}, {"arguments": []}, {"arguments": None}, {"arguments": [{}]}, {"arguments": [None]}]
)
@pytest.mark.parametrize("command", ["claw.fix", "claw.explain", "claw.tests"])
async def test_point_16_a_command_without_arguments_is_about_the_last_place_seen(
    tmp_path: Path, command: str, arguments: Any
) -> None:
    async with visiting(tmp_path, says("Seen.")) as visit:
        visit.open("first.py", "first = 1\n")
        visit.open("calc.py", CALC)
        start = CALC.index("return")
        await visit.actions("calc.py", start, start + 12, kind=2)
        begun = await visit.request("workspace/executeCommand", {"command": command} | arguments)
        await visit.end(begun["run"])
        spoken = visit.log(begun["session"])[1].event
        assert spoken.path == "calc.py"
        sent = str(visit.model.requests[0].messages[-1])
        assert "return a - b" in sent
        assert "first = 1" not in sent


async def test_point_16_with_no_place_seen_at_all_it_says_so_or_goes_without(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Which file?")) as visit:
        begun = await visit.request("workspace/executeCommand", {"command": "claw.fix", "arguments": []})
        assert (await visit.end(begun["run"]))["text"] == "Which file?"
        assert visit.log(begun["session"])[1].event.path is None


async def test_point_16_the_place_a_shim_tells_of_counts_too(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Seen.")) as visit:
        visit.open("calc.py", CALC)
        visit.open("other.py", "x = 1\n")
        where = visit.editor.range(visit.path("calc.py"), 0, 5)
        visit.client.notify("claw/editorState", {"uri": visit.uri("calc.py"), "selection": where, "visible": []})
        begun = await visit.request("workspace/executeCommand", {"command": "claw.explain", "arguments": []})
        await visit.end(begun["run"])
        assert visit.log(begun["session"])[1].event.path == "calc.py"


@pytest.mark.parametrize(
    "command", ["claw.ask", "claw.fix", "claw.tests", "claw.document", "claw.refactor", "claw.edit"]
)
async def test_point_17_nothing_is_opened_unasked(tmp_path: Path, command: str) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="vscode", auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        await visit.turn(command, uri=visit.uri("calc.py"), prompt="do it")
        await visit.settle()
        assert visit.requested("window/showDocument") == []


@pytest.mark.parametrize("command", ["claw.explain", "claw.review", "claw.chat"])
async def test_point_17_what_is_asked_for_is_opened(tmp_path: Path, command: str) -> None:
    async with visiting(tmp_path, says("So."), like="vscode") as visit:
        visit.open("calc.py", CALC)
        given = {"prompt": "so?"} if command == "claw.chat" else {"uri": visit.uri("calc.py")}
        await visit.turn(command, **given)
        (shown,) = visit.requested("window/showDocument")
        assert "/.claw/chats/" in shown["uri"]
        assert "So." in visit.editor.text(visit.editor.paths()[-1])


async def test_point_18_what_matters_is_told_where_it_is_seen(tmp_path: Path) -> None:
    """A client without progress, and one whose progress and log are invisible: status by command, faults by message."""
    go = asyncio.Event()
    async with visiting(tmp_path, waits("Let me", event=go), like="emacs-eglot") as visit:
        visit.open("calc.py", CALC)
        begun = await visit.command("claw.fix", uri=visit.uri("calc.py"))
        await visit.until(lambda: visit.model.requests)
        status = await visit.command("claw.status")
        assert [it["run"] for it in status["runs"]] == [begun["run"]]
        assert "Fix calc.py" in status["text"]
        go.set()
        await visit.end(begun["run"])
        await visit.until(lambda: visit.hear() or visit.messages)
        assert "Let me" in visit.messages[0]["message"]
        assert "$0." in visit.messages[0]["message"]
        assert visit.client.notifications("window/logMessage") == []
        assert visit.progress == []


async def test_point_18_a_fault_is_a_message_of_type_error(tmp_path: Path) -> None:
    async with visiting(tmp_path, environment={}) as visit:
        ended = await visit.turn("claw.ask", prompt="hello")
        assert ended["stopped"] == "failed"
        await visit.until(lambda: visit.hear() or visit.messages)
        assert visit.messages[0]["type"] == 1
        assert "ANTHROPIC_API_KEY" in visit.messages[0]["message"]


REFRESHES = {
    "workspace/codeLens/refresh": ("codeLens", "refreshSupport"),
    "workspace/diagnostic/refresh": ("diagnostics", "refreshSupport"),
    "workspace/inlayHint/refresh": ("inlayHint", "refreshSupport"),
    "workspace/foldingRange/refresh": ("foldingRange", "refreshSupport"),
    "workspace/semanticTokens/refresh": ("semanticTokens", "refreshSupport"),
    "workspace/textDocumentContent/refresh": ("textDocumentContent", "dynamicRegistration"),
}


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_19_a_client_is_asked_only_what_it_announced(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, *fix(tmp_path), says("So."), like=like, auto="Allow once") as visit:
        visit.open("calc.py", CALC)
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        answer = await visit.command("claw.chat")
        if not answer["shown"]:
            visit.editor.open(answer["path"])
        await visit.turn("claw.chat", prompt="and?")
        await visit.settle()
        workspace = introduction_of(like, visit.root)["capabilities"]["workspace"]
        asked = {method for method, _ in visit.editor.requests}
        for method, (part, field) in REFRESHES.items():
            assert method not in asked or workspace[part][field] is True
        window = introduction_of(like, visit.root)["capabilities"].get("window") or {}
        assert "window/workDoneProgress/create" not in asked or window["workDoneProgress"] is True
        assert "window/showDocument" not in asked or window["showDocument"]["support"] is True
        assert "workspace/configuration" not in asked or workspace["configuration"] is True
        assert not any(it.startswith("claw/") for it in asked)
        assert visit.client.unclaimed() == []


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_point_20_utf_8_with_neovim_and_helix_and_utf_16_elsewhere(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, like=like) as visit:
        expected = "utf-8" if like in ("nvim", "helix") else "utf-16"
        assert visit.result["capabilities"]["positionEncoding"] == expected
        assert powers(visit).encoding == expected


TEXTS = {
    "emoji": ("s = '👩‍👩‍👧‍👦 🎉' + OLD + '🎉'\n", "OLD", "'🦀'"),
    "combining marks": ("e\u0301a\u0308 = 'Zalgo\u0336\u0334' ; OLD = 'n\u0303'\n", "OLD", "n\u0303o\u0302"),
    "crlf": ("a = 1\r\n🎉 OLD\r\nb = 2\r\n", "OLD", "NEW\r\nMORE"),
    "form feed": ("a = 1\n\x0c\n🎉\x0cOLD\x0b\u2028x\u0085\nend\n", "OLD", "NEW"),
    "no final newline": ("first\n🎉 OLD", "OLD", "NEW"),
    "astral at the edit": ("𝒳OLD𝒴\n", "OLD", "𝒵"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("kind", TEXTS)
async def test_point_20_an_edit_arrives_exactly_in_every_encoding(tmp_path: Path, kind: str, encoding: Any) -> None:
    text, old, new = TEXTS[kind]
    capabilities = PLAIN | {"general": {"positionEncodings": [encoding]}}
    quirks = replace(quirks_of(None), encoding=encoding)
    replies = (*edits(calc(tmp_path), old, new), says("Done."))
    async with visiting(tmp_path, *replies, capabilities=capabilities, quirks=quirks, auto="Allow once") as visit:
        assert visit.result["capabilities"]["positionEncoding"] == encoding
        path = visit.open("calc.py", text)
        visit.editor.type(path, len(text), "🎉 typed")
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        assert visit.text("calc.py") == text.replace(old, new) + "🎉 typed"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_point_20_an_empty_file_is_filled_and_a_selection_is_read_exactly(tmp_path: Path, encoding: Any) -> None:
    capabilities = PLAIN | {"general": {"positionEncodings": [encoding]}}
    quirks = replace(quirks_of(None), encoding=encoding)
    content = "👩‍👩‍👧‍👦 = 'e\u0301'\r\n\x0cend"
    read = says("", ("r", "Read", {"file_path": calc(tmp_path)}))
    write = says("", ("c1", "Write", {"file_path": calc(tmp_path), "content": content}))
    replies = (read, write, says("Done."), says("It is SELECTED."))
    async with visiting(tmp_path, *replies, capabilities=capabilities, quirks=quirks, auto="Allow once") as visit:
        path = visit.open("calc.py", "")
        await visit.turn("claw.ask", prompt="fill it")
        assert visit.text("calc.py") == content
        visit.editor.replace(path, 0, len(content), "🎉🎉 before SELECTED🎉 after 🎉\n")
        start = visit.text("calc.py").index("SELECTED")
        await visit.turn("claw.explain", uri=visit.uri("calc.py"), range=visit.editor.range(path, start, start + 9))
        sent = str(visit.model.requests[-1].messages[-1])
        assert "SELECTED🎉\\n" in sent or "SELECTED🎉" in sent


@pytest.mark.parametrize("like", ["vim-coc", "vim-vim-lsp", "emacs-eglot", "nvim"])
async def test_point_21_a_client_that_ends_without_a_word_loses_nothing_and_leaves_no_process(
    tmp_path: Path, like: str
) -> None:
    left = f"later-{like}-{os.getpid()}"
    replies = (runs(f"touch began; (setsid sh -c 'sleep 300; touch {left}' &); sleep 300"),)
    async with visiting(tmp_path, *replies, like=like, auto="Allow once") as visit:
        begun = await visit.command("claw.ask", prompt="wait")
        await visit.until((visit.root / "began").exists)
        entries = visit.log(begun["session"])
        if like == "nvim":
            await visit.request("shutdown")
        visit.client.hang_up()
        assert await visit.client.wait_closed() == (0 if like == "nvim" else 1)
        last = [it.event for it in entries if it.event.kind != "checkpointed"][-1]
        assert (last.kind, last.stopped) == ("turn_ended", "interrupted")
        assert not [it for it in psutil.process_iter(["cmdline"]) if left in str(it.info["cmdline"])]


async def test_point_21_the_editors_process_is_watched(tmp_path: Path) -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "60")
    introduction = {"processId": editor.pid}
    async with visiting(
        tmp_path, waits("Half an ans"), introduction=introduction, timing=Timing(watch_parent=0.05)
    ) as visit:
        begun = await visit.command("claw.ask", prompt="wait")
        await visit.until(lambda: visit.model.requests)
        entries = visit.log(begun["session"])
        editor.kill()
        await editor.wait()
        assert await visit.client.wait_closed() == 1
        assert [it.event.kind for it in entries[-2:]] == ["model_spoke", "turn_ended"]
        assert "Half an ans" in str(entries[-2].event.blocks)


# ---- the traps of pygls 2.1.1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["start", "wait"])
async def test_trap_1_cancelling_a_request_stops_the_turn_behind_it(tmp_path: Path, which: str) -> None:
    async with visiting(tmp_path, waits("Half"), says("Again.")) as visit:
        starting = visit.send_command("claw.ask", prompt="go")
        begun = await visit.client.answer_to(starting)
        waiting = visit.send_command("claw.wait", run=begun["run"])
        await visit.until(lambda: visit.model.requests)
        visit.client.cancel(starting if which == "start" else waiting)
        if which == "wait":
            with pytest.raises(WireError) as caught:
                await visit.client.answer_to(waiting)
            assert caught.value.code == -32800
        ended = await visit.end(begun["run"])
        assert ended["stopped"] == "interrupted"
        assert visit.kinds(begun["session"])[-2:] == ["model_spoke", "turn_ended"]
        assert (await visit.turn("claw.ask", prompt="again", session=begun["session"]))["text"] == "Again."


async def test_trap_2_an_answer_that_does_not_fit_leaves_nothing_waiting(tmp_path: Path) -> None:
    """eglot answers showDocument, which it does not know, with null."""
    capabilities = PLAIN | {"window": {"showDocument": {"support": True}}}
    async with visiting(tmp_path, capabilities=capabilities, quirks=CLIENTS["emacs-eglot"]) as visit:
        answer = await visit.command("claw.chat")
        assert answer["shown"] is False
        await visit.until(lambda: visit.hear() or visit.messages)
        assert answer["path"] in visit.messages[0]["message"]


async def test_trap_3_a_notification_that_fails_is_no_toast(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", CALC)
        visit.client.notify("textDocument/didChange", {"textDocument": {"uri": 5}, "contentChanges": "no"})
        visit.client.notify("textDocument/didOpen", {})
        visit.client.notify("claw/editorState", [1, 2])
        visit.client.notify("claw/editorState", {"uri": visit.uri("calc.py"), "selection": "no"})
        visit.client.notify("window/workDoneProgress/cancel", {"token": ["no"]})
        visit.client.notify("workspace/didChangeWorkspaceFolders", {"event": 1})
        await visit.settle()
        assert visit.messages == []


async def test_trap_4_a_change_after_the_close_is_no_error_and_changes_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="vscode", auto="Allow once") as visit:
        visit.open("calc.py", on_disk=CALC)
        uri = visit.uri("calc.py")
        visit.editor.close(visit.path("calc.py"))
        visit.client.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": 9}, "contentChanges": [{"text": "gone"}]}
        )
        visit.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        visit.client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        await visit.turn("claw.ask", prompt="fix calc.py")
        assert visit.text("calc.py") == FIXED
        assert not any(it["type"] == 1 for it in visit.messages)


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_trap_5_what_is_announced_is_what_there_is(tmp_path: Path, like: str) -> None:
    """Neither inline completions nor virtual documents are built, so no client hears of them, at once or later."""
    async with visiting(tmp_path, like=like) as visit:
        await visit.settle()
        announced = visit.result["capabilities"]
        assert "inlineCompletionProvider" not in announced
        assert "textDocumentContent" not in (announced.get("workspace") or {})
        registered = [
            it["method"] for sent in visit.requested("client/registerCapability") for it in sent["registrations"]
        ]
        assert set(registered) <= {"workspace/didChangeConfiguration"}
        for command in announced["executeCommandProvider"]["commands"]:
            assert command.startswith("claw.")
        assert {"textDocumentSync", "codeActionProvider", "codeLensProvider", "completionProvider"} <= set(announced)


async def test_trap_6_lenses_are_refreshed_only_where_that_is_known(tmp_path: Path) -> None:
    for like, refreshed in (("nvim", False), ("vscode", True), ("vim-coc", True), ("vim-vim-lsp", False)):
        async with visiting(tmp_path / like, *fix(tmp_path / like), like=like, auto="Allow once") as visit:
            visit.open("calc.py", CALC)
            await visit.turn("claw.fix", uri=visit.uri("calc.py"))
            await visit.settle()
            assert bool(visit.requested("workspace/codeLens/refresh")) is refreshed


async def test_trap_7_neovim_gets_versions_though_it_does_not_announce_them(tmp_path: Path) -> None:
    async with visiting(tmp_path, *fix(tmp_path), like="nvim", auto="Allow once") as visit:
        said = introduction_of("nvim", visit.root)["capabilities"]["workspace"]["workspaceEdit"]
        assert not said.get("documentChanges")
        path = visit.open("calc.py", CALC)
        visit.editor.type(path, 0, "# one\n")
        visit.editor._files[path].version = 17
        visit.editor.type(path, 0, "# two\n")
        await visit.turn("claw.fix", uri=visit.uri("calc.py"))
        (sent,) = visit.requested("workspace/applyEdit")
        assert sent["edit"]["documentChanges"][0]["textDocument"]["version"] == 18
        assert visit.text("calc.py") == "# two\n# one\n" + FIXED
