"""The plugin of editors/neovim and docs/shims.md: what it does with each message, and what it sends, in real Neovim."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import pytest
from neovim_desk import CLIENT, Neovim, needs_neovim, neovim
from plugin_desk import SCRIPTED, Shim, hunk, shim, uri

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

MARKS = "vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('claw.hunks'), 0, -1, { details = true })"
FIVE = "one\ntwo\nthree\nfour\nfive\n"


def signs(editor: Neovim) -> list[tuple[int, str]]:
    """The rows with a sign of ours, counted from 1."""
    return [(it[1] + 1, it[3]["sign_text"].strip()) for it in editor.lua(f"return {MARKS}")]


def keys(editor: Neovim) -> set[str]:
    """What the keys of this buffer do for Claw."""
    described = "function(it) return { it.lhs, it.desc or '' } end"
    found = editor.lua(f"return vim.tbl_map({described}, vim.api.nvim_buf_get_keymap(0, 'n'))")
    return {key for key, what in found if "Claw" in what}


def test_the_server_hears_what_the_plugin_can_do(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        powers = ("events", "save", "pick", "input", "diff", "languageFeatures")
        assert it.hears("initialize") == {"claw": dict.fromkeys(powers, True)}


def test_hunks_are_signs_and_words_keys_that_are_there_as_long_as_they_are_and_a_list(tmp_path: Path) -> None:
    mine = """
    vim.api.nvim_create_autocmd('BufReadPost', { callback = function(it)
      vim.keymap.set('n', '[h', 'gg', { buffer = it.buf })
    end })
    """
    with shim(tmp_path, more=mine) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        here = uri(it, "a.txt")
        assert keys(editor) == set()
        it.hunks(
            here, hunk("h1", 1, 3), hunk("h2", 4, state="conflict"), hunk("h3", 0, state="proposed", after="zero\n")
        )
        editor.until(lambda: signs(editor) == [(1, "+"), (2, "┃"), (3, "┃"), (5, "!")], "the hunks are shown")
        shown = {m[1] + 1: m[3] for m in editor.lua(f"return {MARKS}")}
        assert shown[2]["virt_text"][0][0] == "◆ Claw: was old"
        assert shown[5]["virt_text"][0][0] == "◆ Claw changed this, and so did you"
        assert shown[1]["virt_lines"] == [[["zero", "ClawAdded"]]]
        assert keys(editor) == {"]h", "\\ck", "\\cr"}
        for wanted in (2, 5, 1):
            editor.type("]h")
            editor.until(lambda at=wanted: editor.nvim.current.window.cursor[0] == at, "the next change")
        editor.type("\\ck")
        assert it.hears("claw.apply") == {"hunk": "h3"}
        editor.type("]h\\ck")
        assert it.hears("claw.keep") == {"hunk": "h1"}
        editor.nvim.command("Claw revert prompt")
        assert it.hears("claw.undo") == {"prompt_id": "p1"}
        editor.nvim.command("Claw keep file")
        editor.until(lambda: it.hears("claw.keep") == {"uri": here}, "all of the file")
        editor.type("4GOtyped above the second<Esc>")
        editor.until(lambda: (6, "!") in signs(editor), "marks follow the typing")
        it.answers(hunks={"hunks": [hunk("h1", 1, 3, uri=here), hunk("h2", 5, uri=here)]})
        editor.nvim.command("Claw hunks")
        found = editor.until(lambda: editor.lua("return vim.fn.getqflist()"), "the list is open")
        assert [(row["lnum"], row["text"]) for row in found] == [(2, "Claw: was old"), (6, "Claw: was old")]
        editor.nvim.command("cclose")
        it.hunks(here)
        editor.until(lambda: signs(editor) == [] and keys(editor) == set(), "nothing is left of them")


def test_a_proposal_in_the_way_of_which_something_was_typed_says_so(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        it.hunks(uri(it, "a.txt"), hunk("h1", 1, state="proposed", conflict=True))
        it.editor.until(lambda: signs(it.editor) == [(2, "!")], "the proposal is shown")
        assert "what you typed here is in its way" in it.editor.lua(f"return {MARKS}")[0][3]["virt_text"][0][0]
        it.editor.type("2G")
        it.editor.nvim.command("Claw diff")
        assert it.hears("claw.diff") == {"hunk": "h1"}
        it.editor.nvim.command("Claw dismiss all")
        assert it.hears("claw.dismiss") == {"all": True}


def test_hunks_told_before_their_file_is_open_are_shown_when_it_is(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        it.hunks(uri(it, "b.txt"), hunk("h1", 2))
        it.editor.edit("b.txt", FIVE)
        it.editor.until(lambda: signs(it.editor) == [(3, "┃")], "the hunk is shown")


def test_a_pick_is_answered_by_ids_one_or_many_and_by_null_when_it_is_closed(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        items = [{"id": "1", "label": "One", "description": "first"}, {"id": "2", "label": "Two", "picked": True}]
        it.editor.picks("  One")
        assert it.asks("claw/pick", title="Which", items=items, many=False) == ["1"]
        assert it.editor.asked()[-1]["titles"] == ["  One  first", "* Two"]
        it.editor.picks(False)
        assert it.asks("claw/pick", title="Which", items=items, many=False) is None
        it.editor.picks("[ ] One", "[x] Two", "Done: 1 of 2")
        assert it.asks("claw/pick", title="Which", items=items, many=True) == ["1"]
        it.editor.picks("[x] Two", "Done: 0")
        assert it.asks("claw/pick", title="Which", items=items, many=True) == []


def test_an_input_is_answered_by_its_text_and_by_null_when_it_is_closed(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        it.editor.lua("_G.types = { 'rename it' }")
        assert it.asks("claw/input", title="What", value="was", placeholder="words") == "rename it"
        assert it.editor.lua("return _G.typed") == [{"prompt": "What (words): ", "default": "was"}]
        assert it.asks("claw/input", title="What", value="") is None


ACTIONS = [{"title": "Deny"}, {"title": "Allow once"}]


def test_a_question_never_comes_between_keys_and_is_counted_until_it_is_answered(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        buffer = editor.edit("a.txt", "")
        editor.picks("Allow once")
        editor.type("i")
        editor.until(lambda: editor.nvim.api.get_mode()["mode"] == "i", "the person types")
        it.begins_to_ask("window/showMessageRequest", type=3, message="Claw wants to run: ls", actions=ACTIONS)
        editor.until(lambda: "Claw wants to run: ls" in editor.messages(), "it is said that something is asked")
        for key in "1 2 1 and more":
            editor.type(key if key != " " else "<Space>")
            time.sleep(0.02)
        assert editor.lua("return require('claw').statusline()") == "claw · 1 question"
        assert editor.asked() == []
        editor.type("<Esc>")
        editor.until(it.answered, "it is shown when the hands are still, and answered")
        assert it.answered()["result"] == {"title": "Allow once"}
        assert editor.lines(buffer) == ["1 2 1 and more"]
        assert editor.lua("return require('claw').questions()") == 0


def test_a_question_answered_elsewhere_while_it_waits_for_its_moment_is_not_shown(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", "")
        editor.type("i")
        editor.until(lambda: editor.nvim.api.get_mode()["mode"] == "i", "the person types")
        it.begins_to_ask("window/showMessageRequest", type=3, message="May I?", actions=ACTIONS)
        editor.until(lambda: editor.lua("return require('claw').questions()") == 1, "it waits")
        context = f"{{ client_id = {CLIENT}.id }}"
        editor.lua(f"{CLIENT}.handlers['claw/event'](nil, {{ kind = 'status', questions = 0 }}, {context})")
        assert editor.until(it.answered, "it is given up") == {"answered": True}
        editor.type("<Esc>")
        time.sleep(0.6)
        assert editor.asked() == []


def test_a_pending_question_is_answered_by_the_command_with_words(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        choices = [{"choice": "deny", "title": "Deny"}, {"choice": "once", "title": "Allow once"}]
        it.answers(questions={"questions": [{"question": "q1", "title": "Run ls", "choices": choices}]})
        it.editor.nvim.command("Claw answer deny use git ls-files")
        assert it.hears("claw.answer") == {"question": "q1", "choice": "deny", "text": "use git ls-files"}
        it.editor.picks("Allow once")
        it.editor.nvim.command("Claw answer")
        it.editor.until(lambda: it.hears("claw.answer") == {"question": "q1", "choice": "once"}, "picked from the list")


PROPOSED = [
    {"before": FIVE, "after": FIVE.replace("two", "2")},
    {"before": "", "after": "new\n"},
]


def proposal(it: Shim) -> dict[str, Any]:
    files = [{"uri": uri(it, name), **text} for name, text in zip(("a.txt", "b.txt"), PROPOSED, strict=True)]
    return {"title": "two files", "proposal": True, "prompt_id": "p7", "files": files}


def test_a_proposal_is_a_tab_of_two_texts_that_its_keys_answer_and_close(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.nvim.options["columns"] = 160
        buffer = editor.edit("a.txt", FIVE)
        for key, command in (("A", "claw.apply"), ("D", "claw.dismiss")):
            assert it.asks("claw/diff", **proposal(it)) is True
            assert len(editor.nvim.tabpages) == 2
            assert [win.options["diff"] for win in editor.nvim.windows[1:]] == [True, True]
            texts = [editor.text(win.buffer) for win in editor.nvim.current.tabpage.windows]
            assert texts == [FIVE.rstrip("\n"), FIVE.rstrip("\n").replace("two", "2")]
            assert "A apply · D dismiss · q close" in editor.nvim.current.window.options["winbar"]
            assert not editor.nvim.current.buffer.options["modifiable"]
            editor.type("]f")
            editor.until(lambda: editor.text(editor.nvim.current.buffer) == "new", "the next file")
            editor.type(key)
            assert it.hears(command) == {"prompt_id": "p7"}
            editor.until(lambda: len(editor.nvim.tabpages) == 1, "the tab is closed")
        it.asks("claw/diff", **proposal(it))
        editor.type("q")
        editor.until(lambda: len(editor.nvim.tabpages) == 1, "the tab is closed")
        assert editor.nvim.current.buffer == buffer
        assert not [left.name for left in editor.nvim.buffers if "claw://" in left.name]
        assert editor.lines(buffer) == FIVE.splitlines()


def test_a_difference_does_not_come_while_the_person_types(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        it.editor.type("i")
        it.begins_to_ask("claw/diff", **proposal(it))
        it.editor.type("xyz")
        it.editor.until(lambda: "xyzone" in it.editor.text(it.editor.nvim.current.buffer), "what is typed arrives")
        assert len(it.editor.nvim.tabpages) == 1
        it.editor.type("<Esc>")
        it.editor.until(it.answered, "it is shown after that")
        assert len(it.editor.nvim.tabpages) == 2


def test_saving_writes_hidden_and_new_files_as_the_person_would(tmp_path: Path) -> None:
    more = """
    _G.written = ''
    vim.api.nvim_create_autocmd('BufWritePost', { callback = function(it)
      _G.written = _G.written .. vim.fs.basename(it.file)
    end })
    """
    with shim(tmp_path, more=more) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        new = editor.root / "deep" / "er" / "new.txt"
        edit = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "newText": "hello"}
        changes = {uri(it, "a.txt"): [edit], new.as_uri(): [edit]}
        assert it.asks("workspace/applyEdit", edit={"changes": changes})["applied"] is True
        editor.edit("b.txt", "")
        assert it.asks("claw/save", uris=list(changes)) == {"saved": list(changes), "failed": {}}
        assert (editor.root / "a.txt").read_text() == f"hello{FIVE}"
        assert new.read_text() == "hello\n"
        assert editor.lua("return _G.written") == "a.txtnew.txt"
        saved = {told["textDocument"]["uri"] for told in it.heard("textDocument/didSave")}
        assert saved == set(changes)


def test_who_sent_a_prompt_goes_on_to_the_next_though_the_last_answer_was_still_being_ended(tmp_path: Path) -> None:
    """The end of an answer came above the prompt after it was sent, and was taken for the next prompt: the answer went on
    out of sight."""
    mark = "<!-- claw:k1 {} -->"
    head = [f"# Claw chat {mark.format('chat')}", "", f"## You {mark.format('you 1')}", "", "first", ""]
    answered = [f"## Claw {mark.format('answer 1')}", "", "one", ""]
    prompt = [f"## You {mark.format('you 2')}", "", "more"]
    after = ["", f"## Claw {mark.format('answer 2')}", "", f"## You {mark.format('you 3')}", ""]
    with shim(tmp_path) as it:
        editor = it.editor
        buffer = editor.edit("chat.md", "\n".join([*head, *answered, *prompt, ""]))
        here = uri(it, "chat.md")

        def puts(row: int, *lines: str) -> None:
            place = {"line": row, "character": 0}
            edit = {"range": {"start": place, "end": place}, "newText": "".join(f"{line}\n" for line in lines)}
            assert it.asks("workspace/applyEdit", edit={"changes": {here: [edit]}})["applied"] is True

        editor.type("G<C-s>")
        assert it.hears("claw.send") == {"uri": here}
        puts(len(head) + len(answered), f"_done_ {mark.format('end')}", "")
        assert editor.nvim.current.line == "more"
        puts(len(editor.lines(buffer)), *after)
        editor.until(lambda: editor.nvim.current.window.cursor[0] == len(editor.lines(buffer)), "the next prompt")


def test_saving_never_writes_over_what_another_program_wrote(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        editor.type("Omine<Esc>")
        editor.until(lambda: "mine" in editor.text(editor.nvim.current.buffer), "it is typed")
        (editor.root / "a.txt").write_text("another program's, and longer\n")
        answer = it.asks("claw/save", uris=[uri(it, "a.txt"), uri(it, "closed.txt")])
        assert "changed on the disk" in answer["failed"][uri(it, "a.txt")]
        assert "not open" in answer["failed"][uri(it, "closed.txt")]
        assert (editor.root / "a.txt").read_text() == "another program's, and longer\n"
        assert "could not save a.txt" in editor.messages()


def test_what_commands_and_hooks_wrote_is_read_into_buffers_that_nobody_changed(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        mine = editor.edit("mine.txt", FIVE)
        editor.type("Omine<Esc>")
        editor.until(lambda: "mine" in editor.text(mine), "it is typed")
        editor.nvim.command("set hidden")
        formatted = editor.edit("a.txt", "one   \n")
        for name in ("mine.txt", "a.txt"):
            (editor.root / name).write_text("formatted\n")
        it.says("claw/event", session="s", n=1, at=1.0, event={"kind": "hooked", "event": "PostToolUse"})
        editor.until(lambda: editor.lines(formatted) == ["formatted"], "it is read again")
        assert not editor.lua("return vim.bo[...].modified", formatted.number)
        assert editor.text(mine) == f"mine\n{FIVE}".rstrip()
        assert not editor.nvim.api.get_mode()["blocking"]
        answer = it.asks("claw/save", uris=[uri(it, "a.txt"), uri(it, "mine.txt")])
        assert answer["saved"] == [uri(it, "a.txt")]
        assert "changed on the disk" in answer["failed"][uri(it, "mine.txt")]


def test_a_stale_edit_is_refused_in_words_that_only_the_server_hears(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        buffer = editor.edit("a.txt", FIVE)
        editor.type("ggOmine<Esc>")
        editor.until(lambda: "mine" in editor.text(buffer), "it is typed")
        edit = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}}, "newText": "1"}

        def change(version: int) -> Any:
            changed = [{"textDocument": {"uri": uri(it, "a.txt"), "version": version}, "edits": [edit]}]
            return it.asks("workspace/applyEdit", edit={"documentChanges": changed})

        refused = change(0)
        assert refused["applied"] is False
        assert "was changed since version 0" in refused["failureReason"]
        assert editor.lines(buffer)[:2] == ["mine", "one"]
        version = it.hears("textDocument/didChange")["textDocument"]["version"]
        assert change(version)["applied"] is True
        assert editor.lines(buffer)[:2] == ["1e", "one"]
        assert "newer than" not in editor.messages()


def test_commands_say_which_file_and_which_characters(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", "naïve = 1\nsecond\nthird\n")
        here = uri(it, "a.txt")
        editor.nvim.command("2,3Claw edit make it better")
        lines = {"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}}
        assert it.hears("claw.edit") == {"uri": here, "range": lines, "prompt": "make it better"}
        editor.type("gg0lve:Claw ask why<CR>")
        # From the second character to the end of the word, in bytes: ï has two.
        some = {"start": {"line": 0, "character": 1}, "end": {"line": 0, "character": 6}}
        assert it.hears("claw.ask") == {"uri": here, "range": some, "prompt": "why"}
        editor.type("gg0w:Claw ask how<CR>")
        cursor = {"line": 0, "character": 7}
        editor.until(
            lambda: it.hears("claw.ask") == {"uri": here, "range": {"start": cursor, "end": cursor}, "prompt": "how"},
            "without a selection it is the cursor",
        )
        editor.nvim.command('Claw rewind {"session": "s1"}')
        assert it.hears("claw.rewind") == {"session": "s1"}
        editor.nvim.command("Claw nonsense")
        editor.until(lambda: ":Claw nonsense: there is no such command" in editor.messages(), "it is said")


def test_a_fix_takes_along_what_all_servers_say_of_the_lines(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", "naïve = 1\nsecond\n")
        it.editor.lua(
            """
            local ns = vim.api.nvim_create_namespace('a linter')
            vim.diagnostic.set(ns, 0, {
              { lnum = 0, col = 7, end_col = 8, message = 'no such name', severity = 1, source = 'linter', code = 'E1' },
              { lnum = 1, col = 0, message = 'on another line' },
            })
            """
        )
        it.says(
            "textDocument/publishDiagnostics", uri=uri(it, "a.txt"), diagnostics=[{**hunk("h", 0), "message": "ours"}]
        )
        it.editor.nvim.command("Claw fix")
        at = {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 8}}
        found = {"range": at, "message": "no such name", "severity": 1, "source": "linter", "code": "E1"}
        assert it.hears("claw.fix")["diagnostics"] == [found]


def test_a_commit_message_goes_where_one_is_written_else_into_the_register(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        it.answers(commitMessage={"session": "s", "run": "r1"}, wait={"stopped": "done", "text": "Add two\n\nWhy."})
        editor.nvim.command("Claw commit")
        assert it.hears("claw.wait") == {"run": "r1"}
        editor.until(lambda: editor.nvim.funcs.getreg('"') == "Add two\n\nWhy.", "it is in the register")
        assert editor.lines(editor.nvim.current.buffer) == FIVE.splitlines()
        message = editor.edit("COMMIT_EDITMSG", "\n# comment\n")
        editor.nvim.command("set filetype=gitcommit")
        editor.nvim.command("Claw commit")
        wanted = ["Add two", "", "Why.", "", "# comment"]
        editor.until(lambda: editor.lines(message) == wanted, "it is written above the comments")


def test_the_command_completes_names_and_what_follows_them(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)

        def completed(line: str) -> list[str]:
            return it.editor.nvim.funcs.getcompletion(line, "cmdline")

        assert completed("Claw re") == ["refactor", "restart", "retry", "revert", "review", "rewind"]
        assert completed("'<,'>Claw ed") == ["edit"]
        assert completed("Claw mode p") == ["plan"]
        assert completed("Claw keep ") == ["file", "prompt", "all"]
        assert "undo" not in completed("Claw ")
        assert {"apply", "dismiss", "hunks", "sessions"} <= set(completed("Claw "))


def test_the_server_is_told_where_the_person_is_and_not_too_often(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", "x" * 300 + "\n" + FIVE)
        editor.until(lambda: it.heard("claw/editorState"), "it is told at first")
        before, begun = len(it.heard("claw/editorState")), time.monotonic()
        for _ in range(200):
            editor.type("l")
        editor.until(
            lambda: it.heard("claw/editorState")[-1]["selection"]["start"]["character"] == 200, "the last place is told"
        )
        n_told = len(it.heard("claw/editorState")) - before
        assert n_told <= (time.monotonic() - begun) * 10 + 1
        editor.type("2G0Vj")
        selected = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 3}}
        editor.until(lambda: it.heard("claw/editorState")[-1]["selection"] == selected, "a selection is told")
        assert it.heard("claw/editorState")[-1]["visible"] == [uri(it, "a.txt")]


def test_the_status_line_shows_model_mode_context_cost_and_what_waits(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        status = {
            "model": "claude-opus-4-8",
            "mode": "plan",
            "context": {"used": 24_000, "window": 200_000},
            "cost": 1.234,
            "runs": [{"run": "r1", "session": "s1", "title": "Fix", "activity": "Reading a.txt"}],
            "questions": 2,
            "hunks": 1,
            "proposals": 2,
        }
        it.says("claw/event", kind="status", **status)
        wanted = "opus-4-8 · plan · 12 %% · $1.23 · Reading a.txt · 2 questions · 3 changes"
        it.editor.until(lambda: it.editor.lua("return require('claw').statusline()") == wanted, "the line is made")
        it.says("claw/event", kind="status", session=None, model=None, mode=None, cost=None, context=None)
        it.editor.until(lambda: it.editor.lua("return require('claw').statusline()") == "claw", "null is left out")


def test_each_project_has_a_server_and_a_status_of_its_own(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        line = "return require('claw').statusline()"
        editor.edit("a.txt", FIVE)
        it.says("claw/event", kind="status", model="of-one")
        other = tmp_path / "other"
        other.mkdir()
        (other / "CLAW.md").write_text("Be brief.\n")
        (other / "b.txt").write_text(FIVE)
        editor.nvim.command(f"edit {other / 'b.txt'}")
        clients = "return #vim.lsp.get_clients({ name = 'claw' })"
        editor.until(lambda: editor.lua(clients) == 2 and editor.lua(line) == "claw", "a second server, still silent")
        editor.nvim.command("buffer a.txt")
        assert editor.lua(line) == "of-one"


def test_rubbish_from_the_server_is_said_once_and_breaks_nothing(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        for _ in range(3):
            it.says("claw/event", kind="hunks", uri=uri(it, "a.txt"), hunks=[{"hunk": 5}])
        assert it.asks("claw/save", uris="rubbish") is None
        assert it.asks("claw/languageFeature", method="no/such", params={}) is None
        assert it.asks("claw/diff", title="", proposal=False, files=[]) is False
        editor.until(lambda: editor.messages().count("an event failed") == 1, "it is said once")
        it.hunks(uri(it, "a.txt"), hunk("h1", 1), hunk("far", 5000))
        editor.until(lambda: (2, "┃") in signs(editor), "what comes after it is shown")


def test_options_that_make_no_sense_are_named_with_what_would_and_the_rest_holds(tmp_path: Path) -> None:
    bad = "keymaps = { keep = 7, nxt = ']n', next = ']n' }, chat = { split = 'north' }, signs = false, colour = 'red',"
    with shim(tmp_path, options=bad) as it:
        said = it.editor.messages()
        assert 'keymaps.keep: expected a key like "<leader>ck", or false for none, found 7' in said
        assert "keymaps.nxt: there is no such option" in said
        assert 'chat.split: expected one of right, left, above, below, tab, current, found "north"' in said
        assert "colour: there is no such option; there are attach, chat, cmd" in said
        it.editor.edit("a.txt", FIVE)
        it.hunks(uri(it, "a.txt"), hunk("h1", 1))
        it.editor.until(lambda: keys(it.editor) == {"]n", "[h", "\\ck", "\\cr"}, "the good ones hold")
        assert it.editor.lua(f"return {MARKS}")[0][3].get("sign_text") is None


def test_nothing_is_loaded_before_it_is_used_and_without_setup_it_is_said(tmp_path: Path) -> None:
    folder = SCRIPTED.parents[2] / "editors" / "neovim"
    bare = f"""
    for name in pairs(package.loaded) do
      if name:match('^claw') then package.loaded[name] = nil end
    end
    vim.cmd.source('{folder}/plugin/claw.lua')
    """
    with neovim(tmp_path, editor="neovim", more=bare) as editor:
        loaded = (
            "return vim.tbl_filter(function(it) return vim.startswith(it, 'claw') end, vim.tbl_keys(package.loaded))"
        )
        assert editor.lua(loaded) == ["claw"]
        assert editor.lua("return require('claw').statusline()") == ""
        editor.nvim.command("Claw status")
        assert 'add require("claw").setup{}' in editor.messages()


def test_the_program_is_the_setting_or_the_workspaces_if_trusted_or_that_of_the_path(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor, root = it.editor, it.editor.root
        on_path = tmp_path / "bin" / "claw-lsp"
        own = root / ".venv" / "bin" / "claw-lsp"
        for program in (on_path, own):
            program.parent.mkdir(parents=True)
            program.write_text(f"#!/bin/sh\n# {program.parent}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

        def found(cmd: str = "false") -> Any:
            return editor.lua(f"return {{ require('claw.program').find({cmd}, ...) }}", str(root))

        assert found("'~/no/such'")[1].startswith("claw: cmd says")
        assert found(f"'{own}'")[0] == [str(own), "serve"]
        editor.lua("vim.env.PATH = '/nowhere'")
        assert "is not trusted" in found()[1]
        editor.lua("vim.env.PATH = ...", str(on_path.parent))
        assert found()[0] == [str(on_path), "serve"]
        editor.nvim.command(f"edit {own}")
        editor.nvim.command("trust")
        assert found()[0] == [str(own), "serve"]
        own.write_text("#!/bin/sh\nchanged since\n")
        assert found()[0] == [str(on_path), "serve"]
        editor.lua("vim.env.VIRTUAL_ENV = ...", str(root / ".venv"))
        assert found()[0] == [str(own), "serve"]


def test_a_program_that_is_not_there_is_said_once_and_files_open_all_the_same(tmp_path: Path) -> None:
    with neovim(tmp_path, editor="neovim", more="require('claw').setup({ cmd = { '/no/such/claw-lsp' } })") as editor:
        (editor.root / "a.txt").write_text(FIVE)
        (editor.root / "b.txt").write_text(FIVE)
        for name in ("a.txt", "b.txt"):
            editor.nvim.command(f"edit {editor.root / name}")
        assert editor.messages().count("cmd says /no/such/claw-lsp, which is no program") == 1
        assert editor.lines(editor.nvim.current.buffer) == FIVE.splitlines()


def test_a_command_without_any_file_starts_the_server_and_waits_for_it(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.nvim.command("Claw ask what is here")
        running = f"local it = {CLIENT}; return it ~= nil and it.initialized or false"
        it.editor.until(lambda: it.editor.lua(running), "a server is started")
        assert it.hears("claw.ask") == {"prompt": "what is here"}
        assert it.editor.lua(f"return {CLIENT}.root_dir") == str(it.editor.root)


def test_a_server_that_dies_is_told_and_is_started_again_by_the_command(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        editor = it.editor
        editor.edit("a.txt", FIVE)
        it.hunks(uri(it, "a.txt"), hunk("h1", 1))
        editor.until(lambda: keys(editor), "a hunk is there")
        (server,) = [child for child in editor.process.children() if "scripted_server" in " ".join(child.cmdline())]
        server.terminate()
        server.wait(5)
        editor.until(lambda: "claw-lsp ended by itself" in editor.messages(), "it is told")
        assert (signs(editor), keys(editor)) == ([], set())
        editor.nvim.command("Claw restart")
        editor.until(editor.attached, "a new one is attached")
        assert editor.until(lambda: it.heard("textDocument/didOpen"), "it knows the file")


def test_the_health_check_and_the_help_file_are_there(tmp_path: Path) -> None:
    with shim(tmp_path) as it:
        it.editor.edit("a.txt", FIVE)
        it.editor.nvim.command("checkhealth claw")
        report = it.editor.text(it.editor.nvim.current.buffer)
        assert "attached to 1 buffer(s)" in report
        assert "(Python 3." in report  # What the program says of itself: this one's is Python.
        it.editor.nvim.command("help claw-keymaps")
        assert it.editor.nvim.current.buffer.options["buftype"] == "help"
