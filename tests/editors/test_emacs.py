"""Real Emacs in a terminal, with what `claw-lsp init emacs --write` writes and Debian's eglot and lsp-mode; seen on its screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from installing import Debian, needs
from terminal import Terminal, terminal

from claw_lsp.testing.messages_api import MessagesApi, Reply, Text, ToolUse, script

pytestmark = [
    pytest.mark.editor,
    pytest.mark.timeout(150),
    needs(Debian("emacs-nox", "elpa-eglot", "elpa-lsp-mode", "tmux")),
]

CALC = "def add(a, b):\n    return a - b\n"
EGLOT, LSP_MODE = "eglot", "lsp-mode"
BOTH = pytest.mark.parametrize("client", [EGLOT, LSP_MODE])

PERSONS_OWN = """
(setq inhibit-startup-screen t ring-bell-function 'ignore make-backup-files nil auto-save-default nil
      native-comp-deferred-compilation nil native-comp-async-report-warnings-errors 'silent
      lsp-auto-guess-root t lsp-enable-file-watchers nil lsp-restart 'ignore enable-local-variables nil)
(fset 'yes-or-no-p 'y-or-n-p)
"""


@dataclass
class Emacs:
    """One Emacs, with calc.py open and claw-lsp attached."""

    terminal: Terminal
    root: Path
    home: Path
    api: MessagesApi
    client: str

    def mx(self, command: str) -> None:
        self.terminal.keys("M-x")
        self.terminal.type(command)
        self.terminal.keys("Enter")

    async def pick(self, title: str) -> None:
        """Choose in the minibuffer."""
        self.terminal.type(title)
        self.terminal.keys("Enter")

    async def allow(self) -> None:
        """Answer the question whether to edit; eglot has put the first answer into the minibuffer."""
        await self.terminal.shows("Edit calc.py?", "Minibuf")
        if self.client == EGLOT:
            self.terminal.keys("C-a", "C-k")
        await self.pick("Allow once")

    async def menu(self, title: str) -> None:
        """Choose from the menu of code actions."""
        self.terminal.keys("C-c", "k", "Enter")
        await self.terminal.shows("ick an action" if self.client == EGLOT else "elect code action")
        await self.pick(title)

    def line(self, number: int) -> None:
        self.terminal.keys("M-g", "g")
        self.terminal.type(str(number))
        self.terminal.keys("Enter")


@asynccontextmanager
async def emacs(tmp_path: Path, client: str, *replies: Reply | str) -> AsyncGenerator[Emacs, None]:
    root, home = tmp_path / "ws", tmp_path / "home"
    (root / ".git").mkdir(parents=True)
    (home / ".emacs.d").mkdir(parents=True)
    (root / "calc.py").write_text(CALC)
    (home / ".emacs.d" / "init.el").write_text(PERSONS_OWN)
    async with MessagesApi(script(*replies)) as api:
        environment = {
            **{key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ},
            "HOME": str(home),
            "TERM": "screen-256color",
            "LANG": "C.UTF-8",
            "CLAW_HOME": str(home / "claw"),
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
        }
        subprocess.run(
            [sys.executable, "-m", "claw_lsp", "init", "emacs", "--write"],
            env=environment,
            check=True,
            capture_output=True,
        )
        with terminal(("emacs", "-nw", "calc.py"), root, environment) as screen:
            editor = Emacs(screen, root, home, api, client)
            await screen.shows("return a - b", "(Python")
            editor.mx("claw-eglot" if client == EGLOT else "lsp")
            await screen.shows("Connected! Server" if client == EGLOT else "initialized successfully")
            yield editor
        assert not api.unexpected


def fix(tmp_path: Path, old: str = "a - b", new: str = "a + b") -> tuple[Reply | str, ...]:
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": old, "new_string": new}
    return (
        Reply(content=("Let me look.", ToolUse(name="Read", input={"file_path": file}))),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It subtracted.",
    )


@BOTH
async def test_a_fix_from_the_menu_is_asked_for_arrives_unsaved_and_is_undone(tmp_path: Path, client: str) -> None:
    async with emacs(tmp_path, client, *fix(tmp_path)) as editor:
        editor.terminal.keys("M-<")
        editor.terminal.type("# mine, unsaved")
        editor.terminal.keys("Enter")
        editor.line(3)
        await editor.menu("Claw: Fix")
        await editor.allow()
        await editor.terminal.shows("return a + b", "It subtracted.")
        assert (editor.root / "calc.py").read_text() == CALC
        assert "# mine, unsaved" in editor.api.requests[1].tool_results
        editor.terminal.keys("C-x", "u")
        await editor.terminal.shows("# mine, unsaved", "return a - b")


@BOTH
async def test_changes_wait_on_their_lines_and_are_listed_reverted_and_kept(tmp_path: Path, client: str) -> None:
    twice = (*fix(tmp_path), *fix(tmp_path, "a - b", "b + a"))
    async with emacs(tmp_path, client, *twice) as editor:
        editor.terminal.keys("C-c", "k", "a")
        await editor.terminal.shows("Ask Claw:")
        editor.terminal.type("mend the sum")
        editor.terminal.keys("Enter")
        await allowed(editor, "return a + b")
        assert "mend the sum" in editor.api.requests[0].last_user_text
        editor.terminal.keys("C-c", "k", "h")
        await editor.terminal.shows("calc.py:2: open return a + b")
        editor.terminal.keys("C-x", "1", "M-<", "C-c", "k", "n")
        await editor.terminal.shows("All L2")
        await editor.menu("Claw: Revert")
        await editor.terminal.shows("return a - b", "Reverted 1 change.")
        editor.terminal.keys("C-c", "k", "f")
        await allowed(editor, "return b + a")
        await editor.menu("Claw: Keep")
        await editor.terminal.shows("return b + a", "Kept 1 change.")
        editor.terminal.keys("C-c", "k", "r")
        await editor.terminal.shows("return b + a", "no change waits on this line")


@BOTH
async def test_a_proposal_is_dismissed_and_applied_by_its_keys(tmp_path: Path, client: str) -> None:
    twice = (*fix(tmp_path), *fix(tmp_path, "a - b", "b + a"))
    (tmp_path / "ws" / ".claw").mkdir(parents=True)
    (tmp_path / "ws" / ".claw" / "settings.json").write_text('{"review": "before"}')
    async with emacs(tmp_path, client, *twice) as editor:
        editor.line(2)
        editor.terminal.keys("C-c", "k", "f")
        await editor.terminal.shows("It subtracted.", "return a - b")
        editor.terminal.keys("C-c", "k", "r")
        await editor.terminal.shows("Dismissed 1 change.", "return a - b")
        editor.terminal.keys("C-c", "k", "f")
        await editor.terminal.shows("It subtracted.")
        editor.terminal.keys("C-u", "C-c", "k", "k")
        await editor.terminal.shows("Applied 1 change.", "return b + a")
        assert (editor.root / "calc.py").read_text() == CALC


@BOTH
async def test_a_question_left_with_c_g_waits_and_is_answered_from_the_menu_or_by_claw_answer(
    tmp_path: Path, client: str
) -> None:
    twice = (*fix(tmp_path), *fix(tmp_path, "a + b", "b + a"))
    async with emacs(tmp_path, client, *twice) as editor:
        editor.line(2)
        await left_alone(editor)
        await editor.menu("Claw: Allow once (Edit calc.py)")
        await editor.terminal.shows("return a + b", "It subtracted.")
        await left_alone(editor)
        editor.terminal.keys("C-c", "k", "y")
        await editor.terminal.shows("Edit calc.py", "Minibuf")
        await editor.pick("Allow once")
        await editor.terminal.shows("return b + a", "It subtracted.")


@BOTH
async def test_a_chat_is_opened_sent_and_answered_in_its_document(tmp_path: Path, client: str) -> None:
    pieces = tuple(f"word{n:02} " for n in range(30))
    reply = Reply(content=(Text(text="".join(pieces), pieces=pieces, pace=0.02),))
    async with emacs(tmp_path, client, reply, "Twice is enough.") as editor:
        editor.terminal.keys("C-c", "k", "c")
        await editor.terminal.shows("## You")
        editor.terminal.type("count for me")
        # The menu also says what goes along.
        editor.terminal.keys("C-c", "k", "Enter")
        if client == EGLOT:
            await editor.terminal.shows("Pick an action (default Claw: Send)")
            editor.terminal.keys("Enter")
        else:
            await editor.terminal.shows("Select code action")
            await editor.pick("Claw: Send")
        await editor.terminal.shows("word00")
        await editor.terminal.shows("word29")
        editor.terminal.keys("M->")
        await editor.terminal.shows("_done ·")
        assert "count for me" in editor.api.requests[0].last_user_text
        editor.terminal.type("once more")
        sent, busy = "answer 2", "A turn runs in this chat"
        shown = busy
        while busy in shown and sent not in shown:
            # The document shows the end a moment before the turn is over.
            editor.terminal.keys("C-c", "k", "s")
            shown = await editor.terminal.shows_one(sent, busy)
        editor.terminal.keys("M->")
        await editor.terminal.shows("Twice is enough.")


async def allowed(editor: Emacs, line: str) -> None:
    """Allow the edit that is asked for; the line is there, and the turn is over."""
    await editor.allow()
    await editor.terminal.shows(line, "It subtracted.")


async def left_alone(editor: Emacs) -> None:
    """Ask for a fix, and leave its question with C-g; nothing is changed."""
    before = (editor.root / "calc.py").read_text(), editor.terminal.screen.count("return")
    editor.terminal.keys("C-c", "k", "f")
    await editor.terminal.shows("Edit calc.py?", "Minibuf")
    editor.terminal.keys("C-g")
    await editor.terminal.hides("Minibuf")
    assert ((editor.root / "calc.py").read_text(), editor.terminal.screen.count("return")) == before
