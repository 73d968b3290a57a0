"""`claw.revert` in real Neovim: one earlier prompt goes as one undo step, with the later one and the typing left in place."""

from __future__ import annotations

from pathlib import Path

import pytest
from neovim_desk import needs_neovim, neovim

from claw_lsp.testing.messages_api import Reply, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

CALC = "one = 1\ntwo = 2\nthree = 3\n"


def changes(path: Path, old: str, new: str) -> Reply:
    return Reply(content=(ToolUse(name="Edit", input={"file_path": str(path), "old_string": old, "new_string": new}),))


def test_an_earlier_prompt_is_taken_back_under_the_typing_and_one_u_brings_it_back(tmp_path: Path) -> None:
    path = tmp_path / "ws" / "calc.py"
    replies = (
        Reply(content=(ToolUse(name="Read", input={"file_path": str(path)}),)),
        changes(path, "one = 1", "one = 100"),
        "One is big.",
        changes(path, "three = 3", "three = 300"),
        "Three is big.",
    )
    with neovim(tmp_path, *replies) as editor:
        buffer = editor.edit("calc.py", CALC)
        begun = editor.command("claw.ask", prompt="make one big", mode="acceptEdits")
        assert editor.command("claw.wait", run=begun["run"])["stopped"] == "done"
        again = editor.command("claw.ask", prompt="make three big", session=begun["session"])
        assert editor.command("claw.wait", run=again["run"])["stopped"] == "done"
        editor.type("ggO# mine, unsaved<Esc>")
        whole = ["# mine, unsaved", "one = 100", "two = 2", "three = 300"]
        editor.until(lambda: editor.lines(buffer) == whole, "both changes and the typing are there")
        answer = editor.command("claw.revert", prompt_id="1")
        assert answer["conflicts"] == []
        assert editor.lines(buffer) == ["# mine, unsaved", "one = 1", "two = 2", "three = 300"]
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == whole, "u takes the revert back and nothing else")
        assert "rror" not in editor.messages()
