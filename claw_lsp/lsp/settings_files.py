"""Our own files: what is wrong in open ones, as diagnostics at their place, while they are written; what is wrong in settings that are
not open, said once; and those that change on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from claw_lsp.core.files.kinds import Kind, kind_of
from claw_lsp.core.words import counted
from claw_lsp.facts.settings import Problem, Settings
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Buffers, Changed, Closed, Happening, Opened
from claw_lsp.lsp.questions import plain

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from claw_lsp.core.files.check import Flaw

Examine = Callable[[str, str], tuple[Problem, ...]]
"""(path, text) -> what is wrong in the text of a settings file, or of one with MCP servers."""

_SEVERITIES = {"error": 1, "warning": 2, "hint": 4}
"""LSP's DiagnosticSeverity."""


class SettingsFiles:
    """`claw_home` is our folder in the person's home. Texts are examined in a thread, the latest last.

    `told` is what was said of files that are not open, by path; `n_changes` counts the changes of any of them.

    Invariant: of a file that is not open nothing is shown.
    """

    def __init__(
        self,
        buffers: Buffers,
        examine: Examine,
        claw_home: str,
        later: Callable[[Any, str], None],
        changed: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._buffers = buffers
        self._examine = examine
        self._claw_home = claw_home
        self._later = later
        self._changed = changed
        self._found: dict[str, tuple[str, tuple[Flaw, ...]]] = {}
        self._looking: set[str] = set()
        self._say = say
        self.told: dict[str, str] = {}
        self.n_changes = 0
        self._following: asyncio.Task[None] | None = None
        buffers.watch(self._hear)

    def shown(self, path: str) -> bool:
        """Whether what is wrong in this file stands in the editor, so that nothing else need say so."""
        return self._buffers.get(path) is not None and self.is_settings(path)

    # ---- files on disk ------------------------------------------------------------------------------------------------

    def follow(
        self, changes: AsyncGenerator[tuple[str, ...]], act: Callable[[tuple[str, ...]], Awaitable[None]]
    ) -> None:
        """Act on each change of the files, one after the other, until `close`."""

        async def following() -> None:
            async with aclosing(changes):
                async for paths in changes:
                    await act(paths)

        self._following = asyncio.create_task(following(), name="following settings files")
        self._following.add_done_callback(_ended)

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait((self._following,))

    def count_change(self) -> None:
        """What was read before is not to be relied on any more."""
        self.n_changes += 1

    def newer(self, read: Callable[[], Awaitable[Settings]]) -> Callable[[Settings], Awaitable[Settings]]:
        """What gives the settings in force now: those it is given, or anew read ones once a file changed since it gave some."""
        n = self.n_changes

        async def now(settings: Settings) -> Settings:
            nonlocal n
            if n == self.n_changes:
                return settings
            n = self.n_changes
            return await read()

        return now

    def tell(self, problems: Iterable[Problem]) -> None:
        """Say what is wrong in files that are not open: one message a file, and no message twice."""
        of_files: dict[str, list[Problem]] = {}
        for it in problems:
            of_files.setdefault(it.path, []).append(it)
        for path, (first, *others) in of_files.items():
            more = f" And {counted(len(others), 'more problem')} in this file." if others else ""
            if not self.shown(path) and self.told.get(path) != (text := f"{first}{more}"):
                self.told[path] = text
                self._say(text)

    def found(self, problems: Iterable[Problem], *, changed: Iterable[str]) -> None:
        """Say what is wrong after files changed; of those in which nothing is wrong any more, what comes later is said again."""
        problems = tuple(problems)
        for path in {*changed} - {it.path for it in problems}:
            self.told.pop(path, None)
        self.tell(problems)

    # ---- open files ---------------------------------------------------------------------------------------------------

    def diagnostics(self) -> dict[str, list[dict[str, Any]]]:
        """By URI."""
        shown = {path: it for path, (_, it) in self._found.items() if it}
        buffers = {path: buffer for path in shown if (buffer := self._buffers.get(path))}
        return {here.uri: [self._diagnostic(it, here) for it in shown[path]] for path, here in buffers.items()}

    def is_settings(self, path: str) -> bool:
        """Whether settings are read from a file of this name."""
        return kind_of(path, self._claw_home) in ("settings", "mcp")

    def flaws(self, path: str) -> tuple[Flaw, ...]:
        """What was found last in an open file of ours."""
        return self._found.get(path, ("", ()))[1]

    def _hear(self, it: Happening) -> None:
        match it:
            case Opened() | Changed():
                if kind_of(it.path, self._claw_home) and it.path not in self._looking:
                    self._looking.add(it.path)
                    self._later(self._look(it.path), "reading a settings file")
            case Closed():
                if self._found.pop(it.path, None):
                    self._changed()
            case _:
                return

    async def _look(self, path: str) -> None:
        try:
            while (here := self._buffers.get(path)) and here.text != self._found.get(path, (None,))[0]:
                kind = kind_of(path, self._claw_home)
                assert kind is not None
                found = await asyncio.to_thread(_flaws, kind, path, here.text, self._examine)
                if self._buffers.get(path):
                    self._found[path] = (here.text, found)
                    self._changed()
        finally:
            self._looking.discard(path)

    def _diagnostic(self, it: Flaw, here: Buffer) -> dict[str, Any]:
        start, end = min(it.start, len(here.text)), min(it.end, len(here.text))
        return {
            "range": to_lsp.text_range(here.index, start, end, self._buffers.encoding),
            "severity": _SEVERITIES[it.severity],
            "source": "claw",
            "code": "settings",
            "message": plain(it.message, 600),
        }


def _flaws(kind: Kind, path: str, text: str, examine: Examine) -> tuple[Flaw, ...]:
    # Imported when one of our files is looked at: the forms of all of them are built then.
    from claw_lsp.lsp.flaws import flaws

    return flaws(kind, path, text, examine)


def _ended(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and (error := following.exception()):
        logger.error("Changes of settings files are not noticed any more", exc_info=error)
