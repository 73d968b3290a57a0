"""A long session in real Neovim without a plugin: what goes along is seen beside *Send*, an item is dropped in the document of
`claw.context`, and the chat is compacted from its prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from neovim_desk import Neovim, needs_neovim, neovim
from test_neovim import CALC

from claw_lsp.testing.messages_api import Reply, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]


def sends(it: Neovim, words: str, until: str) -> None:
    """Write into the chat that has the cursor, and send it from the menu."""
    chat = it.nvim.current.buffer
    it.until(lambda: "## You" in it.lines(chat)[-2] or "## You" in it.lines(chat)[-3], "a prompt block is there")
    it.type(f"Go{words}<Esc>")
    it.until(lambda: words in it.lines(chat), "it is typed")
    it.picks("Claw: Send")
    it.code_action()
    it.until(lambda: until in it.text(chat), until)


def test_along_is_seen_before_sending_an_item_is_dropped_and_the_chat_compacted_from_menus_alone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ws" / "calc.py"
    read = Reply(content=(ToolUse(name="Read", input={"file_path": str(file)}),))
    with neovim(tmp_path, read, "I read it.", "You asked for calc.py.", "Gone.") as it:
        it.edit("calc.py", CALC)
        it.code_action()
        it.command("claw.chat")
        it.until(lambda: "/.claw/chats/" in it.nvim.current.buffer.name, "the chat has the cursor")
        chat = it.nvim.current.buffer
        it.until(it.attached, "the chat is attached")
        sends(it, "read it", "I read it.")
        offered = it.asked()[-1]["titles"]
        assert "Claw: Along goes: calc.py (switch off)" in offered
        it.until(lambda: "_done" in it.text(chat), "the turn has ended")

        it.command("claw.context")
        it.until(lambda: [win for win in it.nvim.windows if win.buffer.name.endswith("/context.md")], "it is shown")
        it.nvim.current.window = next(win for win in it.nvim.windows if win.buffer.name.endswith("/context.md"))
        page = it.nvim.current.buffer
        it.until(it.attached, "the document is attached")
        line = next(n for n, words in enumerate(it.lines(page), 1) if words.startswith("- `Read calc.py`"))
        it.nvim.funcs.cursor(line, 1)
        it.picks("Claw: Drop Read calc.py", "Drop it")
        it.code_action()
        it.until(lambda: "it is left out" in it.messages(), "it is dropped")

        it.nvim.command(f"buffer {chat.number}")
        sends(it, "/compact", "- compacted:")
        sends(it, "and now?", "Gone.")
        asked = str(it.api.requests[-2].body)
        assert "The result of this call was left out here: the person dropped it" in asked
        assert "a - b" not in asked
        assert "You asked for calc.py." in str(it.api.requests[-1].body)
        assert "rror" not in it.messages()
