"""The plugin of editors/neovim in real Neovim 0.11, with the real server: what a person does from file to chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from neovim_desk import needs_neovim, neovim
from test_neovim import CALC, FIXED, MINE, fix, opened

from claw_lsp.testing.messages_api import Reply, Text

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(40),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

HUNKS = "vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('claw.hunks'), 0, -1, { details = true })"


def test_a_fix_by_command_is_asked_for_shown_beside_the_line_and_reverted_by_a_key(tmp_path: Path) -> None:
    with neovim(tmp_path, *fix(tmp_path), editor="neovim") as editor:
        buffer = opened(editor)
        editor.picks("Allow once")
        editor.nvim.command("3Claw fix")
        editor.until(lambda: editor.lines(buffer) == FIXED, "the edit arrives")
        assert editor.asked()[0]["titles"][0] == "Deny"
        assert (editor.root / "calc.py").read_text() == CALC
        (mark,) = editor.until(lambda: editor.lua(f"return {HUNKS}"), "the change is shown")
        assert mark[1] == 2
        assert mark[3]["sign_text"].strip() == "┃"
        assert "Claw" in mark[3]["virt_text"][0][0]
        editor.type("gg]h")
        editor.until(lambda: editor.nvim.current.window.cursor[0] == 3, "the key goes to the change")
        editor.type("\\cr")
        editor.until(lambda: editor.lines(buffer) == MINE, "the change is taken back")
        editor.until(lambda: not editor.lua(f"return {HUNKS}"), "nothing is shown any more")
        assert "rror" not in editor.messages()


def test_the_chat_opens_beside_the_file_is_sent_by_a_key_and_followed_while_it_streams(tmp_path: Path) -> None:
    words = [f"line {n}" for n in range(60)]
    pieces = tuple(f"{it}\n\n" for it in words)
    with neovim(
        tmp_path, Reply(content=(Text(text="".join(pieces), pieces=pieces, pace=0.02),)), editor="neovim"
    ) as it:
        it.edit("calc.py", CALC)
        it.nvim.options["lines"], it.nvim.options["columns"] = 24, 100
        it.nvim.command("Claw chat")
        it.until(lambda: "/.claw/chats/" in it.nvim.current.buffer.name, "the chat has the cursor")
        chat = it.nvim.current.buffer
        assert [Path(win.buffer.name).name for win in it.nvim.windows] == ["calc.py", Path(chat.name).name]
        it.until(it.attached, "the chat is attached")
        it.type("Gotell me<C-s>")
        it.until(lambda: "line 5" in it.text(chat), "it is sent and the answer streams")
        it.type("Gonext I want")
        it.until(lambda: "line 59" in it.text(chat), "the answer is whole")
        last = len(it.lines(chat))
        it.until(lambda: it.lua("return vim.fn.line('w$')") == last, "the end is in sight")
        # No more is left of the screen than the lines that take two rows there.
        assert last - it.lua("return vim.fn.line('w0')") > it.nvim.current.window.height - 6
        assert it.nvim.current.line == "next I want"
        it.type("<Esc>gg")
        it.until(lambda: it.lua("return vim.fn.line('w0')") == 1, "who goes up to read stays there")
        assert it.api.requests[0].last_user_text.endswith("tell me")


def test_a_chat_that_was_not_asked_for_by_the_cursor_leaves_it_where_it_is(tmp_path: Path) -> None:
    with neovim(tmp_path, editor="neovim") as editor:
        editor.edit("calc.py", CALC)
        answer = editor.command("claw.chat")
        editor.nvim.command("wincmd p | only")
        chat = Path(answer["path"]).as_uri()
        shown = editor.lua(
            "return require('claw.chat').shows({ uri = ..., takeFocus = false }, vim.lsp.get_clients({ name = 'claw' })[1])",
            chat,
        )
        assert shown is True
        assert Path(editor.nvim.current.buffer.name).name == "calc.py"
        assert len(editor.nvim.windows) == 2
