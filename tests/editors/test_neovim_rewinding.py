"""Going back in real Neovim: from the menu at an earlier prompt of the chat, and with `/redo` in its prompt, around the typing."""

from __future__ import annotations

from pathlib import Path

import pytest
from neovim_desk import Neovim, needs_neovim, neovim

from claw_lsp.testing.messages_api import Reply, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

CALC = "one = 1\ntwo = 2\n\nfour = 4\nfive = 5\n"


def changes(path: Path, old: str, new: str) -> ToolUse:
    return ToolUse(name="Edit", input={"file_path": str(path), "old_string": old, "new_string": new})


def turns(tmp_path: Path) -> tuple[Reply | str, ...]:
    """One prompt changes a line; the next one two more, and makes a file."""
    path = tmp_path / "ws" / "calc.py"
    command = ToolUse(name="Bash", input={"command": "mkdir made && echo new > made/new.txt"})
    return (
        Reply(content=(ToolUse(name="Read", input={"file_path": str(path)}),)),
        Reply(content=(changes(path, "one = 1", "one = 100"),)),
        "One is big.",
        Reply(content=(changes(path, "four = 4", "four = 400"), changes(path, "two = 2", "two = 200"))),
        Reply(content=(command,)),
        "They are big.",
        "Of course.",
    )


def asked(editor: Neovim) -> str:
    """Both prompts, with what the second one runs allowed; the session."""
    begun = editor.command("claw.ask", prompt="make one big", mode="acceptEdits")
    assert editor.command("claw.wait", run=begun["run"])["stopped"] == "done"
    editor.picks("Run without saving", "Allow once")
    again = editor.command("claw.ask", prompt="make two and four big", session=begun["session"])
    assert editor.command("claw.wait", run=again["run"])["stopped"] == "done"
    return begun["session"]


def sent(editor: Neovim, words: str) -> None:
    """Typed at the end of the chat, and sent with its code action."""
    editor.type(f"Go{words}<Esc>")
    editor.until(lambda: words in editor.text(editor.nvim.current.buffer), "it is typed")
    editor.picks("Claw: Send")
    editor.code_action()


def test_back_to_an_earlier_prompt_from_the_menu_and_again_by_a_slash_command_around_the_typing(tmp_path: Path) -> None:
    made = tmp_path / "ws" / "made"
    with neovim(tmp_path, *turns(tmp_path)) as editor:
        buffer = editor.edit("calc.py", CALC)
        session = asked(editor)
        assert (made / "new.txt").read_text() == "new\n"
        editor.nvim.funcs.cursor(2, 0)
        editor.type("ccmine = 2<Esc>")
        whole = ["one = 100", "mine = 2", "", "four = 400", "five = 5"]
        editor.until(lambda: editor.lines(buffer) == whole, "the typing is there, over what the agent wrote")
        editor.command("claw.chat", session=session)
        editor.until(editor.attached, "the chat is attached")
        chat = editor.nvim.current.buffer
        line = next(n for n, it in enumerate(editor.lines(chat), 1) if it == "make two and four big")
        editor.nvim.funcs.cursor(line, 0)
        editor.picks("Claw: Rewind to here")
        editor.code_action()
        back = ["one = 100", "mine = 2", "", "four = 4", "five = 5"]
        editor.until(lambda: editor.lines(buffer) == back, "what is not in the way is as before the prompt")
        editor.until(lambda: not made.exists(), "what the command made is gone, with its folder")
        editor.until(lambda: "rewound: files and chat" in editor.text(chat), "the chat says so")
        (shown,) = editor.until(lambda: editor.diagnostics(buffer)[1:], "and the place in the way is shown")
        assert "left this" in shown
        sent(editor, "/redo")
        editor.until(lambda: editor.lines(buffer) == whole, "a redo gives back what was")
        editor.until((made / "new.txt").exists, "also the file")
        editor.until(lambda: "rewind taken back" in editor.text(chat), "the chat says so")
        editor.until(lambda: editor.text(chat).count("## You") == 4, "there is a new prompt")
        sent(editor, "and now?")
        editor.until(lambda: "Of course." in editor.text(chat), "the model answers")
        assert "make two and four big" in str(editor.api.requests[-1].body["messages"])
        assert "rror" not in editor.messages()
