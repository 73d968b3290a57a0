"""Real Neovim in a chat document: its own completion, symbols, folding and hover, and links by request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from neovim_desk import CLIENT, Neovim, needs_neovim, neovim

from claw_lsp.testing.messages_api import Reply, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]


def asked(editor: Neovim, method: str, at: tuple[int, int] | None = None) -> Any:
    """What the server answers to a request about the buffer before the person."""
    return editor.lua(
        f"""
        local method, line, character = ...
        local params = {{ textDocument = vim.lsp.util.make_text_document_params(0) }}
        if line then params.position = {{ line = line, character = character }} end
        local answer = {CLIENT}:request_sync(method, params, 5000, vim.api.nvim_get_current_buf())
        return answer and answer.result
        """,
        method,
        *(at or ()),
    )


def menu(editor: Neovim) -> list[str]:
    """The words in the menu of completion."""
    if not editor.nvim.funcs.pumvisible():
        return []
    return [it["word"].strip() for it in editor.nvim.funcs.complete_info(["items"])["items"]]


def picked(editor: Neovim, chat: Any, keys: str, word: str, line: str) -> None:
    """Type, ask for completion, take this word out of the menu; the last line is this then."""
    editor.type(keys)
    editor.until(lambda: chat[-1].endswith(keys.rpartition("<CR>")[2]), "it is typed")
    editor.type("<C-x><C-o>")
    words = editor.until(lambda: menu(editor), f"a menu for {keys}")
    assert word in words
    editor.type("<C-n>" * (words.index(word) + 1 - (editor.nvim.funcs.complete_info(["selected"])["selected"] + 1)))
    editor.type("<C-y>")
    editor.until(lambda: chat[-1] == line, f"{word} is picked")


def test_commands_and_mentions_are_completed_in_a_chat_and_nothing_in_a_file(tmp_path: Path) -> None:
    with neovim(tmp_path) as editor:
        for name in ("src/cart.py", "src/card.py"):
            (editor.root / name).parent.mkdir(exist_ok=True)
            (editor.root / name).write_text("class Basket: ...\nclass BasketItem: ...\n")
        editor.edit("notes.txt", "")
        editor.command("claw.chat")
        chat = editor.nvim.current.buffer
        editor.until(editor.attached, "the chat is attached")
        editor.type("Go/mo")
        editor.until(lambda: chat[-1] == "/mo", "it is typed")
        editor.type("<C-x><C-o>")
        editor.until(lambda: menu(editor) == ["/mode", "/model"], "the commands are offered")
        editor.type("<C-e><C-u>é 🙂 ")
        picked(editor, chat, "@car", "@src/cart.py", "é 🙂 @src/cart.py")
        picked(editor, chat, " @symbol:Bas", "@symbol:Basket", "é 🙂 @src/cart.py @symbol:Basket")
        editor.type("<Esc>:buffer notes.txt<CR>i@cart<C-x><C-o>")
        editor.until(lambda: "Pattern not found" in editor.messages() or editor.nvim.current.line == "@cart", "typed")
        assert not menu(editor)
        assert asked(editor, "textDocument/completion", (0, 5)) == {"isIncomplete": False, "items": []}


def test_a_turn_has_symbols_folds_links_and_its_calls_tell_what_they_did(tmp_path: Path) -> None:
    read = ToolUse(name="Read", input={"file_path": str(tmp_path / "ws" / "calc.py")})
    with neovim(tmp_path, Reply(content=("Looking.", read)), "It is in calc.py:2, see.") as editor:
        editor.edit("calc.py", "def add(a, b):\n    return a - b\n")
        editor.command("claw.chat")
        chat = editor.nvim.current.buffer
        editor.until(editor.attached, "the chat is attached")
        editor.type("Gowhat is wrong?<Esc>")
        editor.until(lambda: "what is wrong?" in editor.text(chat), "it is typed")
        editor.command("claw.send", uri=f"file://{chat.name}")
        editor.until(lambda: "_done" in editor.text(chat), "it is answered")
        lines = editor.lines(chat)
        entry = next(n for n, it in enumerate(lines) if it.startswith("- ✓ `Read"))
        (turn,) = asked(editor, "textDocument/documentSymbol")
        assert turn["name"] == "what is wrong?"
        assert [it["name"] for it in turn["children"]] == ["✓ Read calc.py", "It is in calc.py:2, see."]
        links = asked(editor, "textDocument/documentLink")
        assert [it["target"] for it in links if "#" in it["target"]] == [f"file://{editor.root}/calc.py#L2"]
        editor.nvim.command("setlocal foldmethod=expr foldexpr=v:lua.vim.lsp.foldexpr() foldlevel=0")
        heading = next(n for n, it in enumerate(lines, 1) if it.startswith("## You"))
        editor.until(lambda: editor.nvim.funcs.foldclosed(heading + 2) == heading, "the turn is folded")
        editor.nvim.command("normal! zR")
        editor.nvim.funcs.cursor(entry + 1, 4)
        editor.lua("vim.lsp.buf.hover()")
        shown = editor.until(lambda: _floating(editor), "the hover is shown")
        assert "return a - b" in shown
        assert "allowed by what it can reach" in shown


def _floating(editor: Neovim) -> str:
    """The text of the window that floats."""
    return editor.lua(
        """
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          if vim.api.nvim_win_get_config(window).relative ~= '' then
            return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\\n')
          end
        end
        return ''
        """
    )
