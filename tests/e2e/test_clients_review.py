"""Questions, review, proposals and chat in the real process, with exactly the capabilities and habits of every recorded client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from person import Person, edits
from process_desk import RECORDED, places, provider, serving

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(a):\n    return a * 2\n"
MINE = "# mine, unsaved\n" + CALC
ADDED = MINE.replace("a - b", "a + b")
BOTH = ADDED.replace("a * 2", "a / 2")

EVERY = pytest.mark.parametrize("like", RECORDED)


def workspace(tmp_path: Path) -> Path:
    file = places(tmp_path)[0] / "calc.py"
    file.write_text(CALC)
    return file


@EVERY
async def test_a_question_left_alone_hunks_and_a_chat_are_answered_from_the_menu(tmp_path: Path, like: str) -> None:
    file = workspace(tmp_path)
    replies = (*edits(file, ("a - b", "a + b"), ("a * 2", "a / 2")), "It adds two numbers.", "And the other halves.")
    async with provider(*replies) as api, serving(tmp_path, api, like) as server:
        person = Person(server)
        server.editor.open(str(file), MINE, "python")
        await question(person, str(file))
        await review(person, str(file))
        assert file.read_text() == CALC
        await chat(person)
        first, second = (it.last_user_text for it in api.requests[-2:])
        assert "\nWhat does add do?\n" in first
        assert second.endswith("And half?")
    assert not api.unexpected
    assert not api.leftover()


async def question(person: Person, path: str) -> None:
    """Two edits are asked for, nobody answers the boxes: each is a diagnostic, and answered from its menu."""
    server, editor = person.server, person.server.editor
    begun = await server.command("claw.ask", prompt="mend it", uri=editor.uri(path))
    for before, after in ((MINE, ADDED), (ADDED, BOTH)):
        (waiting,) = await person.questions()
        assert (await person.told(path, "Answer with a code action here"))["code"] == waiting["question"]
        assert editor.text(path) == before
        await person.pick(path, "def", "Claw: Allow once (Edit calc.py)")
        await server.until(lambda after=after: editor.text(path) == after)
    assert (await server.command("claw.wait", run=begun["run"]))["stopped"] == "done"
    assert (await server.command("claw.questions"))["questions"] == []


async def review(person: Person, path: str) -> None:
    """Both changes wait where they are; one is kept, the other reverted."""
    server, editor = person.server, person.server.editor
    assert [(it["before"], it["after"], it["state"]) for it in await person.hunks()] == [
        ("-", "+", "open"),
        ("*", "/", "open"),
    ]
    await person.told(path, "Claw changed this")
    await server.until(lambda: len(person.diagnostics(path)) == 2)
    editor.type(path, 0, "# and more\n")
    assert len((await person.pick(path, "return a + b", "Claw: Keep"))["kept"]) == 1
    await server.until(lambda: [it["range"]["start"]["line"] for it in person.diagnostics(path)] == [7])
    await person.pick(path, "return a / 2", "Claw: Revert")
    assert editor.text(path) == "# and more\n" + ADDED
    await server.until(lambda: person.diagnostics(path) == [])
    assert await person.hunks() == []


async def chat(person: Person) -> None:
    """Two prompts are written in the chat's document, sent from its menu and answered in it."""
    server, editor = person.server, person.server.editor
    path = (await server.command("claw.chat"))["path"]
    if path not in editor.paths():
        editor.open(path, language="markdown")
    for words, answer in (("What does add do?", "It adds two numbers."), ("And half?", "And the other halves.")):
        editor.type(path, len(editor.text(path)), words)
        sent = await person.pick(path, words, "Claw: Send")
        assert (await server.command("claw.wait", run=sent["run"]))["stopped"] == "done"
        await server.until(lambda answer=answer: answer in editor.text(path))
        await server.until(lambda: editor.text(path).rstrip().rpartition("\n")[2].startswith("## You"))


@EVERY
async def test_proposals_are_applied_and_dismissed_from_the_menu(tmp_path: Path, like: str) -> None:
    file = workspace(tmp_path)
    path = str(file)
    (file.parent / ".claw").mkdir()
    (file.parent / ".claw" / "settings.json").write_text(json.dumps({"review": "before"}))
    replies = edits(file, ("a - b", "a + b"), ("a * 2", "a / 2"))
    async with provider(*replies) as api, serving(tmp_path, api, like) as server:
        person, editor = Person(server), server.editor
        editor.open(path, MINE, "python")
        assert (await person.turn("mend it", uri=editor.uri(path)))["stopped"] == "done"
        assert editor.text(path) == MINE
        assert [it["state"] for it in await person.hunks()] == ["proposed", "proposed"]
        await person.told(path, "Claw would change this")
        await person.pick(path, "return a - b", "Claw: Apply")
        assert editor.text(path) == ADDED
        await person.pick(path, "return a * 2", "Claw: Dismiss")
        assert editor.text(path) == ADDED
        await server.until(lambda: person.diagnostics(path) == [])
        assert [it for it in server.boxes if len(it["actions"]) > 1] == []
    assert not api.unexpected
    assert not api.leftover()
