"""Real Neovim in claw-lsp's own files: completion, hover and diagnostics while one types, and the fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from neovim_desk import Neovim, needs_neovim, neovim
from test_neovim_chat_language import asked, menu

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]


def begun(editor: Neovim, name: str, text: str) -> Any:
    """The file is open, and the server attached to it."""
    (editor.root / name).parent.mkdir(parents=True, exist_ok=True)
    editor.edit(name, text)
    editor.until(editor.attached, "the server is attached")
    return editor.nvim.current.buffer


def complaints(editor: Neovim) -> list[str]:
    found: list[str] = editor.lua("return vim.tbl_map(function(it) return it.message end, vim.diagnostic.get(0))")
    return found


def test_settings_are_completed_explained_and_mended_while_they_are_typed(tmp_path: Path) -> None:
    with neovim(tmp_path) as editor:
        text = json.dumps({"modle": "opus", "permissions": {"allow": ["Bash(npm test *)"]}}, indent=2)
        buffer = begun(editor, ".claw/settings.json", text)
        editor.until(lambda: any("did you mean model?" in it for it in complaints(editor)), "what is misspelt is said")
        editor.nvim.command("call search('modle')")
        editor.picks('Claw: Write "model"')
        editor.code_action()
        editor.until(lambda: '"model": "opus"' in editor.text(buffer), "it is mended")
        editor.until(lambda: not complaints(editor), "and nothing is wrong")
        line = next(n for n, it in enumerate(buffer[:]) if "npm test" in it)
        said = asked(editor, "textDocument/hover", (line, buffer[line].index("npm")))
        assert "that is `npm test` or begins with it and a blank" in said["contents"]["value"]
        editor.nvim.command("call search('\"opus\"')")
        editor.type('ci"<C-x><C-o>')
        words = editor.until(lambda: menu(editor), "a menu of models")
        assert any("sonnet" in it for it in words)


def test_the_front_of_an_agent_is_checked_and_completed(tmp_path: Path) -> None:
    with neovim(tmp_path) as editor:
        buffer = begun(editor, ".claude/agents/looker.md", "---\nname: Big One\ndescription: Looks\n---\nYou look.\n")
        editor.until(lambda: any("small letters" in it for it in complaints(editor)), "the name is complained of")
        editor.type("jjoperm<C-x><C-o>")
        editor.until(lambda: "\npermissionMode:" in editor.text(buffer), "the only name that fits is written")
