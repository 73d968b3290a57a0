"""The review of the agent's edits in one client: a book for each session, its ledgers kept at the editor's text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from claw_lsp.core.book import Book, after, folded
from claw_lsp.core.hunks import Hunk, HunkState, Ledger, followed, inverse, stands_on, synced, undone
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import CallFinished, Entry, TurnEnded
from claw_lsp.lsp.buffers import Buffers, Changed, Closed, Happening, Opened, Saved

DELAY = 0.15
"""Seconds of quiet after which diagnostics follow what was typed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One hunk as it is to be shown: offsets in `text`, the document as it is known now."""

    session: str
    hunk: Hunk
    state: HunkState
    text: str

    @property
    def place(self) -> tuple[int, int]:
        """The agent's part of the window; all of it where somebody changed it."""
        start, end = self.hunk.start, self.hunk.end
        if not self.hunk.touched(self.text):
            start, end = start + self.hunk.core[0], start + self.hunk.core[1]
        return start, end


@dataclass(frozen=True, slots=True)
class Plan:
    """Hunks of one document taken back: its text and ledgers then, the hunks (with their sessions), and those that
    something is in the way of."""

    text: str
    ledgers: Mapping[str, Ledger]
    done: tuple[tuple[str, Hunk], ...]
    left: tuple[Hunk, ...]


class Review:
    """Invariant: outside an edit of ours in flight, every ledger of an open document has the buffer's text.

    `editing` says whether an edit of ours is on its way to a path: what changes there meanwhile is looked at when the
    call's fact tells whose it was. `changed` is called when something other is to be shown.
    """

    def __init__(self, buffers: Buffers, editing: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._buffers = buffers
        self._editing = editing
        self._changed = changed
        self._books: dict[str, Book] = {}
        self._known: dict[str, int] = {}
        self._waiting: set[str] = set()
        self._soon: asyncio.TimerHandle | None = None
        self._shown: dict[str, tuple[Shown, ...]] | None = None
        buffers.watch(self._hear)

    # ---- what there is --------------------------------------------------------------------------------------------

    def book(self, session: str) -> Book:
        return self._books.get(session) or Book()

    def paths(self) -> tuple[str, ...]:
        """Every document that has hunks to review."""
        return tuple(path for path, found in self.shown().items() if found)

    def at(self, path: str) -> tuple[Shown, ...]:
        """The open hunks of a document in the order of its text; from memory."""
        return self.shown().get(path, ())

    def shown(self) -> Mapping[str, tuple[Shown, ...]]:
        if self._shown is None:
            found: dict[str, list[Shown]] = {}
            for session, ledger in self._ledgers():
                for hunk in ledger.open:
                    found.setdefault(ledger.path, []).append(
                        Shown(session, hunk, self._state(ledger, hunk), ledger.text)
                    )
            self._shown = {
                path: tuple(sorted(it, key=lambda one: (one.place, one.hunk.maker.at))) for path, it in found.items()
            }
        return self._shown

    def find(self, id_: str) -> Shown | None:
        """The open hunk of this id, or the one it became part of."""
        ids = {hunk.id for book in self._books.values() if (hunk := book.find(id_))}
        return next((it for found in self.shown().values() for it in found if it.hunk.id in ids), None)

    def over(self, id_: str) -> HunkState | None:
        """How a hunk ended that is not open any more; None for an unknown one."""
        for book in self._books.values():
            if (settled := book.over(id_)) is not None:
                return settled.state
            if any(hunk.id == id_ for ledger in book.ledgers.values() for hunk in ledger.hunks):
                return "undone"
        return None

    def knows(self, prompt_id: str) -> bool:
        """Whether some session has this prompt."""
        return any(prompt_id in book.prompts for book in self._books.values())

    # ---- what happens ---------------------------------------------------------------------------------------------

    def catch_up(self, sessions: Iterable[Session]) -> None:
        """Know what these sessions' logs say by now; their documents are compared where they are open."""
        for session in tuple(sessions):
            known = self._known.get(session.id, 0)
            if not session.entries or session.entries[-1].n <= known:
                continue
            before = self.book(session.id)
            book = folded((it for it in session.entries if it.n > known), before)
            self._books[session.id] = book
            self._known[session.id] = session.entries[-1].n
            if book.ledgers is not before.ledgers:
                self._waiting.update(book.ledgers)
                self._settle()
                self._renew()

    def saw(self, session: str, entry: Entry) -> None:
        """A fact of a session; one that is not known yet is read whole when it is caught up with."""
        before = self._books.get(session)
        if before is None or entry.n <= self._known[session]:
            return
        self._known[session] = entry.n
        book = after(before, entry)
        self._books[session] = book
        if isinstance(entry.event, CallFinished):
            self._waiting.update(it.path for it in entry.event.result.edited)
        if isinstance(entry.event, CallFinished | TurnEnded):
            self._settle()
        if book.ledgers is not before.ledgers or book.prompts is not before.prompts or self._shown is None:
            self._renew()

    def reads(self, path: str, text: str) -> None:
        """A document that is not open has this text."""
        for session, ledger in tuple(self._ledgers(path)):
            if ledger.text != text:
                self._put(session, synced(ledger, text))

    def _hear(self, it: Happening) -> None:
        if not any(True for _ in self._ledgers(it.path)):
            return
        match it:
            case Changed(path=path) if self._editing(path) or path in self._waiting:
                self._waiting.add(path)
            case Changed(path=path):
                for session, ledger in tuple(self._ledgers(path)):
                    whole = ledger.text == it.before
                    self._put(session, followed(ledger, it.edits) if whole else synced(ledger, it.after))
                self._later()
            case Opened(path=path):
                self._follow(path)
                self._later()
            case Saved() | Closed():
                pass

    def _settle(self) -> None:
        """What changed while edits of ours were on their way: the facts have told of those, the rest was typed."""
        for path in [it for it in self._waiting if not self._editing(it)]:
            self._waiting.discard(path)
            self._follow(path)

    def _follow(self, path: str) -> None:
        buffer = self._buffers.get(path)
        if buffer is not None:
            self.reads(path, buffer.text)
            return
        # Another session's ledgers follow what this one made of a file that nobody holds open.
        latest = max(self._ledgers(path), key=lambda it: max((one.maker.at for one in it[1].hunks), default=0.0))
        self.reads(path, latest[1].text)

    # ---- taking back ----------------------------------------------------------------------------------------------

    def without(self, path: str, ids: frozenset[str]) -> Plan:
        """How to take these hunks of a document back. The newest go first; what is in the way of one is looked at again
        when others are gone."""
        ledgers = dict(self._ledgers(path))
        done: list[tuple[str, Hunk]] = []
        while True:
            open_ = [(session, hunk) for session, it in ledgers.items() for hunk in it.open if hunk.id in ids]
            open_.sort(key=lambda it: it[1].maker.at, reverse=True)
            for session, hunk in open_:
                if (taken := _taken(ledgers, session, hunk)) is not None:
                    ledgers = taken
                    done.append((session, hunk))
                    break
            else:
                text = next((it.text for it in ledgers.values()), "")
                return Plan(text, ledgers, tuple(done), tuple(hunk for _, hunk in open_))

    def put(self, plan: Plan, text: str) -> None:
        """The plan was carried out, and its document has this text."""
        for session, ledger in plan.ledgers.items():
            self._waiting.discard(ledger.path)
            self._put(session, synced(ledger, text))
            self._follow(ledger.path)
        self._renew()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _state(self, ledger: Ledger, hunk: Hunk) -> HunkState:
        others = (it for _, it in self._ledgers(ledger.path))
        return "conflict" if _blocked(hunk, ledger, others) else ledger.state(hunk)

    def _ledgers(self, path: str | None = None) -> Iterator[tuple[str, Ledger]]:
        for session, book in self._books.items():
            for ledger in book.ledgers.values() if path is None else filter(None, [book.ledgers.get(path)]):
                yield session, ledger

    def _put(self, session: str, ledger: Ledger) -> None:
        self._books[session] = self._books[session].with_ledger(ledger)
        self._shown = None

    def _later(self) -> None:
        """Show it once the person pauses."""
        self._shown = None
        if self._soon is not None:
            self._soon.cancel()
        self._soon = asyncio.get_running_loop().call_later(DELAY, self._renew)

    def _renew(self) -> None:
        self._shown = None
        self.flush()

    def flush(self) -> None:
        """Show now what waits for a pause."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._changed()

    def close(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None


def _taken(ledgers: dict[str, Ledger], session: str, hunk: Hunk) -> dict[str, Ledger] | None:
    """All ledgers of a document once a hunk of one of them is taken back; None where it cannot be."""
    ledger = ledgers[session]
    mine = undone(ledger, hunk.id)
    if mine is None or _blocked(hunk, ledger, ledgers.values()):
        return None
    edits = inverse(hunk, ledger.text) or ()
    return {key: mine if key == session else followed(it, edits) for key, it in ledgers.items()}


def _blocked(hunk: Hunk, ledger: Ledger, others: Iterable[Ledger]) -> bool:
    """Whether a later hunk of another session stands on this one."""
    return hunk.touched(ledger.text) and any(
        later.maker.at > hunk.maker.at and stands_on(later, hunk, ledger.text)
        for other in others
        if other is not ledger
        for later in other.open
    )
