"""The review of the agent's edits and proposals in one client: a book for each session, its ledgers kept at the editor's text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from claw_lsp.core.book import Book, after, folded
from claw_lsp.core.hunks import Hunk, HunkState, Ledger, followed, inverse, stands_on, synced, undone
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.proposals import would_be
from claw_lsp.engine.session import Session
from claw_lsp.facts.checkpoint import Rewound
from claw_lsp.facts.event import CallFinished, Entry, TurnEnded
from claw_lsp.facts.reviewed import FileMoved, Reverted
from claw_lsp.lsp.buffers import Buffers, Changed, Closed, Happening, Opened, Saved

DELAY = 0.15
"""Seconds of quiet after which diagnostics follow what was typed."""


class Key(NamedTuple):
    """Which ledger of a document: the session's, of what it made or of what it proposed."""

    session: str
    proposed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One hunk or proposal as it is to be shown: offsets in `text`, the document as it is known now. `conflict` says that
    something is in the way of taking it back, or of applying it."""

    session: str
    hunk: Hunk
    conflict: bool
    text: str

    @property
    def proposed(self) -> bool:
        return self.hunk.kind != "made"

    @property
    def state(self) -> Literal["open", "conflict", "proposed"]:
        """As `claw.hunks` tells it."""
        if self.proposed:
            return "proposed"
        return "conflict" if self.conflict else "open"

    @property
    def texts(self) -> tuple[str, str]:
        """What is there without the agent's change, and with it."""
        hunk = self.hunk
        if self.proposed:
            now, wanted = hunk.now(self.text), would_be(hunk, self.text)
            return now, hunk.unmade if wanted is None else wanted
        return (hunk.unmade, hunk.base) if hunk.touched(self.text) else (hunk.before, hunk.after)

    @property
    def place(self) -> tuple[int, int]:
        """The agent's part of the window; all of it where somebody changed it."""
        start, end = self.hunk.start, self.hunk.end
        if not self.hunk.touched(self.text):
            start, end = start + self.hunk.core[0], start + self.hunk.core[1]
        return start, end


@dataclass(frozen=True, slots=True)
class Plan:
    """Hunks of one document taken back, or proposals applied: its text and ledgers then, the hunks (with their sessions),
    and those that something is in the way of."""

    text: str
    ledgers: Mapping[Key, Ledger]
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
            for key, ledger in self._ledgers():
                for hunk in ledger.open:
                    it = Shown(key.session, hunk, self._in_conflict(key, ledger, hunk), ledger.text)
                    found.setdefault(ledger.path, []).append(it)
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
        return next((over for book in self._books.values() if (over := book.over(id_))), None)

    def knows(self, prompt_id: str) -> bool:
        """Whether some session has this prompt."""
        return self.session_of(prompt_id) is not None

    def session_of(self, prompt_id: str) -> str | None:
        """The session that has this prompt, as far as sessions are known here."""
        return next((id_ for id_, book in self._books.items() if prompt_id in book.prompts), None)

    def below(self, path: str) -> tuple[tuple[str, str], ...]:
        """Every session with hunks or proposals in this file, or in this folder, and the file."""
        found = ((key.session, it.path) for key, it in self._ledgers() if inside(it.path, (path,)) and it.hunks)
        return tuple(dict.fromkeys(found))

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
            if _other(book, before):
                self._waiting.update((*book.ledgers, *book.proposals.ledgers))
                self._settle()
                self._renew()

    def recall(self, session: str, book: Book, n_entries: int) -> None:
        """A session of an earlier day, as its log says; one that is known already is known better."""
        if session in self._books:
            return
        self._books[session] = book
        self._known[session] = n_entries
        self._waiting.update((*book.ledgers, *book.proposals.ledgers))
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
        if isinstance(entry.event, FileMoved):
            self._waiting.add(entry.event.to)
        if isinstance(entry.event, Reverted):
            self._waiting.add(entry.event.path)
        if isinstance(entry.event, Rewound):
            self._waiting.update(it.path for it in entry.event.contested)
        if isinstance(entry.event, CallFinished | TurnEnded | FileMoved | Reverted | Rewound):
            self._settle()
        if _other(book, before) or book.prompts is not before.prompts or self._shown is None:
            self._renew()

    def reads(self, path: str, text: str) -> None:
        """A document that is not open has this text."""
        for key, ledger in tuple(self._ledgers(path)):
            if ledger.text != text:
                self._put(key, synced(ledger, text))

    def _hear(self, it: Happening) -> None:
        if not any(True for _ in self._ledgers(it.path)):
            return
        match it:
            case Changed(path=path) if self._editing(path) or path in self._waiting:
                self._waiting.add(path)
            case Changed(path=path):
                for key, ledger in tuple(self._ledgers(path)):
                    whole = ledger.text == it.before
                    self._put(key, followed(ledger, it.edits) if whole else synced(ledger, it.after))
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
        ledgers = [it for _, it in self._ledgers(path)]
        if ledgers:
            latest = max(ledgers, key=lambda it: max((one.maker.at for one in it.hunks), default=0.0))
            self.reads(path, latest.text)

    # ---- taking back and applying ---------------------------------------------------------------------------------

    def answered(self, path: str, ids: frozenset[str]) -> Plan:
        """How to take these hunks of a document back, and apply those that are proposals. The newest go first; what is in
        the way of one is looked at again when others are gone."""
        ledgers = dict(self._ledgers(path))
        done: list[tuple[str, Hunk]] = []
        while True:
            open_ = [(key, hunk) for key, it in ledgers.items() for hunk in it.open if hunk.id in ids]
            open_.sort(key=lambda it: it[1].maker.at, reverse=True)
            n_done = len(done)
            for key, hunk in open_:
                # What was done to others may have moved it.
                now = ledgers[key].find(hunk.id)
                if now is not None and (taken := _taken(ledgers, key, now)) is not None:
                    ledgers = taken
                    done.append((key.session, hunk))
            if len(done) == n_done:
                text = next((it.text for it in ledgers.values()), "")
                return Plan(text, ledgers, tuple(done), tuple(hunk for _, hunk in open_))

    def put(self, plan: Plan, text: str) -> None:
        """The plan was carried out, and its document has this text."""
        for key, ledger in plan.ledgers.items():
            self._waiting.discard(ledger.path)
            self._put(key, synced(ledger, text))
            self._follow(ledger.path)
        self._renew()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _in_conflict(self, key: Key, ledger: Ledger, hunk: Hunk) -> bool:
        return _blocked(hunk, key, dict(self._ledgers(ledger.path))) or ledger.state(hunk) == "conflict"

    def _ledgers(self, path: str | None = None) -> Iterator[tuple[Key, Ledger]]:
        for session, book in self._books.items():
            for proposed, ledgers in ((False, book.ledgers), (True, book.proposals.ledgers)):
                for ledger in ledgers.values() if path is None else filter(None, [ledgers.get(path)]):
                    yield Key(session, proposed), ledger

    def _put(self, key: Key, ledger: Ledger) -> None:
        book = self._books[key.session]
        self._books[key.session] = book.with_proposals(ledger) if key.proposed else book.with_ledger(ledger)
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


def _other(book: Book, before: Book) -> bool:
    """Whether hunks or proposals came or went."""
    return book.ledgers is not before.ledgers or book.proposals.ledgers is not before.proposals.ledgers


def _taken(ledgers: dict[Key, Ledger], key: Key, hunk: Hunk) -> dict[Key, Ledger] | None:
    """All ledgers of a document once a hunk of one of them is taken back, or a proposal applied; None where it cannot be."""
    ledger = ledgers[key]
    mine = undone(ledger, hunk.id)
    if mine is None or _blocked(hunk, key, ledgers):
        return None
    edits = inverse(hunk, ledger.text) or ()
    return {other: mine if other == key else followed(it, edits) for other, it in ledgers.items()}


def _blocked(hunk: Hunk, key: Key, ledgers: Mapping[Key, Ledger]) -> bool:
    """Whether a later hunk of another session stands on this one."""
    text = ledgers[key].text
    return (
        not key.proposed
        and hunk.touched(text)
        and any(
            later.maker.at > hunk.maker.at and stands_on(later, hunk, text)
            for other, ledger in ledgers.items()
            if other != key and not other.proposed
            for later in ledger.open
        )
    )
