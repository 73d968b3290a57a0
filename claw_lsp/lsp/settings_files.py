"""Settings files and .mcp.json that are open in the editor: what is wrong in them, at its place, while they are written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from claw_lsp.facts.settings import Problem
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Buffers, Changed, Closed, Happening, Opened
from claw_lsp.lsp.questions import plain

WARNING = 2
"""LSP's DiagnosticSeverity.Warning."""

Examine = Callable[[str, str], tuple[Problem, ...]]
"""(path, text) -> what is wrong in the text of such a file."""

_NAMES = re.compile(r"/\.(claw|claude)/settings(\.local)?\.json$|/\.mcp\.json$")
_VALUE = re.compile(r'"(?:[^"\\\n]|\\.)*"|[^\s,\]}]+')


class SettingsFiles:
    """`own` is the person's settings file in CLAW_HOME. Texts are examined in a thread, the latest last.

    Invariant: of a file that is not open nothing is shown.
    """

    def __init__(
        self,
        buffers: Buffers,
        examine: Examine,
        own: str,
        later: Callable[[Any, str], None],
        changed: Callable[[], None],
    ) -> None:
        self._buffers = buffers
        self._examine = examine
        self._own = own
        self._later = later
        self._changed = changed
        self._found: dict[str, tuple[str, tuple[Problem, ...]]] = {}
        self._looking: set[str] = set()
        buffers.watch(self._hear)

    def shown(self, path: str) -> bool:
        """Whether what is wrong in this file stands in the editor, so that nothing else need say so."""
        return self._buffers.get(path) is not None and self._is_settings(path)

    def diagnostics(self) -> dict[str, list[dict[str, Any]]]:
        """By URI."""
        shown = {path: it for path, (_, it) in self._found.items() if it}
        buffers = {path: buffer for path in shown if (buffer := self._buffers.get(path))}
        return {here.uri: [self._diagnostic(it, here) for it in shown[path]] for path, here in buffers.items()}

    def _is_settings(self, path: str) -> bool:
        return path == self._own or bool(_NAMES.search(path))

    def _hear(self, it: Happening) -> None:
        match it:
            case Opened() | Changed():
                if self._is_settings(it.path) and it.path not in self._looking:
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
                found = await asyncio.to_thread(self._examine, path, here.text)
                if self._buffers.get(path):
                    self._found[path] = (here.text, found)
                    self._changed()
        finally:
            self._looking.discard(path)

    def _diagnostic(self, it: Problem, here: Buffer) -> dict[str, Any]:
        return {
            "range": to_lsp.text_range(here.index, *_span(here.text, it), self._buffers.encoding),
            "severity": WARNING,
            "source": "claw",
            "code": "settings",
            "message": plain(it.message, 600),
        }


def _span(text: str, it: Problem) -> tuple[int, int]:
    """Where the value stands that a problem is about."""
    start = 0
    for _ in range(it.line - 1):
        start = text.find("\n", start) + 1
    start = min(start + it.column - 1, len(text))
    found = _VALUE.match(text, start)
    return start, found.end() if found else start
