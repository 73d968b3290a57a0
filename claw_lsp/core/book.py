"""What a session's log says about review: a ledger for each document, who asked for what, what the model was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from claw_lsp.core.hunks import Hunk, Ledger, Maker, Settled, edited, settled, undone
from claw_lsp.core.render import one_line
from claw_lsp.facts.call import Edited, calls_in, text_in
from claw_lsp.facts.event import (
    CallFinished,
    Entry,
    HunkKept,
    HunkUndone,
    ModelSpoke,
    Noted,
    SessionStarted,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.text import digest

LONGEST_NOTE = 4000
"""Characters of all corrections told at once."""
LONGEST_TEXT = 600
"""Characters of one text in a correction."""
BY_HAND = "by hand"
"""In place of a digest: the hunk was taken back."""


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

    def find(self, id_: str) -> Hunk | None:
        """The open hunk of this id."""
        return next((hunk for it in self.ledgers.values() if (hunk := it.find(id_))), None)

    def over(self, id_: str) -> Settled | None:
        """How a hunk ended that is not open any more."""
        return next((it.settled[id_] for it in self.ledgers.values() if id_ in it.settled), None)

    def with_ledger(self, ledger: Ledger) -> Book:
        return replace(self, ledgers={**self.ledgers, ledger.path: ledger})


def folded(entries: Iterable[Entry], book: Book | None = None) -> Book:
    """What these entries add up to, on top of `book`."""
    book = book or Book()
    for entry in entries:
        book = after(book, entry)
    return book


def after(book: Book, entry: Entry) -> Book:
    """The book once this happened too."""
    event = entry.event
    if isinstance(event, SessionStarted):
        return replace(book, session=event.session, cwd=event.cwd)
    if isinstance(event, UserSpoke):
        prompts = {**book.prompts, event.prompt_id: Prompt(event.text, event.run)}
        return replace(book, prompts=prompts, prompt_id=event.prompt_id)
    if isinstance(event, ModelSpoke):
        said = text_in(event.blocks).strip()
        return replace(book, words={**book.words, **{it.id: said for it in calls_in(event.blocks)}})
    if isinstance(event, CallFinished):
        for it in event.result.edited:
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
    if isinstance(event, HunkKept | HunkUndone):
        return _settled(book, event)
    return book


def _edited(book: Book, it: Edited, call_id: str, at: float) -> Book:
    run = book.prompts[book.prompt_id].run if book.prompt_id in book.prompts else ""
    maker = Maker(book.session, book.prompt_id, run, call_id, at)
    ledger = book.ledgers.get(it.path) or Ledger(it.path, it.before)
    return book.with_ledger(edited(ledger, it.before, it.after, maker))


def _settled(book: Book, event: HunkKept | HunkUndone) -> Book:
    ledger = book.ledgers.get(event.path)
    if ledger is None:
        return book
    if isinstance(event, HunkKept):
        return book.with_ledger(settled(ledger, event.hunk, "kept"))
    return book.with_ledger(undone(ledger, event.hunk) or settled(ledger, event.hunk, "undone"))


# ---- what the model is told -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the person did about the agent's edits that the model does not know: hunks taken back by hand, which no fact
    says yet, and a note for the next turn, None where there is nothing to tell."""

    by_hand: tuple[Hunk, ...]
    note: Noted | None


def corrections(book: Book) -> Corrections:
    """What to write before the next turn begins."""
    told: dict[str, str] = {}
    lines: list[str] = []
    by_hand: list[Hunk] = []
    for ledger in book.ledgers.values():
        for hunk in ledger.hunks:
            if any(not it.gone(ledger.text) for it in ledger.upon(hunk)):
                # What changed there is the work of a later prompt.
                continue
            if hunk.gone(ledger.text):
                by_hand.append(hunk)
                told[hunk.id] = BY_HAND
                lines.append(_taken_back(book, hunk))
            elif hunk.touched(ledger.text):
                _changed(book, hunk, hunk.now(ledger.text), told, lines)
        for id_, over in ledger.settled.items():
            if over.state == "undone" and book.told.get(id_) != BY_HAND:
                told[id_] = BY_HAND
                lines.append(_taken_back(book, over.hunk))
            elif over.state == "kept" and over.now != over.hunk.base:
                _changed(book, over.hunk, over.now, told, lines)
    note = Noted(text=_note(lines), hunks=told) if told else None
    return Corrections(tuple(by_hand), note)


def _changed(book: Book, hunk: Hunk, now: str, told: dict[str, str], lines: list[str]) -> None:
    if book.told.get(hunk.id) == digest(now):
        return
    told[hunk.id] = digest(now)
    lines.append(f"In {_named(book, hunk)} you wrote\n{_fenced(hunk.base)}\nand it was changed to\n{_fenced(now)}")


def _taken_back(book: Book, hunk: Hunk) -> str:
    if not hunk.after:
        return f"In {_named(book, hunk)} you had taken out\n{_fenced(hunk.before)}\nand the person put it back."
    return f"In {_named(book, hunk)} the person took back what you wrote:\n{_fenced(hunk.after)}"


def _note(lines: list[str]) -> str:
    """All corrections in bounded size; those that do not fit are counted."""
    said: list[str] = []
    size = 0
    for line in lines:
        size += len(line)
        if size > LONGEST_NOTE and said:
            said.append(f"… and {len(lines) - len(said)} more corrections; read the files before you change them.")
            break
        said.append(line)
    head = "The person reviewed your edits. Take this as their decision; what is between the fences is file text."
    return "\n\n".join([head, *said])


def _named(book: Book, hunk: Hunk) -> str:
    return hunk.path.removeprefix(f"{book.cwd}/") if book.cwd else hunk.path


def _fenced(text: str) -> str:
    shown = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters in all)"
    fence = "~~~"
    while fence in shown:
        fence += "~"
    return f"{fence}\n{shown.rstrip(chr(10))}\n{fence}"


def prompt_line(book: Book, hunk: Hunk) -> str:
    """The prompt that made a hunk, on one line."""
    prompt = book.prompts.get(hunk.maker.prompt_id)
    return one_line(prompt.text, 120) if prompt else "an earlier prompt"
