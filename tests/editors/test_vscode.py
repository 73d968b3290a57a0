"""The extension of editors/vscode and the points of specs that show only in VS Code, in a real VS Code, as a person sees them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pytest
from installing import needs
from vscode_desk import ACTIVE, BOXES, BUILDING, CLAW, CODE_SERVER, DEBIAN, QUICK, VSCode, install_server, vscode

from claw_lsp.testing.messages_api import Improvised, Recorded, Reply, Scenario, Text, ToolUse

pytestmark = [
    pytest.mark.editor,
    pytest.mark.vscode,
    needs(DEBIAN, CODE_SERVER, BUILDING),
    pytest.mark.timeout(400),
]

Steps = tuple[tuple[Any, ...], ...]


def read(path: str) -> ToolUse:
    return ToolUse(name="Read", input={"file_path": path})


def edit(path: str, old: str, new: str) -> ToolUse:
    return ToolUse(name="Edit", input={"file_path": path, "old_string": old, "new_string": new})


def bash(command: str) -> ToolUse:
    return ToolUse(name="Bash", input={"command": command, "description": "Try it"})


LONG = "\n".join(f"{n}. Line {n} of a long answer, which goes on and on." for n in range(1, 121)) + "\n\nThat is all."
SHOW = "python3 -c \"print(open('closed.py').read())\""
LINKS = "env echo '[free money](command:workbench.action.quit) https://evil.example/x file:///etc/passwd'"


def stories(root: Path) -> dict[str, Steps]:
    """What the model does, by words of what it is asked."""
    at = {
        it: str(root / it)
        for it in ("totals.py", "hunks.py", "back.py", "one.py", "two.py", "three.py", "closed.py", "sum.py")
    }
    return {
        "totals.py": (
            ("I read it first.", read(at["totals.py"])),
            ("A typo.", edit(at["totals.py"], "it.prcie", "it.price")),
            ("Fixed.",),
        ),
        "rename both": (
            (read(at["hunks.py"]),),
            (edit(at["hunks.py"], "first = 1", "first = 10"), edit(at["hunks.py"], "last = 9", "last = 90")),
            ("Both are done.",),
        ),
        "propose for one": (
            (read(at["one.py"]),),
            (edit(at["one.py"], "one = 1", "one = 11"),),
            ("It waits for you.",),
        ),
        "propose for two": (
            (read(at["two.py"]), read(at["three.py"])),
            (edit(at["two.py"], "two = 2", "two = 22"), edit(at["three.py"], "three = 3", "three = 33")),
            ("They wait for you.",),
        ),
        "closed file": (
            (read(at["closed.py"]),),
            (edit(at["closed.py"], "closed = 1", "closed = 2"),),
            (bash(SHOW),),
            ("Done.",),
        ),
        "go there and back": (
            (read(at["back.py"]),),
            (edit(at["back.py"], "one = 1", "one = 10"), edit(at["back.py"], "nine = 9", "nine = 90")),
            ("Gone there.",),
        ),
        "say hello": ((Text(text="Hello from the chat."),),),
        "long answer": ((Text(text=LONG, pace=0.03),),),
        "show links": ((bash(LINKS),), ("As you like.",)),
        "broken.json": (("A colon is missing.",),),
        "what is it": (("It is a sum.",),),
        "sum.py": (("It adds.",),),
    }


def model(told: dict[str, Steps]) -> Scenario:
    """Goes on with the story whose words the person said last."""

    def make(recorded: Recorded) -> Reply:
        messages = recorded.body["messages"]
        for n in reversed(range(len(messages))):
            said = json.dumps(messages[n]["content"]) if messages[n]["role"] == "user" else ""
            story = next((it for words, it in told.items() if words in said and '"tool_result"' not in said), None)
            if story is not None:
                n_done = sum(it["role"] == "assistant" for it in messages[n:])
                return Reply(content=story[min(n_done, len(story) - 1)])
        raise AssertionError(f"nobody told the model about {messages[-1]}")

    return Scenario(replies=(Improvised(make=make, times="always"),))


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Generator[VSCode]:
    folder = tmp_path_factory.mktemp("vscode")
    with vscode(folder, model(stories(folder / "ws"))) as it:
        it.until(lambda: "default" in it.claw(), "the status bar shows the mode", 60)
        yield it


@pytest.fixture
def code(window: VSCode) -> Generator[VSCode]:
    """A window with nothing in it, and the person's settings as they were."""
    window.settings()
    window.clear()
    yield window
    window.settings()


def said(code: VSCode) -> str:
    """What the model was last asked, as one text."""
    asked = [it.body.get("messages", []) for it in code.api.requests[-1:]]
    return json.dumps(asked, ensure_ascii=False)


def test_light_bulb_question_edit_in_the_unsaved_text_and_undo(code: VSCode) -> None:
    before = "def total(items):\n    return sum(it.prcie for it in items)\n"
    code.open("totals.py", before, 2, 20)
    code.press("Control+End")
    code.type("# mine")
    code.go(2, 20)
    code.press("Control+.")
    code.until(lambda: "Claw: Fix" in code.actions(), "the menu has Claw")
    wanted = ("Claw: Explain", "Claw: Edit…", "Claw: Write tests", "Claw: Document", "Claw: Refactor")
    assert set(wanted) <= set(code.actions())
    code.picture("vscode-menu")
    code.click(".action-widget .monaco-list-row", "Claw: Fix")
    code.until(lambda: any("Allow once" in it for it in code.boxes()), "the question is asked")
    question = code.boxes()[0]
    assert "totals.py" in question
    assert re.search(r"Deny \| Allow once \| This session", question), question
    assert "1 to answer" in code.until(lambda: "to answer" in code.claw() and code.claw(), "the status bar counts it")
    # Nothing was opened, and the keyboard stayed where it was (17): what is typed goes into the file.
    assert code.tabs() == ["totals.py *"]
    code.press("Control+End")
    code.type(" and more")
    code.until(lambda: "# mine and more" in code.text(), "the typing is in the file")
    code.picture("vscode-question")
    code.box("Allow once", "totals.py")
    code.until(lambda: "it.price for" in code.text(), "the edit is in the buffer")
    assert "# mine and more" in code.text()
    assert (code.root / "totals.py").read_text() == before
    code.until(lambda: code.tabs() == ["totals.py *"] and "1 to review" in code.claw(), "the change waits for review")
    code.until(lambda: {"Keep", "Revert"} <= set(code.lenses()), "the lenses are there")
    code.until(lambda: code.marks() == 1, "the line has its mark")
    code.press("Control+z")
    code.until(lambda: "it.prcie for" in code.text(), "undo takes the edit back")
    assert "# mine and more" in code.text()
    code.until(lambda: "to review" not in code.claw(), "an edit that was undone waits no more")


def test_changes_are_found_kept_and_reverted_by_keys(code: VSCode) -> None:
    body = "".join(f"line_{n} = {n}\n" for n in range(2, 9))
    code.open("hunks.py", f"first = 1\n{body}last = 9\n", 4)
    code.words("Edit…", "rename both")
    code.box("This session", "hunks.py")
    code.until(lambda: "2 to review" in code.claw(), "two changes wait")
    code.until(lambda: code.marks() == 2, "both lines have a mark")
    code.picture("vscode-review")
    code.press("Alt+c", "n")
    code.until(lambda: "Ln 9, Col 1" in code.status(), "the next change")
    code.press("Alt+c", "n")
    code.until(lambda: "Ln 1, Col 1" in code.status(), "round to the first")
    code.press("Alt+c", "p")
    code.until(lambda: "Ln 9, Col 1" in code.status(), "and back")
    code.press("Alt+c", "k")
    code.until(lambda: "1 to review" in code.claw() and code.marks() == 1, "the last one is kept")
    code.press("Alt+c", "n")
    code.until(lambda: "Ln 1, Col 1" in code.status(), "the one that is left")
    code.press("Alt+c", "r")
    code.until(lambda: "to review" not in code.claw() and code.marks() == 0, "it is reverted")
    code.until(
        lambda: (code.line(0), code.line(8)) == ("first = 1", "last = 90"), "one is kept, the other is as it was"
    )


def test_a_proposal_is_a_difference_that_is_accepted_or_rejected(code: VSCode) -> None:
    code.settings(review="before")
    code.open("one.py", "zero = 0\none = 1\n", 2)
    propose(code, "propose for one")
    code.until(lambda: code.marks() == 1, "the proposal is marked")
    assert "one = 1" in code.text() and "one = 11" not in code.text()
    code.press("Alt+c", "d")
    code.until(lambda: "Claw proposes" in code.title(), "the difference opens")
    code.until(
        lambda: "one = 11" in code.do("lines", selector=".modified-in-monaco-diff-editor"), "the text it would become"
    )
    code.picture("vscode-proposal")
    code.click('.editor-actions a[aria-label^="Accept Proposal"]')
    code.until(lambda: code.tabs() == ["one.py *"], "the difference is closed, the file is changed")
    code.until(lambda: code.line(1) == "one = 11", "the file shows it")
    code.press("Control+z")
    code.until(lambda: code.line(1) == "one = 1", "undone")
    propose(code, "propose for one")
    code.press("Alt+c", "d")
    code.until(lambda: "Claw proposes" in code.title(), "the difference opens")
    code.click('.editor-actions a[aria-label^="Reject Proposal"]')
    code.until(lambda: "Claw proposes" not in code.title() and "to review" not in code.claw(), "nothing waits any more")
    code.until(lambda: code.line(1) == "one = 1", "the file is as it was")


def test_a_proposal_over_two_files_is_one_thing_to_answer(code: VSCode) -> None:
    code.settings(review="before")
    (code.root / "three.py").write_text("three = 3\n")
    code.open("two.py", "two = 2\n", 1)
    propose(code, "propose for two")
    code.press("Alt+c", "d")
    code.until(lambda: "Claw proposes" in code.title(), "the difference opens")
    code.until(lambda: code.do("count", selector=".multiDiffEntry") == 2, "it shows both files")
    code.click('.editor-actions a[aria-label^="Accept Proposal"]')
    code.until(lambda: sorted(code.tabs()) == ["three.py *", "two.py *"], "both are changed")
    code.open("three.py")
    code.until(lambda: "three = 33" in code.text(), "it is changed")
    code.press("Control+z")
    code.until(lambda: code.line(0) == "three = 3", "its change is undone by one key (12)")
    code.open("two.py")
    # Each document is a request of its own, and so a step of its own (7).
    code.until(lambda: "two = 22" in code.text(), "the other is still changed")
    code.press("Control+z")
    code.until(lambda: code.line(0) == "two = 2", "and so is the other's")


def propose(code: VSCode, words: str) -> None:
    """Ask for an edit, and wait until its proposal waits."""
    code.words("Edit…", words)
    code.until(lambda: "to review" in code.claw() and code.marks(), "the proposal waits")


def test_a_chat_opens_beside_is_sent_by_a_key_and_stays_in_view(code: VSCode) -> None:
    code.open("sum.py", "a + b\n")
    code.palette("Chat")
    code.until(lambda: code.active().endswith(".md"), "the chat is opened")
    assert code.do("count", selector=".editor-group-container") == 2
    code.until(lambda: "## You" in code.text(), "its prompt is there")
    code.type("please say hello")
    code.press("Control+Enter")
    code.until(lambda: "Hello from the chat." in code.text(), "the answer streams in")
    code.until(lambda: "".join(code.text().rstrip().splitlines()[-1:]).startswith("## You"), "a new prompt is below")
    code.picture("vscode-chat")
    code.type("now a long answer")
    code.press("Control+Enter")
    seen = code.until(lambda: numbers(code)[-1:] > [40] and numbers(code), "the view goes with the stream")
    code.until(lambda: any("## You" in it for it in code.lines()), "the prompt stays in view")
    code.type("typed meanwhile")
    code.until(lambda: "typed meanwhile" in code.text(), "the typing is in the prompt")
    code.until(lambda: not code.working(), "the answer is complete")
    code.until(
        lambda: "That is all." in code.text() and "typed meanwhile" in code.lines(),
        "its end and the prompt are in view",
    )
    assert seen[0] > 1


def numbers(code: VSCode) -> list[int]:
    """The numbers of the lines of the long answer that are in view."""
    return [int(it[1]) for line in code.lines() if (it := re.match(r"(\d+)\. Line", line))]


def test_a_view_that_the_person_moved_away_is_left_where_it_is(code: VSCode) -> None:
    code.palette("Chat")
    code.until(lambda: code.active().endswith(".md"), "the chat is opened")
    code.until(lambda: "## You" in code.text(), "its prompt is there")
    code.press("Control+End")
    code.type("another long answer")
    code.until(lambda: "another long answer" in code.text(), "it is typed")
    code.press("Control+Enter")
    code.until(lambda: "another long answer" in said(code), "the model is asked")
    code.until(lambda: numbers(code)[-1:] > [60], "so much of it is there that there is room above")
    code.do("hover", selector=f"{ACTIVE} .view-lines", text="")
    code.until(lambda: scrolled_up(code), "the view stays where the person moved it")
    first = code.until(lambda: numbers(code), "lines of the answer are in view")[0]
    code.until(lambda: not code.working(), "the answer is complete", 60)
    # A lens that comes or goes moves the lines by one; the stream would take the view a hundred lines down.
    code.until(lambda: numbers(code) and abs(numbers(code)[0] - first) <= 2, "the view is where the person left it")
    code.press("Control+End")
    code.until(lambda: "That is all." in code.text(), "the end is there")


def scrolled_up(code: VSCode) -> bool:
    """Turn the wheel; whether the prompt below the answer is out of view, and stays so while the answer goes on. Headings of
    earlier prompts may come into view above it."""
    code.do("wheel", dy=-600)
    n_before = len(said_by(code))
    code.until(lambda: len(said_by(code)) > n_before + 200 or not code.working(), "the stream goes on")
    lines = code.lines()
    last = max((n for n, it in enumerate(lines) if re.match(r"\d+\. Line", it)), default=None)
    return last is not None and not any("## You" in it for it in lines[last:])


def said_by(code: VSCode) -> str:
    """All that the chats' sessions have heard of the model by now."""
    return "".join(it.read_text() for it in (code.home / "claw").rglob("*.partial"))


def test_palette_status_bar_and_what_is_answered_in_words(code: VSCode) -> None:
    code.open("sum.py", "first\na + b\nlast\n", 2, 1)
    code.press("Shift+End")
    # The palette of VS Code sends no file and no selection (16): they are there all the same.
    code.words("Ask…", "what is it")
    code.until(lambda: "what is it" in said(code), "the model is asked")
    assert "sum.py" in said(code) and "a + b" in said(code)
    code.until(lambda: not code.working() and any("It is a sum." in it for it in code.boxes()), "the answer is said")
    assert re.search(r"\S+ · default · \d+ % · <?\$\d", code.claw()), code.claw()
    assert code.tabs() == ["sum.py"], "nothing was opened for it"
    code.palette("Stop")
    code.until(lambda: any("nothing is running" in it for it in code.boxes()), "there is nothing to stop")
    code.click(CLAW)
    code.until(lambda: any(it.startswith("Mode") for it in code.rows()), "the menu opens")
    code.picture("vscode-status")
    code.type("Mode")
    code.until(lambda: [it for it in code.rows()[:1] if it.startswith("Mode")], "Mode is found")
    code.press("Enter")
    code.pick("acceptEdits")
    code.until(lambda: "acceptEdits" in code.claw(), "the mode is picked")
    code.click(CLAW)
    code.pick("Mode")
    code.pick("default")
    code.until(lambda: "· default ·" in code.claw(), "and back")
    code.palette("Cost")
    code.until(lambda: code.title().startswith("Claw Cost"), "more than a line is a page")
    code.until(lambda: "in this session" in code.text(), "the page says it")


def test_the_rules_in_force_are_a_document_where_one_can_be_taken_back(code: VSCode) -> None:
    local = code.root / ".claw" / "settings.local.json"
    local.parent.mkdir(exist_ok=True)
    local.write_text(json.dumps({"permissions": {"deny": ["Bash(curl *)", "Read(./secret.txt)"]}}))
    code.palette("Permissions")
    code.until(lambda: "Bash(curl *)" in code.text(), "the rules are shown")
    written = max((code.home / "claw" / "views").glob("*/permissions.md"), key=lambda it: it.stat().st_mtime)
    page = written.read_text().split("\n")
    code.go(next(n for n, it in enumerate(page, 1) if "Bash(curl *)" in it))
    code.press("Control+.")
    code.until(lambda: "Claw: Remove Bash(curl *)" in code.actions(), "it can be removed")
    code.picture("vscode-permissions")
    code.click(".action-widget .monaco-list-row", "Claw: Remove Bash(curl *)")
    code.until(lambda: "curl" not in local.read_text(), "it is gone from its file")
    code.until(lambda: "Bash(curl *)" not in code.text(), "and from the page")
    assert json.loads(local.read_text()) == {"permissions": {"deny": ["Read(./secret.txt)"]}}
    local.unlink()


def test_a_question_holds_no_links_and_its_box_goes_when_it_is_answered_elsewhere(code: VSCode) -> None:
    code.open("links.txt", "text\n")
    code.words("Ask…", "show links")
    code.until(lambda: any("free money" in it for it in code.boxes()), "the question is asked")
    # VS Code makes links of what looks like one (5).
    assert code.do("count", selector=f"{BOXES} .notification-list-item-message a") == 0
    code.palette("Answer a Question")
    code.pick("Deny")
    code.until(lambda: "to answer" not in code.claw(), "it is answered")
    code.until(lambda: not any("free money" in it for it in code.boxes()), "its box is out of the way")


def test_a_closed_file_is_edited_in_a_tab_behind_saved_for_a_command_and_undone(code: VSCode) -> None:
    (code.root / "closed.py").write_text("closed = 1\n")
    code.open("sum.py", "a + b\n")
    code.words("Edit…", "closed file")
    code.box("Allow once", "closed.py")
    code.until(lambda: code.tabs() == ["sum.py", "closed.py *"], "the edit is in a tab that is not saved (10)")
    assert code.active() == "sum.py"
    assert (code.root / "closed.py").read_text() == "closed = 1\n"
    code.until(lambda: any("python3 -c" in it for it in code.boxes()), "the command is asked for")
    code.box("Allow once", "python3 -c")
    code.until(
        lambda: code.tabs() == ["sum.py", "closed.py"], "it was saved for the command, behind the one that is shown"
    )
    assert (code.root / "closed.py").read_text() == "closed = 2\n"
    code.until(lambda: "closed = 2" in said(code), "the command saw it")
    code.open("closed.py")
    code.press("Control+z")
    code.until(lambda: code.line(0) == "closed = 1", "undo works in a document that was never shown (12)")
    code.clear()
    code.until(lambda: "to review" not in code.claw(), "the server followed")
    assert code.server().is_running()


def test_moving_about_asks_the_model_nothing_and_shows_no_error(code: VSCode) -> None:
    code.open("sum.py", "".join(f"row = {n}\n" for n in range(60)))
    n_before, pid = len(code.api.requests), code.server().pid
    code.press(*["ArrowDown"] * 30)
    code.until(lambda: "Ln 31, Col" in code.status(), "the cursor moved")
    code.press("Control+.")
    code.until(lambda: "Claw: Fix" in code.actions(), "the menu is there (14)")
    assert (len(code.api.requests), code.server().pid, code.boxes()) == (n_before, pid, [])


def test_fix_knows_what_the_other_servers_say(code: VSCode) -> None:
    code.open("broken.json", '{\n  "a": 1,\n  "b" 2\n}\n', 1)
    code.until(lambda: code.do("count", selector=f"{ACTIVE} .squiggly-error"), "VS Code's own server complains")
    code.palette("Fix")
    code.until(lambda: "broken.json" in said(code), "the model is asked")
    # The complaint is two lines below the cursor: no code action brought it (15).
    assert "Colon expected" in said(code)


def test_what_the_other_servers_know_is_answered_without_our_own(code: VSCode) -> None:
    uri = (code.root / "app.js").as_uri()
    place = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 1}}
    asks = {
        "textDocument/definition": place,
        "textDocument/references": {**place, "context": {"includeDeclaration": True}},
        "textDocument/hover": place,
        "textDocument/documentSymbol": place,
        "workspace/symbol": {"query": "greet"},
        "textDocument/rename": {**place, "newName": "welcome"},
        "textDocument/codeAction": {
            **place,
            "range": {"start": {"line": 0, "character": 9}, "end": {"line": 0, "character": 9}},
        },
        "textDocument/diagnostic": {"textDocument": {"uri": (code.root / "broken.json").as_uri()}},
        "workspace/diagnostic": {},
    }
    (code.home / "asks.json").write_text(json.dumps([{"method": it, "params": asks[it]} for it in asks]))
    code.open("broken.json", '{\n  "a": 1,\n  "b" 2\n}\n')
    code.open("app.js", "function greet(name) {\n  return name;\n}\ngreet('you');\n")
    asking = Path(__file__).parent / "asking_server.py"
    install_server(code.home / "asking", f'"{asking}" "{code.home}/asks.json" "{code.home}/answers.json"')
    code.settings(server__path=str(code.home / "asking"))
    code.until((code.home / "answers.json").exists, "all of it is answered", 60)
    found = dict(zip(asks, json.loads((code.home / "answers.json").read_text()), strict=True))
    greet = {"start": {"line": 0, "character": 9}, "end": {"line": 0, "character": 14}}
    call = {"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 5}}
    assert found["textDocument/definition"] == [{"uri": uri, "range": greet}]
    assert [it["range"] for it in found["textDocument/references"]] == [greet, call]
    hover = found["textDocument/hover"]["contents"]["value"]
    assert "function greet(name" in hover and "claw" not in hover
    assert found["textDocument/documentSymbol"][0]["name"] == "greet"
    assert any(it["name"].startswith("greet") for it in found["workspace/symbol"])
    changes = found["textDocument/rename"]["changes"][uri]
    assert sorted((it["range"]["start"]["line"], it["newText"]) for it in changes) == [(0, "welcome"), (3, "welcome")]
    assert all(it["title"] for it in found["textDocument/codeAction"])
    assert [it["message"] for it in found["textDocument/diagnostic"]["items"]] == ["Colon expected"]
    assert [it["uri"].rpartition("/")[2] for it in found["workspace/diagnostic"]["items"]] == ["broken.json"]
    code.settings()
    code.until(lambda: "default" in code.claw(), "the real server is back", 40)


def test_key_restart_settings_and_a_program_that_is_not_there(code: VSCode) -> None:
    first = code.pid()
    code.palette("Restart Server")
    code.until(lambda: code.pid() not in (None, first), "another server runs")
    code.until(lambda: "default" in code.claw(), "it works")
    code.settings(model="haiku")
    code.palette("Set API Key")
    code.until(lambda: code.do("count", selector=f'{QUICK}[type="password"]'), "the key is typed unseen")
    code.type("sk-ant-of-the-person")
    code.press("Enter")
    code.until(lambda: key_of(code) == "sk-ant-of-the-person", "it reaches the server in its environment")
    assert "sk-ant-of-the-person" not in " ".join(code.server().cmdline())
    code.until(lambda: "haiku" in code.claw(), "what is written in the settings reaches the server")
    code.palette("Set API Key")
    code.until(lambda: code.do("count", selector=f'{QUICK}[type="password"]'), "the box")
    code.press("Enter")
    code.until(lambda: key_of(code) == "sk-ant-scripted", "an empty answer forgets the key")
    code.settings(server__path="/nowhere/claw-lsp")
    code.until(
        lambda: any("there is no such program" in it and "Open settings" in it for it in code.boxes()), "it is said"
    )
    code.palette("Chat")
    code.until(lambda: any("Claw is not running." in it for it in code.boxes()), "and said again")
    code.settings()
    code.until(lambda: "opus" in code.claw(), "it starts when the setting is mended", 40)


def key_of(code: VSCode) -> str:
    """The key that the server got, empty while there is no server."""
    try:
        return code.server().environ().get("ANTHROPIC_API_KEY", "")
    except (AssertionError, psutil.Error):
        return ""


def repository(root: Path) -> None:
    """Something is staged, in a repository that VS Code looks at."""
    (root / ".vscode").mkdir()
    (root / ".vscode" / "settings.json").write_text('{"git.enabled": true}')
    (root / ".gitignore").write_text(".venv\n.vscode\n.claw\n")
    (root / "a.txt").write_text("one\n")
    for words in (("init", "-q", "-b", "main"), ("add", "a.txt"), ("config", "core.editor", "true")):
        subprocess.run(("git", "-C", str(root), *words), check=True)


def test_a_commit_message_goes_into_the_box_or_the_open_message_and_over_nobodys_words(tmp_path: Path) -> None:
    told: dict[str, Steps] = {"staged changes": (("```text\nAdd one line\n\nIt was missing.\n```",),)}
    with vscode(tmp_path, model(told), ready=repository) as code:
        code.until(lambda: "opus" in code.claw(), "it answers", 60)

        def box() -> str:
            return " ".join(code.do("texts", selector=".scm-editor .view-lines")).replace("\xa0", " ")

        code.palette("Write a Commit Message")
        code.until(lambda: "Add one line" in box(), "the box of the view holds the message")
        code.palette("Write a Commit Message")
        code.until(lambda: "Claw Commit message.md" in code.tabs(), "words in the box stay: it is shown beside them")
        assert box().count("Add one line") == 1
        code.open(".git/COMMIT_EDITMSG", "\n# Please enter the commit message\n")
        code.palette("Write a Commit Message")
        code.until(lambda: "Add one line" in code.text(), "the message that is open holds it")
        message = ["Add one line", "", "It was missing.", ""]
        code.until(lambda: code.lines()[:4] == message, "the whole of it, and a line between")
        assert "# Please enter the commit message" in code.text()


def test_back_to_a_prompt_by_its_lens_and_forth_from_the_palette_around_the_typing(tmp_path: Path) -> None:
    with vscode(tmp_path, model(stories(tmp_path / "ws"))) as code:
        code.until(lambda: "default" in code.claw(), "the status bar shows the mode", 60)
        code.open("back.py", "one = 1\ntwo = 2\n\n\n\nnine = 9\n", 4)
        code.palette("Chat")
        code.until(lambda: code.active().endswith(".md"), "the chat is opened")
        code.until(lambda: "## You" in code.text(), "its prompt is there")
        code.type("go there and back")
        code.until(lambda: "go there and back" in code.text(), "it is typed")
        code.press("Control+Enter")
        code.box("This session", "back.py")
        code.until(lambda: "Gone there." in code.text(), "it is done")
        code.open("back.py")
        code.until(lambda: (code.line(0), code.line(5)) == ("one = 10", "nine = 90"), "both lines are changed")
        code.press("Control+Home")
        code.type("# mine and ")
        code.until(lambda: code.line(0) == "# mine and one = 10", "the person types over one of them")
        code.palette("Chat")
        code.until(lambda: code.active().endswith(".md"), "the chat is in front")
        code.press("Control+Home")
        code.until(lambda: "Rewind to here" in code.lenses(), "the lens is there")
        code.picture("vscode-rewind")
        code.click(f"{ACTIVE} .codelens-decoration a", "Rewind to here")
        code.until(lambda: "brought back" in str(code.boxes()) or "rewound: files" in code.text(), "it is said")
        code.open("back.py")
        code.until(lambda: code.line(5) == "nine = 9", "the file is as before, but for what was typed")
        code.until(lambda: code.line(0).startswith("# mine and one = 1"), "what was typed stays")
        code.palette("Take Back the Last Rewind")
        code.until(lambda: code.line(5) == "nine = 90", "and it is taken back")
        code.until(lambda: code.line(0) == "# mine and one = 10", "beside what was typed")


def test_a_command_that_is_given_while_the_server_starts_waits_for_it(window: VSCode) -> None:
    window.clear()
    program, go = window.root / ".venv" / "bin" / "claw-lsp", window.home / "go"
    kept = program.rename(program.with_name("kept"))
    program.write_text(kept.read_text().replace("\n", f'\nuntil [ -e "{go}" ]; do sleep 0.1; done\n', 1))
    program.chmod(0o755)
    try:
        window.palette("Restart Server")
        window.until(lambda: window.pid() is None, "it ends, and none is there yet")
        window.palette("Permissions")
        window.until(lambda: "Claw is starting" in window.status(), "it is said that it waits")
    finally:
        go.touch()
        kept.replace(program)
    window.until(lambda: "## Allowed" in window.text(), "the command is carried out")
    assert not any("not running" in it for it in window.boxes())


def test_nothing_of_a_workspace_that_is_not_trusted_is_started_and_uvx_only_by_the_persons_word(tmp_path: Path) -> None:
    uvx = tmp_path / "bin" / "uvx"
    install_server(uvx)
    uvx.write_text(uvx.read_text().replace("\n", '\n[ "$1" = claw-lsp ] && shift || exit 1\n', 1))
    # VSCODE_CLI keeps VS Code from asking a login shell for another PATH.
    environment = {"PATH": f"{uvx.parent}:/usr/bin:/bin", "VSCODE_CLI": "1"}
    with vscode(tmp_path, model({}), environment, trusts=False) as code:
        missing = "there is no claw-lsp in PATH."
        code.until(lambda: any(missing in it for it in code.boxes()), "it is said", 60)
        code.settings(server__path=str(code.root / ".venv" / "bin" / "claw-lsp"))
        code.clear()
        code.palette("Restart Server")
        code.until(lambda: any(missing in it for it in code.boxes()), "and said again")
        assert code.pid() is None
        code.box("Run it with uvx")
        first = code.until(code.pid, "the person's word starts it by uvx")
        code.until(lambda: "opus" in code.claw(), "it answers", 60)
        project = code.root / ".claw" / "settings.json"
        project.parent.mkdir(exist_ok=True)
        project.write_text(json.dumps({"permissions": {"allow": ["Bash(make *)"], "deny": ["Bash(curl *)"]}}))
        code.palette("Permissions")
        code.until(
            lambda: "The editor says that this workspace is not trusted" in code.text(), "the server is told (trust)"
        )
        code.picture("vscode-not-trusted")
        denied, _, allowed = code.text().partition("## Allowed")
        assert "Bash(curl *)" in denied and "No rule." in allowed
        own, starts = code.root / ".venv" / "bin" / "claw-lsp", tmp_path / "starts"
        own.write_text(own.read_text().replace("\n", f'\necho one >> "{starts}"\n', 1))
        code.press("F1")
        code.pick("Workspaces: Manage Workspace Trust")
        code.click(".workspace-trust-buttons-row .monaco-button", "Trust")
        code.until(lambda: code.pid() not in (None, first), "the person trusts the workspace, and its own is started")
        code.until(lambda: "opus" in code.claw(), "it answers", 40)
        code.palette("Permissions")
        code.until(lambda: "not trusted yet" in code.text(), "and the server asks for itself from here on")
        assert starts.read_text().split() == ["one"], "trust and the settings that come with it start it once"
