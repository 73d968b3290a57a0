"""Proposals in real Neovim 0.11: applied from the menu as one undo step; and a new file that is reverted goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from neovim_desk import Neovim, needs_neovim, neovim

from claw_lsp.testing.messages_api import Reply, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

CALC = "def add(a, b):\n    return a - b\n"
MINE = ["# mine, unsaved", "def add(a, b):", "    return a - b"]
FIXED = ["# mine, unsaved", "def add(a, b):", "    return a + b"]


def proposes(tmp_path: Path) -> tuple[Reply | str, ...]:
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": "a - b", "new_string": "a + b"}
    return (
        Reply(content=(ToolUse(name="Read", input={"file_path": file}),)),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It waits.",
    )


def proposed(editor: Neovim) -> Any:
    """calc.py with a proposal over it, the cursor on that and a line typed above."""
    folder = editor.home / "claw"
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps({"review": "before"}))
    buffer = editor.edit("calc.py", CALC)
    begun = editor.command("claw.ask", prompt="mend it")
    assert editor.command("claw.wait", run=begun["run"])["stopped"] == "done"
    editor.until(lambda: editor.diagnostics(buffer), "the proposal is a diagnostic")
    assert "would change this" in editor.diagnostics(buffer)[0]
    assert editor.lines(buffer) == CALC.splitlines()
    editor.type("ggO# mine, unsaved<Esc>")
    editor.until(lambda: editor.lines(buffer) == MINE, "the line is typed")
    editor.nvim.funcs.cursor(3, 12)
    return buffer


def test_a_proposal_is_applied_from_the_menu_over_the_typing_and_one_u_takes_it_back(tmp_path: Path) -> None:
    with neovim(tmp_path, *proposes(tmp_path)) as editor:
        buffer = proposed(editor)
        editor.picks("Claw: Apply")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == FIXED, "the proposal is in the text")
        assert editor.asked()[0]["titles"][:3] == ["Claw: Apply", "Claw: Dismiss", "Claw: Show diff"]
        editor.until(lambda: not editor.diagnostics(buffer), "nothing waits any more")
        assert (editor.root / "calc.py").read_text() == CALC
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == MINE, "u takes back what was applied and nothing else")
        assert editor.command("claw.hunks")["hunks"] == []
        assert "rror" not in editor.messages()


def test_a_proposal_is_shown_as_a_diff_and_dismissed_from_the_menu(tmp_path: Path) -> None:
    with neovim(tmp_path, *proposes(tmp_path)) as editor:
        buffer = proposed(editor)
        editor.picks("Claw: Show diff")
        editor.code_action()
        shown = editor.until(
            lambda: next((it for it in editor.nvim.buffers if it.name.endswith("changes.diff")), None), "the diff opens"
        )
        assert "+    return a + b" in editor.lines(shown)
        window = next(it for it in editor.nvim.windows if it.buffer.number == buffer.number)
        editor.nvim.current.window = window
        editor.nvim.funcs.cursor(3, 12)
        editor.picks("Claw: Dismiss")
        editor.code_action()
        editor.until(lambda: not editor.diagnostics(buffer), "nothing waits any more")
        assert editor.lines(buffer) == MINE


@pytest.mark.parametrize("saved", [False, True])
def test_a_new_file_that_is_reverted_is_gone(tmp_path: Path, saved: bool) -> None:
    file = tmp_path / "ws" / "made.py"
    write = ToolUse(name="Write", input={"file_path": str(file), "content": "made = 1\n"})
    with neovim(tmp_path, Reply(content=(write,)), "Made.") as editor:
        editor.edit("calc.py", CALC)
        begun = editor.command("claw.ask", prompt="make it", mode="acceptEdits")
        editor.command("claw.wait", run=begun["run"])
        if saved:
            editor.nvim.command("wall")
        answer = editor.command("claw.undo", all=True)
        assert "made.py, which held nothing else, was deleted." in answer["text"]
        assert not file.exists()
        assert [it.name for it in editor.nvim.buffers if it.name.endswith("made.py")] == []
        assert "rror" not in editor.messages()
