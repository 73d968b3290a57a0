"""What became of an edit, told from the texts the document had after it was sent; the client's word is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from claw_lsp.core.difference import character_differences
from claw_lsp.core.merge import merged
from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.facts.text import TextEdit, applied
from claw_lsp.lsp.buffers import Buffers, Changed, Closed, Happening, Opened, Saved


@dataclass(frozen=True, slots=True)
class Sent:
    """An edit on its way: `edits` make `before` into `after`. `guarded`: the client makes it in no other text."""

    before: str
    after: str
    edits: tuple[TextEdit, ...]
    encoding: Encoding
    guarded: bool

    def alike(self, one: str, other: str) -> bool:
        """Whether the texts are the same to this edit, which may itself be about line ends only."""
        return one == other or (same(one, other) and not same(self.before, self.after))


@dataclass(frozen=True, slots=True)
class Landed:
    """The edit is in the text."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """The text is as it was when the edit was sent."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The person typed, and the edit is not in the text."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """The client made the edit in a text it was not meant for: `meant` became `became`."""

    meant: str
    became: str


Fate = Landed | Untouched | Dropped | Misplaced


def same(one: str, other: str) -> bool:
    """Whether two texts are the same to a client that has its own line ends and ends every file with one (R37)."""
    if one == other:
        return True
    return _plain(one) == _plain(other)


def fate(sent: Sent, states: list[str], *, said_applied: bool) -> Fate:
    """What became of the edit; `states` are the texts the document went through since, the first being that before."""
    now = states[-1]
    misplaced = None if sent.guarded else _misplaced(sent, states)
    # Typing and edit may come out in any order where they do not touch, and parts of one edit are no typing.
    if misplaced is not None and merged(sent.before, sent.after, misplaced.meant) != misplaced.became:
        return misplaced
    if misplaced is not None or any(sent.alike(state, sent.after) for state in states[1:]):
        return Landed()
    if all(sent.alike(state, sent.before) for state in states):
        return Untouched()
    if merged(sent.before, sent.after, now) == now:
        return Landed()
    # The person typed into the new text before we were told of it: it is ours if it is nearer to that than to the old.
    if said_applied and _distance(sent.after, now) < _distance(sent.before, now):
        return Landed()
    return Dropped()


class Echo:
    """Listens to one document while an edit is on its way. Used as a context.

    `landed`: the text was once what the edit makes of it. `heard`: anything was heard at all. `news`: something was
    heard since it was last cleared.
    """

    def __init__(self, buffers: Buffers, path: str, sent: Sent) -> None:
        self._buffers = buffers
        self._path = path
        self._sent = sent
        self._end: Callable[[], None] | None = None
        self.states = [sent.before]
        self.landed = asyncio.Event()
        self.heard = asyncio.Event()
        self.news = asyncio.Event()

    def __enter__(self) -> Self:
        self._end = self._buffers.watch(self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._end is not None:
            self._end()

    def fate(self, *, said_applied: bool) -> Fate:
        return fate(self._sent, self.states, said_applied=said_applied)

    def note(self, text: str) -> None:
        """The document has this text now."""
        self.states.append(text)
        if self._sent.alike(text, self._sent.after):
            self.landed.set()
        self.heard.set()
        self.news.set()

    def _hear(self, happening: Happening) -> None:
        if happening.path != self._path:
            return
        match happening:
            case Changed():
                self.note(happening.after)
            case Opened():
                self.note(happening.text)
            case Saved() | Closed():
                pass


async def happens(event: asyncio.Event, timeout: float) -> bool:
    """Whether the event comes within so many seconds."""
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _misplaced(sent: Sent, states: list[str]) -> Misplaced | None:
    """The last state before the edit was in the text that the edit, taken as it is, makes into a later one."""
    landed = next((at for at, state in enumerate(states) if at and state == sent.after), len(states) - 1)
    for at in range(landed - 1, max(0, landed - _LOOKED_AT), -1):
        if states[at] == sent.before:
            return None
        became = _made_in(sent, states[at])
        if became is not None and became != states[at] and became in states[at + 1 :]:
            return Misplaced(states[at], became)
    return None


def _made_in(sent: Sent, text: str) -> str | None:
    """What a client makes of this text if it takes the edit's positions as they are; None if they overlap there."""
    old, new = LineIndex(sent.before), LineIndex(text)

    def carried(offset: int) -> int:
        return new.offset(*old.position(offset, sent.encoding), sent.encoding)

    try:
        return applied(text, tuple(TextEdit(carried(it.start), carried(it.end), it.new) for it in sent.edits))
    except ValueError:
        return None


def _distance(one: str, other: str) -> int:
    return sum(it.end - it.start + len(it.new) for it in character_differences(one, other))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


_LOOKED_AT = 50
