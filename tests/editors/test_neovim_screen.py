"""What a person sees: Neovim with the plugin in a terminal, which is another Neovim's. Only keys go in, only the screen
comes out; nothing stops at "Press ENTER"."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from neovim_desk import Neovim, needs_neovim, neovim, program
from test_neovim import CALC, fix

from claw_lsp.testing.messages_api import Reply, Text

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

STATUS = """
vim.o.laststatus = 3
vim.o.statusline = "%f %m%=%{%v:lua.require'claw'.statusline()%}"
"""
WIDE, HIGH = 110, 30


@dataclass
class Terminal:
    """A Neovim in a terminal."""

    outer: Neovim
    buffer: Any
    job: int

    def screen(self) -> str:
        shown = "\n".join(self.buffer[:])
        assert "Press ENTER" not in shown, shown
        assert "-- More --" not in shown, shown
        return shown

    def shows(self, *texts: str) -> str:
        """The screen, once all of this is on it."""
        try:
            self.outer.until(lambda: all(it in self.screen() for it in texts), f"the screen shows {texts}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None
        return self.screen()

    def hides(self, text: str) -> str:
        self.outer.until(lambda: text not in self.screen(), f"{text!r} leaves the screen")
        return self.screen()

    def line(self, text: str) -> str:
        """The line of the screen that has this text."""
        (found,) = [it for it in self.screen().splitlines() if text in it]
        return found

    def type(self, keys: str) -> None:
        self.outer.nvim.funcs.chansend(self.job, keys)


@contextmanager
def terminal(tmp_path: Path, *replies: Reply | str) -> Generator[Terminal, None, None]:
    """calc.py open in a Neovim with the plugin, in a terminal."""
    with neovim(tmp_path, *replies, editor="neovim", menus=False, more=STATUS) as outer:
        (outer.root / "calc.py").write_text(CALC)
        # The terminal takes the size of its window.
        outer.nvim.ui_attach(WIDE, HIGH)
        argv = [str(program()), "-u", str(outer.home / "init.lua"), "-n", "-i", "NONE", "calc.py"]
        outer.nvim.command("enew")
        job = outer.lua("return vim.fn.jobstart(..., { term = true, env = { TERM = 'xterm-256color' } })", argv)
        it = Terminal(outer, outer.nvim.current.buffer, job)
        try:
            it.shows("def add(a, b):", "default")
            yield it
        finally:
            outer.nvim.funcs.jobstop(job)


def test_a_fix_from_question_to_review(tmp_path: Path) -> None:
    with terminal(tmp_path, *fix(tmp_path)) as it:
        it.type(":2Claw fix\r")
        it.shows("? Claw: Edit calc.py? (:Claw answer)", "1: Deny", "2: Allow once")
        it.type("2\r")
        it.shows("return a + b", "· 1 change")
        assert it.line("return a + b").startswith("┃")
        assert "◆ Claw: was return a - b" in it.line("return a + b")
        it.shows("It subtracted. (1 file changed")
        it.type("gg]h\\cr")
        it.shows("return a - b", "Reverted 1 change")
        it.hides("◆ Claw")
        it.hides("· 1 change")


def test_a_question_waits_while_the_person_types(tmp_path: Path) -> None:
    with terminal(tmp_path, *fix(tmp_path)) as it:
        it.type(":2Claw fix\rO")
        it.type("# 1 2 ")
        it.shows("# 1 2 ", "· 1 question", "? Claw: Edit calc.py? (:Claw answer)", "-- INSERT --")
        it.type("1 2")
        it.shows("# 1 2 1 2")
        assert "Deny" not in it.screen()
        it.type("\x1b")
        it.shows("1: Deny", "2: Allow once")
        it.type("2\r")
        it.shows("return a + b", "# 1 2 1 2")


def test_the_chat_streams_beside_the_file_and_stays_in_sight(tmp_path: Path) -> None:
    pieces = tuple(f"- point {n}\n" for n in range(50))
    words = tuple(f"word{n} " for n in range(300))
    replies = (Reply(content=(Text(text="".join(it), pieces=it, pace=0.01),)) for it in (pieces, words))
    with terminal(tmp_path, *replies) as it:
        it.type("\\cc")
        it.shows("def add(a, b):", "# Claw chat")
        it.type("Gowhat is it\x13")
        it.shows("- point 8", "Claw: answering", "· answering")
        it.shows("- point 49", "def add(a, b):")
        it.shows("## You")
        assert "- point 8\n" not in it.screen()
        # Words typed in the instant in which the turn ends are not seen by the server now and then: not mended yet.
        it.type("Gomore\x13")
        it.shows("word99 ", "## You")
        it.shows("word299", "word250", "## You")
