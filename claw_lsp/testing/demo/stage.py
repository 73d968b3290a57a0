"""What the demo shows and whom it asks: numbered steps, the answer as it streams, questions with numbered choices."""

from __future__ import annotations

import difflib
import itertools

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from claw_lsp.core.escape import visible
from claw_lsp.term.asking import Lines

YES = "Allow once"
"""What `--yes` answers; where that is no choice, the one after the harmless first."""
LOOK = "Show change"
"""What `--yes` picks first where it is offered: nobody should allow what they have not seen."""


class Stage:
    """`lines` is where the person types; None when the demo answers for itself."""

    def __init__(self, console: Console, lines: Lines | None) -> None:
        self._console = console
        self._lines = lines
        self._steps = itertools.count(1)
        self._live: Live | None = None
        self._now = ""
        self._begun = ""
        self._n_lines = 0
        self._looked = False

    # ---- telling --------------------------------------------------------------------------------------------------

    def title(self, text: str, below: str) -> None:
        self._console.print(Panel(below, title=f"[bold]{text}[/bold]", border_style="cyan", padding=(1, 2)))

    def step(self, text: str) -> None:
        self._console.print()
        self._console.print(Text(f"{next(self._steps)}. {text}", style="bold cyan"))

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Padding(Text(visible(text), style=style), (0, 0, 0, 3)))

    def path(self, name: str, path: str) -> None:
        """A path on a line of its own, whole, so that it can be copied."""
        self._console.print(Text.assemble(f"   {name:<13}", (visible(path), "bold")), soft_wrap=True)

    def code(self, text: str, language: str) -> None:
        shown = Syntax(visible(text).rstrip("\n"), language, theme="ansi_dark", background_color="default")
        self._console.print(Padding(shown, (0, 0, 0, 3)))

    def difference(self, name: str, before: str, after: str) -> None:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", "", "", 2, "")
        self.code("\n".join(lines), "diff")

    # ---- a turn ---------------------------------------------------------------------------------------------------

    def turn_begins(self) -> None:
        self._begun, self._n_lines, self._now = "", 0, ""
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=12, transient=True)
            self._live.start()

    def answer(self, text: str) -> None:
        """The answer as it stands now: whole lines are printed, the last one grows below them."""
        *whole, self._begun = text.split("\n")
        for line in whole[self._n_lines :]:
            self._print_line(line)
        if len(whole) < self._n_lines:
            self._begun = ""  # It was printed before a question.
        self._n_lines = max(self._n_lines, len(whole))
        self._redraw()

    def now(self, text: str) -> None:
        """What is happening, in a few words."""
        self._now = text
        self._redraw()

    def turn_ends(self) -> None:
        self._stop_live()
        self._flush()

    def _flush(self) -> None:
        """Print the line that is growing: it grows no more."""
        if self._begun.strip():
            self._print_line(self._begun)
            self._n_lines += 1
        self._begun = ""

    def _print_line(self, line: str) -> None:
        self._console.print(_barred(line))

    def _redraw(self) -> None:
        if self._live is None:
            return
        growing = [_barred(self._begun)] if self._begun else []
        spinner = Spinner("dots", Text(f" {visible(self._now)}", style="dim"))
        self._live.update(Group(*growing, spinner))

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    # ---- asking ---------------------------------------------------------------------------------------------------

    async def choose(self, question: str, titles: list[str]) -> str | None:
        """The title that was chosen; None when nobody is there any more."""
        turning = self._live is not None
        self._stop_live()
        self._flush()
        choices = [f"  {n}  {visible(it)}" for n, it in enumerate(titles, 1)]
        body = Text("\n".join([visible(question), "", *choices]))
        self._console.print(Panel(body, title="Claw asks", title_align="left", border_style="yellow"))
        chosen = await self._chosen(titles)
        if turning and self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=12, transient=True)
            self._live.start()
        return chosen

    async def _chosen(self, titles: list[str]) -> str | None:
        if self._lines is None:
            wanted = LOOK if LOOK in titles and not self._looked else YES
            self._looked = wanted == LOOK
            number = titles.index(wanted) if wanted in titles else min(1, len(titles) - 1)
            self.say(f"→ {number + 1}  {titles[number]}   (--yes answers for you)", "yellow")
            return titles[number]
        while True:
            self._console.print(Text(f"   Your answer (1 to {len(titles)}): ", style="yellow"), end="")
            typed = await self._lines.next()
            if typed is None:
                return None
            if typed.strip().isdecimal() and 1 <= int(typed) <= len(titles):
                return titles[int(typed) - 1]


def _barred(line: str) -> Table:
    """A line of the answer behind a bar; what is wrapped stays behind it."""
    row = Table.grid(padding=(0, 1))
    row.add_row(Text("   ┃", style="magenta"), Text(visible(line)))
    return row
