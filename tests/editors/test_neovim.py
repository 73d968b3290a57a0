"""Real Neovim 0.11, headless, with the configuration that `claw-lsp init neovim-standard` prints and nothing else."""

from __future__ import annotations

import re
import time
from pathlib import Path

import psutil
import pytest
from neovim_desk import CLIENT, Neovim, needs_neovim, neovim

from claw_lsp.testing.messages_api import Reply, Text, ToolUse

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

CALC = "def add(a, b):\n    return a - b\n"
MINE = ["# mine, unsaved", "def add(a, b):", "    return a - b"]
FIXED = ["# mine, unsaved", "def add(a, b):", "    return a + b"]


def fix(tmp_path: Path) -> tuple[Reply | str, ...]:
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": "a - b", "new_string": "a + b"}
    return (
        Reply(content=("Let me look.", ToolUse(name="Read", input={"file_path": file}))),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It subtracted.",
    )


def opened(editor: Neovim) -> object:
    """calc.py with a line of the person's above it, typed and not saved, the cursor on the fault."""
    buffer = editor.edit("calc.py", CALC)
    editor.type("ggO# mine, unsaved<Esc>")
    editor.until(lambda: editor.lines(buffer) == MINE, "the line is typed")
    editor.nvim.funcs.cursor(3, 12)
    return buffer


def test_a_fix_from_the_menu_is_asked_for_arrives_unsaved_and_is_undone_by_one_u(tmp_path: Path) -> None:
    with neovim(tmp_path, *fix(tmp_path)) as editor:
        buffer = opened(editor)
        assert editor.lua(f"return {CLIENT}.offset_encoding") == "utf-8"
        editor.picks("Claw: Fix", "Allow once")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == FIXED, "the edit arrives")
        menu, question = editor.asked()
        assert menu["titles"][:3] == ["Claw: Fix", "Claw: Explain", "Claw: Edit…"]
        assert question["titles"][0] == "Deny"
        assert "calc.py" in question["prompt"]
        assert buffer.options["modified"]
        assert (editor.root / "calc.py").read_text() == CALC
        assert "# mine, unsaved" in editor.api.requests[1].tool_results
        editor.until(lambda: "It subtracted." in editor.messages(), "the result is told")
        assert re.search(r"1 file changed, \$0\.\d+", editor.messages())
        assert "rror" not in editor.messages()
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == MINE, "u takes back the edit and nothing else")
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == CALC.splitlines(), "the next u takes back the typing")
        editor.type("<C-r><C-r>")
        editor.until(lambda: editor.lines(buffer) == FIXED, "and both come again")


def test_a_change_waits_as_a_diagnostic_follows_typing_and_is_reverted_from_the_menu(tmp_path: Path) -> None:
    with neovim(tmp_path, *fix(tmp_path)) as editor:
        buffer = opened(editor)
        editor.picks("Claw: Fix", "Allow once")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == FIXED, "the edit arrives")
        editor.until(lambda: "It subtracted." in editor.messages(), "the result is told")
        (shown,) = editor.until(lambda: editor.diagnostics(buffer), "the change waits for review")
        assert "Claw changed this" in shown
        editor.type("ggO# and more of mine<Esc>")
        editor.nvim.funcs.cursor(4, 12)
        (hunk,) = editor.command("claw.hunks")["hunks"]
        assert hunk["range"]["start"]["line"] == 3
        editor.picks("Claw: Revert")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == ["# and more of mine", *MINE], "the change is taken back")
        editor.until(lambda: not editor.diagnostics(buffer), "nothing waits for review")
        editor.type("u")
        editor.until(lambda: editor.lines(buffer) == ["# and more of mine", *FIXED], "the revert is undone")


def test_a_comment_that_asks_is_offered_once_it_is_saved_and_goes_with_the_edit(tmp_path: Path) -> None:
    asking = "    # it subtracts, mend it AI!"
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": f"{asking}\n    return a - b", "new_string": "    return a + b"}
    replies = (
        Reply(content=(ToolUse(name="Read", input={"file_path": file}),)),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It adds now.",
    )
    with neovim(tmp_path, *replies) as editor:
        buffer = editor.edit("calc.py", CALC)
        editor.type(f"ggo{asking.strip()}<Esc>")
        editor.until(lambda: editor.lines(buffer)[1].strip() == asking.strip(), "the comment is typed")
        buffer[1] = asking
        assert not editor.diagnostics(buffer)
        editor.nvim.command("write")
        (shown,) = editor.until(lambda: editor.diagnostics(buffer), "the comment is offered")
        assert "it subtracts, mend it AI!" in shown
        editor.nvim.funcs.cursor(2, 8)
        editor.picks("Claw: do this", "Allow once")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == ["def add(a, b):", "    return a + b"], "the edit arrives")
        editor.until(lambda: "It adds now." in editor.messages(), "the result is told")
        assert "it subtracts, mend it AI!" in editor.api.requests[0].last_user_text
        editor.type("u")
        editor.until(lambda: editor.lines(buffer)[1] == asking, "u brings the comment back, too")


def test_the_built_in_prompt_answers_by_number_and_one_is_the_harmless_answer(tmp_path: Path) -> None:
    """vim.ui.select as it comes: a numbered list at the bottom, which takes the keys that are typed."""
    twice = (*fix(tmp_path)[:2], "Very well.", *fix(tmp_path))
    with neovim(tmp_path, *twice, menus=False) as editor:
        buffer = opened(editor)
        editor.nvim.command("set cmdheight=8")
        editor.nvim.ui_attach(100, 40)
        for n_asked, keys, wanted in ((3, "1<CR>", MINE), (6, "2<CR>", FIXED)):
            editor.lua("vim.schedule(function() vim.lsp.buf.code_action() end)")
            editor.until(editor.prompted, "the menu is shown")
            editor.type("1<CR>")
            # In a prompt Neovim answers nothing but keys: the provider tells how far the turn is.
            editor.until(lambda n=n_asked: len(editor.api.requests) == n - 1, "the edit is planned")
            editor.until(editor.prompted, "the question is shown")
            editor.type(keys)
            editor.until(lambda n=n_asked: len(editor.api.requests) == n and editor.at_rest(), "it goes on")
            editor.until(lambda wanted=wanted: editor.lines(buffer) == wanted, "what was answered holds")
        assert "it was not done" in editor.api.requests[2].tool_results


def test_a_question_closed_by_esc_waits_and_is_answered_by_a_code_action(tmp_path: Path) -> None:
    with neovim(tmp_path, *fix(tmp_path)) as editor:
        buffer = opened(editor)
        editor.picks("Claw: Fix", False)
        editor.code_action()
        (shown,) = editor.until(lambda: editor.diagnostics(buffer), "the question is a diagnostic")
        assert "calc.py" in shown
        editor.until(lambda: len(editor.asked()) == 2, "the question was shown and closed")
        time.sleep(0.3)
        assert editor.lines(buffer) == MINE
        assert len(editor.command("claw.questions")["questions"]) == 1
        editor.picks("Claw: Allow once")
        editor.code_action()
        editor.until(lambda: editor.lines(buffer) == FIXED, "the answer counts")
        editor.until(
            lambda: not [it for it in editor.diagnostics(buffer) if "Answer with" in it], "the diagnostic goes"
        )


WORDS = [f"word{n:03}" for n in range(80)]


def test_a_chat_streams_while_the_person_types_in_it_and_in_the_file_and_nothing_is_lost(tmp_path: Path) -> None:
    pieces = tuple(f"{it} " for it in WORDS)
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": "a - b", "new_string": "a + b"}
    replies = (
        Reply(
            content=(Text(text="".join(pieces), pieces=pieces, pace=0.03), ToolUse(name="Glob", input={"pattern": "*"}))
        ),
        # The person has stopped writing in the file by then: what was not read as it is, is not edited.
        Reply(content=(ToolUse(name="Read", input={"file_path": file}),), delay=0.8),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "Done with it.",
    )
    with neovim(tmp_path, *replies) as editor:
        source = opened(editor)
        editor.picks("Allow once")
        answer = editor.command("claw.chat")
        assert answer["shown"]
        chat = editor.nvim.current.buffer
        assert chat.name == answer["path"]
        editor.until(editor.attached, "the chat is attached")
        editor.type("Gotell me words<Esc>")
        editor.until(lambda: "tell me words" in editor.text(chat), "the prompt is typed")
        editor.picks("Claw: Send", "Allow once")
        editor.code_action()
        editor.until(lambda: "word001" in editor.text(chat), "the answer streams")
        typed = _typed_meanwhile(editor, source, chat)
        editor.until(lambda: "Done with it." in editor.text(chat), "the answer is whole")
        editor.until(lambda: not editor.command("claw.status")["runs"], "the turn has ended")
        text = editor.text(chat)
        assert re.findall(r"word\d{3}", text) == WORDS
        below = text[text.rindex("<!-- claw:") :]
        assert re.findall(r"typed\d+", below) == typed
        assert re.findall(r"typed\d+", text) == typed
        lines = editor.lines(source)
        assert lines[:3] == FIXED
        assert lines[3:] == [f"# line {n}" for n in range(len(typed))]
        assert text.index("tell me words") < text.index("word000") < text.index("Done with it.")
        assert "$0." in text


def _typed_meanwhile(editor: Neovim, source: object, chat: object) -> list[str]:
    """The person types in the chat's prompt, key by key, while lines are added to the file; the words of the chat."""
    typed: list[str] = []
    editor.type("Go")
    end = time.monotonic() + 20
    while "word079" not in editor.text(chat) and time.monotonic() < end:
        word = f"typed{len(typed)}"
        for key in word:
            editor.type(key)
            time.sleep(0.005)
        editor.type("<Space>")
        source.append(f"# line {len(typed)}")
        typed.append(word)
        time.sleep(0.03)
    editor.type("<Esc>")
    assert len(typed) > 5
    return typed


@pytest.mark.parametrize("how", ["progress", "stop"])
def test_cancelling_ends_the_turn_and_the_next_one_works(tmp_path: Path, how: str) -> None:
    slow = Text(text="slowly " * 200, pieces=("slowly ",) * 200, pace=0.05)
    with neovim(tmp_path, Reply(content=(slow,)), "Quick.") as editor:
        opened(editor)
        editor.lua(
            """
            _G.tokens = {}
            vim.api.nvim_create_autocmd('LspProgress', { callback = function(event)
              table.insert(_G.tokens, { event.data.params.token, event.data.params.value.kind })
            end })
            """
        )
        begun = editor.command("claw.explain")
        editor.until(lambda: "slowly" in "".join(editor.text(it) for it in editor.nvim.buffers), "the answer streams")
        if how == "progress":
            token = editor.lua("return _G.tokens[1][1]")
            editor.lua(f"{CLIENT}:notify('window/workDoneProgress/cancel', {{ token = ... }})", token)
        else:
            assert editor.command("claw.stop")["stopped"] == [begun["run"]]
        ended = editor.command("claw.wait", run=begun["run"])
        assert ended["stopped"] == "interrupted"
        editor.until(lambda: editor.lua("return _G.tokens[#_G.tokens][2]") == "end", "the progress ends")
        assert editor.api.requests[0].abandoned
        again = editor.command("claw.ask", prompt="again", session=begun["session"])
        assert editor.command("claw.wait", run=again["run"])["text"] == "Quick."


def test_quitting_neovim_ends_the_server_and_all_it_started(tmp_path: Path) -> None:
    """Neovim asks for shutdown and closes the pipe; `exit` never comes."""
    run = ToolUse(name="Bash", input={"command": "touch began; (setsid sleep 95000001 &); sleep 95000001"})
    with neovim(tmp_path, Reply(content=(run,))) as editor:
        opened(editor)
        editor.picks("Allow once")
        editor.command("claw.ask", prompt="wait")
        editor.until((editor.root / "began").exists, "the command runs")
        server = editor.server()
        children = server.children(recursive=True)
        assert any("95000001" in " ".join(it.cmdline()) for it in children)
        editor.nvim.command("qall!", async_=True)
        _, alive = psutil.wait_procs([server, *children], timeout=30)
        assert alive == []
        (log,) = editor.home.glob("claw/projects/*/*.jsonl")
        assert '"stopped":"interrupted"' in log.read_text().replace(": ", ":")


def test_the_command_of_the_configuration_talks_to_the_server(tmp_path: Path) -> None:
    with neovim(tmp_path, "It adds.") as editor:
        buffer = opened(editor)
        editor.nvim.command("Claw status")
        editor.until(lambda: "claude-" in editor.messages(), "the status is told")
        editor.nvim.command("1,3Claw explain")
        chat = editor.until(
            lambda: next((it for it in editor.nvim.buffers if "/.claw/chats/" in it.name), None), "the chat opens"
        )
        editor.until(lambda: "It adds." in editor.text(chat), "the answer is there")
        assert editor.lines(buffer) == MINE
        assert "return a - b" in editor.api.requests[0].last_user_text
