"""The plugin of editors/neovim in real Neovim 0.11, with the real server: what a person does from file to chat."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest
from neovim_desk import needs_neovim, neovim
from test_neovim import CALC, FIXED, MINE, fix, opened

from claw_lsp.testing.messages_api import Reply, Text

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

PROGRAM = Path(sys.executable).parent / "claw-lsp"
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
        assert "tell me" in it.api.requests[0].last_user_text


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


def test_a_proposal_is_looked_at_side_by_side_applied_by_a_key_and_undone_by_u(tmp_path: Path) -> None:
    before = "require('claw').setup({ cmd = CMD, settings = { review = 'before' } })"
    more = before.replace("CMD", f"{{ '{PROGRAM}', 'serve' }}")
    with neovim(tmp_path, *fix(tmp_path), editor="neovim", more=more) as editor:
        buffer = opened(editor)
        editor.nvim.command("Claw fix")
        (mark,) = editor.until(lambda: editor.lua(f"return {HUNKS}"), "the proposal is shown")
        assert mark[3]["virt_lines"][0][0] == ["    return a + b", "ClawAdded"]
        assert editor.lines(buffer) == MINE
        editor.until(lambda: "1 change" in editor.lua("return require('claw').statusline()"), "it is counted")
        editor.nvim.command("Claw diff")
        editor.until(lambda: len(editor.nvim.tabpages) == 2, "both texts are shown")
        assert [editor.lines(win.buffer) for win in editor.nvim.current.tabpage.windows] == [MINE, FIXED]
        editor.type("A")
        editor.until(lambda: editor.lines(buffer) == FIXED, "it is applied")
        editor.until(lambda: len(editor.nvim.tabpages) == 1, "the tab is closed")
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == MINE, "u takes it back")
        assert editor.asked() == []


def test_the_servers_lists_and_status_are_the_editors(tmp_path: Path) -> None:
    with neovim(tmp_path, "It adds.", editor="neovim") as editor:
        editor.edit("calc.py", CALC)
        line = "return require('claw').statusline()"
        editor.until(lambda: "default" in editor.lua(line), "the status comes by itself")
        editor.picks("  claude-haiku")
        editor.nvim.command("Claw model")
        editor.until(lambda: "haiku" in editor.lua(line), "the model that was picked")
        editor.nvim.command("Claw mode plan")
        editor.until(lambda: "plan" in editor.lua(line), "the mode that was said")
        editor.nvim.command("Claw ask what does it do")
        editor.until(
            lambda: re.search(r"[1-9] %% · \$0\.\d[1-9]", editor.lua(line)), "context and cost follow the turn"
        )
        editor.nvim.command("only")
        editor.picks("* what does it do")
        editor.nvim.command("Claw sessions")
        editor.until(lambda: "It adds." in editor.text(editor.nvim.current.buffer), "its chat opens")


def test_what_a_document_shows_is_not_shown_a_second_time(tmp_path: Path) -> None:
    with neovim(tmp_path, "It adds.", editor="neovim") as it:
        it.edit("calc.py", CALC)
        it.nvim.command("Claw permissions")
        it.until(lambda: len(it.nvim.windows) > 1, "the document is shown")
        it.nvim.command("Claw ask what does it do")
        it.until(lambda: not it.command("claw.status")["runs"], "the turn has ended")
        shown = [it.lines(win.buffer)[0] for win in it.nvim.windows]
        assert shown.count("# Permissions") == 1


def test_a_stream_and_the_persons_keys_meet_in_the_chat_without_a_word_about_it(tmp_path: Path) -> None:
    words = [f"word{n:03}" for n in range(80)]
    pieces = tuple(f"{it} " for it in words)
    with neovim(
        tmp_path, Reply(content=(Text(text="".join(pieces), pieces=pieces, pace=0.03),)), editor="neovim"
    ) as it:
        it.edit("calc.py", CALC)
        it.nvim.command("Claw chat")
        it.until(lambda: "/.claw/chats/" in it.nvim.current.buffer.name, "the chat has the cursor")
        chat = it.nvim.current.buffer
        it.until(it.attached, "the chat is attached")
        it.type("Gotell me<C-s>")
        it.until(lambda: "word001" in it.text(chat), "the answer streams")
        it.type("Go")
        typed = []
        end = time.monotonic() + 20
        while "word079" not in it.text(chat) and time.monotonic() < end:
            typed.append(f"typed{len(typed)}")
            for key in typed[-1]:
                it.type(key)
                time.sleep(0.005)
            it.type("<Space>")
        it.type("<Esc>")
        it.until(lambda: not it.command("claw.status")["runs"], "the turn has ended")
        text = it.text(chat)
        assert re.findall(r"word\d{3}", text) == words
        assert re.findall(r"typed\d+", text[text.rindex("<!-- claw:") :]) == typed
        assert len(typed) > 5
        assert "newer than" not in it.messages()
        assert "Workspace edit" not in it.messages()


@pytest.mark.parametrize("setup", ["neovim", "neovim-standard"])
def test_the_mcp_servers_are_a_page_where_a_code_action_approves_one(tmp_path: Path, setup: str) -> None:
    with neovim(tmp_path, editor=setup) as editor:
        editor.edit("calc.py", CALC)
        editor.until(editor.attached, "the file is attached")
        (editor.root / ".mcp.json").write_text('{"mcpServers": {"db": {"command": "true"}}}')
        editor.nvim.command("Claw mcp")
        shown = editor.until(
            lambda: [it for it in editor.nvim.windows if it.buffer.name.endswith("/mcp.md")], "it opens"
        )
        editor.nvim.current.window, page = shown[0], shown[0].buffer
        editor.until(lambda: "## `db`: waits for your yes" in editor.lines(page), "the server is on it")
        editor.until(editor.attached, "the page is attached")
        editor.nvim.current.window.cursor = (editor.lines(page).index("## `db`: waits for your yes") + 1, 0)
        editor.picks("Claw: Approve db")
        editor.code_action()
        editor.until(
            lambda: "## `db`: waits for your yes" not in editor.lines(page), "the page says that it is approved"
        )
        assert "rror" not in editor.messages()
