"""The page of the MCP servers in real Neovim: approved, looked at, switched off and started anew from its lines; the cursor stays."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from neovim_desk import Neovim, command_line, needs_neovim, neovim

from tests.wire.oauth_desk import Desk, serving

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


BROWSER = """
_G.pages = {}
vim.ui.open = function(page) table.insert(_G.pages, page); return nil end
"""


@contextmanager
def guarded() -> Generator[Desk]:
    """A server that wants a login, in a thread: Neovim's client has the main one."""
    desk, ready, over = Desk(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(desk):
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield desk
    finally:
        over.set()
        thread.join(30)


def test_one_logs_in_from_the_page_in_the_browser_and_what_the_server_said_stands_there(tmp_path: Path) -> None:
    with guarded() as desk, neovim(tmp_path, more=BROWSER) as editor:
        home = tmp_path / "home" / "claw"
        home.mkdir(exist_ok=True)
        loud = "import sys; print('I have no database', file=sys.stderr); sys.exit(3)"
        entries = {"web": {"type": "http", "url": desk.url}, "db": {"command": sys.executable, "args": ["-c", loud]}}
        (home / "mcp.json").write_text(json.dumps({"mcpServers": entries}))
        editor.edit("a.py", "a = 1\n")
        answer = editor.command("claw.mcp")
        editor.nvim.command(f"edit {answer['path']}")
        editor.until(editor.attached, "the server is attached to the page")
        page = editor.nvim.current.buffer

        def says(words: str) -> None:
            editor.until(lambda: words in editor.text(page), f"the page says {words!r}: {editor.text(page)}")

        says("I have no database")
        says("## `web`: needs a login")
        picks(editor, "## `web`", "Claw: Log in to web")
        [url] = editor.until(lambda: editor.lua("return _G.pages"), "Neovim opens the login page")
        assert url.startswith(f"{desk.base}/authorize?")
        with urllib.request.urlopen(url, timeout=60) as seen:
            assert seen.status == 200
        says("## `web`: up")
        assert "- `mcp__web__ask`" in editor.text(page)
        picks(editor, "## `web`", "Claw: Log out of web")
        says("## `web`: needs a login")
        assert "rror" not in editor.messages()
        editor.until(editor.at_rest, "Neovim waits for the next command")
