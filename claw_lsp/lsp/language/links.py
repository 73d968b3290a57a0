"""Links in a chat's answers: to files of the workspace that are there, and to lines in them; to nothing else."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from claw_lsp.core.chat.outline import Outline, Span
from claw_lsp.core.policy.paths import inside
from claw_lsp.lsp.language.place import Place

MOST, MOST_NAMES = 1000, 10_000
"""Links of one document, and names that are looked at; of a longer one those in its last answers."""
FRESH = 10.0
"""Seconds for which a file is taken to be there, or not."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is written at `span` names a file; `line` counts from 1, None for the whole file."""

    span: Span
    path: str
    line: int | None


class Links:
    """Looks at the disk in a thread, and not for every request again."""

    def __init__(self) -> None:
        self._there: dict[str, tuple[bool, float]] = {}

    async def of(self, text: str, outline: Outline, place: Place) -> list[Link]:
        """The links of a chat document."""
        return await asyncio.to_thread(self._of, text, outline, place) if place.roots else []

    def _of(self, text: str, outline: Outline, place: Place) -> list[Link]:
        answers = (it.answer for it in reversed(outline.turns) if it.answer)
        looked_at = islice(_named(text, answers, place), MOST_NAMES)
        found = (it for it in looked_at if inside(it.path, place.roots) and self._is_file(it.path))
        return sorted(islice(found, MOST), key=lambda it: it.span)

    def _is_file(self, path: str) -> bool:
        known = self._there.get(path)
        now = time.monotonic()
        if known is None or now - known[1] > FRESH:
            if len(self._there) > 20 * MOST:
                self._there.clear()
            known = self._there[path] = (_is_file(path), now)
        return known[0]


def _named(text: str, spans: Iterable[Span], place: Place) -> Iterator[Link]:
    """Everything that looks like a file's name, whether or not it is there."""
    for span in spans:
        for it in _NAME.finditer(text, *span):
            yield Link(it.span(), place.absolute(it["path"]), int(it["line"]) if it["line"] else None)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


_NAME = re.compile(
    r"(?<![\w/.@:~+\\-])(?P<path>(?:[\w.@+-]*/)+[\w.@+-]*\w|[\w@+-]+(?:\.[\w@+-]+)*\.\w{1,10})(?::(?P<line>\d{1,7})(?:[:-]\d{1,7})?)?(?![\w/])"
)
