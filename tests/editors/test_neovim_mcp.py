"""The page of the MCP servers in real Neovim: approved, looked at, switched off and started anew from its lines; the cursor stays."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from neovim_desk import Neovim, command_line, needs_neovim, neovim

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

SERVER = Path(__file__).parents[1] / "wire" / "mcp_server.py"


def picks(editor: Neovim, line: str, choice: str) -> None:
    """Go to the line that begins so, ask what can be done about it, and choose."""
    editor.nvim.command(f"call search('^{line}', 'w')")
    editor.picks(choice)
    editor.code_action()


def running(editor: Neovim) -> set[int]:
    """The processes of the server."""
    children = editor.server().children(recursive=True)
    return {it.pid for it in children if any(str(SERVER) == word for word in command_line(it))}


def test_a_server_is_approved_and_handled_on_its_page_which_follows_it(tmp_path: Path) -> None:
    with neovim(tmp_path) as editor:
        entry = {"command": sys.executable, "args": [str(SERVER)]}
        (editor.root / ".mcp.json").write_text(json.dumps({"mcpServers": {"calc": entry}}))
        editor.edit("a.py", "a = 1\n")
        answer = editor.command("claw.mcp")
        assert answer["servers"][0]["standing"] == "unapproved"
        editor.nvim.command(f"edit {answer['path']}")
        editor.until(editor.attached, "the server is attached to the page")
        page = editor.nvim.current.buffer

        def says(words: str) -> None:
            editor.until(lambda: words in editor.text(page), f"the page says {words!r}: {editor.text(page)}")

        picks(editor, "## `calc`", "Claw: Approve calc")
        says("## `calc`: up")
        assert "- `mcp__calc__add`" in editor.text(page)
        assert editor.nvim.current.line.startswith("## `calc`: up"), "the cursor stays where it was"
        editor.nvim.command("call search('mcp__calc__add')")
        picks(editor, "## `calc`", "Claw: Switch calc off")
        says("## `calc`: off")
        picks(editor, "## `calc`", "Claw: Switch calc on")
        says("## `calc`: up")
        before = running(editor)
        picks(editor, "## `calc`", "Claw: Restart calc")
        editor.until(lambda: running(editor) and before.isdisjoint(running(editor)), "another process runs")
        says("## `calc`: up")
        editor.type("GoMy own words<Esc>")
        says("My own words")
        assert "rror" not in editor.messages() and "W1" not in editor.messages()
        editor.until(editor.at_rest, "Neovim waits for the next command")
