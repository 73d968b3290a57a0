"""What goes along with a prompt, in real Neovim 0.11 with the plugin: the cursor's place is known, shown and sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from neovim_desk import needs_neovim, neovim
from test_neovim import CALC

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

MARKS = "vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('claw.along'), 0, -1, { details = true })"


def test_the_line_of_the_cursor_is_shown_beside_the_prompt_and_stands_below_the_prompt(tmp_path: Path) -> None:
    with neovim(tmp_path, "Ok.", editor="neovim") as it:
        it.edit("calc.py", CALC)
        it.until(it.attached, "the file is attached")
        it.type("2G")
        it.nvim.command("Claw chat")
        it.until(lambda: "/.claw/chats/" in it.nvim.current.buffer.name, "the chat has the cursor")
        chat = it.nvim.current.buffer
        it.until(it.attached, "the chat is attached")

        (mark,) = it.until(lambda: it.lua(f"return {MARKS}"), "a line stands beside the prompt")
        assert mark[3]["virt_text"][0][0] == "Along goes: calc.py, line 2"
        assert "## You" in it.lines(chat)[mark[1]]
        it.type("Gotell me<C-s>")
        it.until(lambda: "- calc.py, line 2" in it.lines(chat), "the chat says what went along")
