"""Comments that speak to the agent (`AI!`, `AI?`), as editors show them: diagnostics, code actions and lenses, all from
memory. Which files are looked at, and what is begun, is decided in lsp/commands/comments.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from claw_lsp.core.comments import Spoken, Wish, spoken
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.actions import QUICKFIX, Action, command
from claw_lsp.lsp.buffers import Buffer, Buffers, Closed, Happening
from claw_lsp.lsp.notices import INFORMATION
from claw_lsp.lsp.questions import flat

Json = dict[str, Any]
Text = tuple[Wish, str]
"""What makes a comment the same one wherever it stands."""

TITLES: dict[Wish, str] = {"do": "Claw: do this", "answer": "Claw: answer this"}


@dataclass(frozen=True, slots=True)
class _Offered:
    """The comments of one file when it was saved, and those of them that were begun since."""

    texts: frozenset[Text]
    begun: frozenset[Text] = frozenset()


class Comments:
    """`one_save_at_a_time` is held while a save is looked at: a later one must not come before it.

    Invariant: a comment that was begun is not shown again while it stands there, and never begun again unasked.
    """

    def __init__(self, buffers: Buffers, changed: Callable[[], None]) -> None:
        self._buffers = buffers
        self._changed = changed
        self.one_save_at_a_time = asyncio.Lock()
        self._offered: dict[str, _Offered] = {}
        self._ever: dict[str, set[Text]] = {}
        self._read: dict[str, tuple[str, tuple[Spoken, ...]]] = {}
        buffers.watch(self._hear)

    def saved(self, path: str, found: Sequence[Spoken]) -> tuple[Spoken, ...]:
        """A file was saved with these comments in it; answers those that were never begun."""
        before = self._offered.pop(path, None)
        texts = frozenset(_text(it) for it in found)
        if texts:
            self._offered[path] = _Offered(texts, before.begun & texts if before else frozenset())
        if before != self._offered.get(path):
            self._changed()
        return tuple(it for it in found if _text(it) not in self._ever.get(path, ()))

    def begun(self, path: str, these: Sequence[Spoken]) -> None:
        """A turn is about these comments now."""
        texts = {_text(it) for it in these}
        self._ever.setdefault(path, set()).update(texts)
        if (offered := self._offered.get(path)) is not None:
            self._offered[path] = _Offered(offered.texts, offered.begun | texts)
            self._changed()

    def known(self, path: str) -> bool:
        """Whether something is offered in this file."""
        return path in self._offered

    def diagnostics(self) -> dict[str, list[Json]]:
        """By URI."""
        shown = {path: [self._diagnostic(it, here) for it, here in self._waiting(path)] for path in self._offered}
        return {here.uri: shown[path] for path in shown if (here := self._buffers.get(path))}

    def lenses(self, path: str) -> list[Json]:
        """What to do about each comment, above it."""
        return [
            {"range": _range(it, here, self._buffers), "command": _command(it, here, self._buffers)}
            for it, here in self._waiting(path)
        ]

    def actions(self, path: str, first: int, last: int) -> list[Action]:
        """What can be done about the comments on these lines; one that was begun can be begun again by hand."""
        here = self._buffers.get(path)
        touched = [it for it in self._now(path) if it.first_line <= last and it.last_line >= first]
        waiting = [it for it, _ in self._waiting(path)]
        return [
            {"title": TITLES[it.wish], "kind": QUICKFIX, "command": _command(it, here, self._buffers)}
            | ({"diagnostics": [self._diagnostic(it, here)]} if it in waiting else {})
            for it in touched
            if here is not None
        ]

    def _waiting(self, path: str) -> list[tuple[Spoken, Buffer]]:
        """What is still to be begun, where it stands now."""
        offered, here = self._offered.get(path), self._buffers.get(path)
        if offered is None or here is None:
            return []
        return [(it, here) for it in self._now(path) if _text(it) not in offered.begun]

    def _now(self, path: str) -> tuple[Spoken, ...]:
        """The comments that were there when the file was saved, in the text as it is now."""
        offered, here = self._offered.get(path), self._buffers.get(path)
        if offered is None or here is None:
            return ()
        text, found = self._read.get(path, ("", ()))
        if text is not here.text:
            found = spoken(here.text, path, here.language)
            self._read[path] = (here.text, found)
        return tuple(it for it in found if _text(it) in offered.texts)

    def _diagnostic(self, it: Spoken, here: Buffer) -> Json:
        asks = "asks Claw to do something" if it.wish == "do" else "asks Claw a question"
        said = flat(" ".join(it.words.split("\n")), 200)
        return {
            "range": _range(it, here, self._buffers),
            "severity": INFORMATION,
            "source": "claw",
            "code": "comment",
            "data": {"comment": it.wish},
            "message": f"This comment {asks}: {said}\nIt does so by a code action here.",
        }

    def _hear(self, it: Happening) -> None:
        if isinstance(it, Closed) and self._offered.pop(it.path, None) is not None:
            self._read.pop(it.path, None)
            self._changed()


def _text(it: Spoken) -> Text:
    return it.wish, it.words


def _range(it: Spoken, here: Buffer, buffers: Buffers) -> Json:
    return to_lsp.text_range(here.index, it.start, it.end, buffers.encoding)


def _command(it: Spoken, here: Buffer, buffers: Buffers) -> Json:
    return command("claw.comment", TITLES[it.wish], uri=here.uri, range=_range(it, here, buffers))
