"""What a session's log says about review: ledgers of hunks and of proposals, who asked for what, what the model was told."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from claw_lsp.core import proposals
from claw_lsp.core.hunks import Hunk, HunkState, Ledger, Maker, edited, moved_to, settled, synced, undone
from claw_lsp.core.proposals import Proposals
from claw_lsp.core.render import one_line
from claw_lsp.facts.call import Edited, calls_in, text_in
from claw_lsp.facts.checkpoint import Rewound
from claw_lsp.facts.event import CallFinished, Entry, Forked, ModelSpoke, Noted, SessionStarted, TurnEnded, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, HunkKept, HunkUndone, Reverted


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person asked for, and what that turn cost; None while it runs, and where the price is not known."""

    text: str
    run: str
    cost: float | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """What is true of a session's edits after some entries. `words` are the model's words around a call, by its id;
    `told` what the model knows of the person's corrections, by hunk."""

    session: str = ""
    cwd: str = ""
    ledgers: Mapping[str, Ledger] = field(default_factory=dict[str, Ledger])
    prompts: Mapping[str, Prompt] = field(default_factory=dict[str, Prompt])
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    prompt_id: str = ""
    created: frozenset[str] = frozenset()
    """Files that were not there before the session made them."""
    reverts: Mapping[str, tuple[Reverted, ...]] = field(default_factory=dict[str, tuple[Reverted, ...]])
    """What was taken back of earlier prompts, file by file, by the id of the revert."""
    rewound: frozenset[str] = frozenset()
    """Prompts that are taken back by a rewind: the model is told of that, and of their hunks nothing."""
    proposals: Proposals = field(default_factory=Proposals)

    def find(self, id_: str) -> Hunk | None:
        """The open hunk or proposal of this id."""
        every = (*self.ledgers.values(), *self.proposals.ledgers.values())
        return next((hunk for it in every if (hunk := it.find(id_))), None)

    def over(self, id_: str) -> HunkState | None:
        """How a hunk or a proposal ended that is not open any more; None for an unknown one."""
        for ledger in self.ledgers.values():
            if id_ in ledger.settled:
                return ledger.settled[id_].state
            if any(it.id == id_ for it in ledger.hunks):
                return "undone"
        return self.proposals.over(id_)

    def with_ledger(self, ledger: Ledger) -> Book:
        return replace(self, ledgers={**self.ledgers, ledger.path: ledger})

    def without(self, path: str) -> Book:
        return replace(self, ledgers={key: it for key, it in self.ledgers.items() if key != path})

    def without_proposals(self, path: str) -> Book:
        return replace(self, proposals=self.proposals.without(path))

    def with_proposals(self, ledger: Ledger) -> Book:
        return replace(self, proposals=self.proposals.with_ledger(ledger))


def folded(entries: Iterable[Entry], book: Book | None = None) -> Book:
    """What these entries add up to, on top of `book`."""
    book = book or Book()
    for entry in entries:
        book = after(book, entry)
    return book


def after(book: Book, entry: Entry) -> Book:
    """The book once this happened too."""
    event = entry.event
    if (known := proposals.after(book.proposals, entry)) is not book.proposals:
        book = replace(book, proposals=known)
    if isinstance(event, Forked):
        # What was changed before is under review where it was made.
        return Book(book.session, book.cwd, proposals=book.proposals)
    if isinstance(event, SessionStarted):
        return replace(book, session=event.session, cwd=event.cwd)
    if isinstance(event, UserSpoke):
        prompts = {**book.prompts, event.prompt_id: Prompt(event.text, event.run)}
        return replace(book, prompts=prompts, prompt_id=event.prompt_id)
    if isinstance(event, ModelSpoke):
        said = text_in(event.blocks).strip()
        return replace(book, words={**book.words, **{it.id: said for it in calls_in(event.blocks)}})
    if isinstance(event, CallFinished):
        for it in (one for one in event.result.edited if not one.proposed):
            book = _edited(book, it, event.call_id, entry.at)
        return book
    if isinstance(event, TurnEnded):
        prompts = {
            id_: replace(it, cost=event.cost, ended=True) if it.run == event.run else it
            for id_, it in book.prompts.items()
        }
        return replace(book, prompts=prompts)
    if isinstance(event, Noted):
        return replace(book, told={**book.told, **event.hunks}) if event.hunks else book
    if isinstance(event, FileMoved):
        created = book.created | {event.to} if event.path in book.created else book.created
        return replace(book, ledgers=moved_to(book.ledgers, event.path, event.to), created=created)
    if isinstance(event, Reverted):
        return _reverted(book, event)
    if isinstance(event, Rewound):
        return _rewound(book, event)
    if isinstance(event, HunkKept | HunkUndone):
        return _settled(book, event)
    return book


def _edited(book: Book, it: Edited, call_id: str, at: float) -> Book:
    run = book.prompts[book.prompt_id].run if book.prompt_id in book.prompts else ""
    maker = Maker(book.session, book.prompt_id, run, call_id, at)
    ledger = book.ledgers.get(it.path) or Ledger(it.path, it.before)
    if it.created:
        book = replace(book, created=book.created | {it.path})
    return book.with_ledger(edited(ledger, it.before, it.after, maker))


def _settled(book: Book, event: HunkKept | HunkUndone) -> Book:
    ledger = book.ledgers.get(event.path)
    if ledger is None:
        return book
    if isinstance(event, HunkKept):
        return book.with_ledger(settled(ledger, event.hunk, "kept"))
    return book.with_ledger(undone(ledger, event.hunk) or settled(ledger, event.hunk, "undone"))


def _reverted(book: Book, event: Reverted) -> Book:
    """The prompt's hunks in this file are over; where something was in the way, a proposal waits in their place."""
    files = (*book.reverts.get(event.revert, ()), event)
    book = replace(book, reverts={**book.reverts, event.revert: files})
    ledger = book.ledgers.get(event.path)
    if ledger is None:
        return book
    ledger = synced(ledger, event.after)
    return book.with_ledger(_over(ledger, ledger.hunks, {event.prompt_id}))


def _rewound(book: Book, event: Rewound) -> Book:
    """In files that stayed as they were in places, proposals wait there in place of the hunks."""
    prompts = frozenset(event.prompts)
    book = replace(book, rewound=book.rewound - prompts if event.redo else book.rewound | prompts)
    for file in event.contested:
        if (ledger := book.ledgers.get(file.path)) is not None:
            ledger = synced(ledger, file.text)
            met = (it for it in ledger.hunks if any(it.start <= one.end and one.start <= it.end for one in file.left))
            book = book.with_ledger(_over(ledger, met, prompts))
    return book


def _over(ledger: Ledger, hunks: Iterable[Hunk], prompts: Container[str]) -> Ledger:
    """Those of these hunks that are of these prompts are over."""
    for hunk in hunks:
        if hunk.maker.prompt_id in prompts:
            ledger = settled(ledger, hunk.id, "undone")
    return ledger


def prompt_line(book: Book, hunk: Hunk) -> str:
    """The prompt that made a hunk, on one line."""
    prompt = book.prompts.get(hunk.maker.prompt_id)
    return one_line(prompt.text, 120) if prompt else "an earlier prompt"
