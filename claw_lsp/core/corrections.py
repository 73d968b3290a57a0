"""What the model is told of the person's review: what was taken back, changed, applied or dismissed, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.core.book import Book, Prompt
from claw_lsp.core.hunks import Hunk, Ledger
from claw_lsp.core.render import one_line
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Event, Noted
from claw_lsp.facts.reviewed import HunkUndone, ProposalApplied, ProposalDismissed, Reverted
from claw_lsp.facts.text import digest

LONGEST_NOTE = 4000
"""Characters of all corrections told at once."""
LONGEST_TEXT = 600
"""Characters of one text in a correction."""
APPLIED, DISMISSED = "applied", "dismissed"
"""In place of a digest: what became of a proposal."""
BY_HAND = "by hand"
"""In place of a digest: the hunk was taken back."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the person did about the agent's edits that the model does not know: the facts of what they did by hand, which
    nothing says yet, and a note for the next turn, None where there is nothing to tell."""

    by_hand: tuple[Event, ...]
    note: Noted | None


def corrections(book: Book) -> Corrections:
    """What to write before the next turn begins."""
    told: dict[str, str] = {}
    lines: list[str] = []
    by_hand: list[Event] = []
    reverts = [it for files in book.reverts.values() for it in files]
    for id_, files in book.reverts.items():
        if id_ not in book.told:
            told[id_] = BY_HAND
            lines.append(_reverted(book, files))
    for ledger in book.ledgers.values():
        for hunk in ledger.hunks:
            if hunk.maker.prompt_id in book.rewound:
                continue
            if any(not it.gone(ledger.text) for it in ledger.upon(hunk)):
                # What changed there is the work of a later prompt.
                continue
            if hunk.gone(ledger.text):
                by_hand.append(HunkUndone(hunk=hunk.id, path=hunk.path, by_hand=True))
                told[hunk.id] = BY_HAND
                lines.append(_taken_back(book, hunk))
            elif hunk.touched(ledger.text):
                _changed(book, hunk, hunk.now(ledger.text), told, lines)
        for id_, over in ledger.settled.items():
            if over.hunk.maker.prompt_id in book.rewound:
                continue
            if any(it.path == over.hunk.path and it.prompt_id == over.hunk.maker.prompt_id for it in reverts):
                continue
            if over.state == "undone" and book.told.get(id_) != BY_HAND:
                told[id_] = BY_HAND
                lines.append(_taken_back(book, over.hunk))
            elif over.state == "kept" and over.now != over.hunk.base:
                _changed(book, over.hunk, over.now, told, lines)
    for ledger in book.proposals.ledgers.values():
        by_hand += _answers(book, ledger, told, lines)
    note = Noted(text=_note(lines), hunks=told) if told else None
    return Corrections(tuple(by_hand), note)


def _answers(book: Book, ledger: Ledger, told: dict[str, str], lines: list[str]) -> list[Event]:
    """What became of the proposals in a document; the facts of those that were answered by hand."""
    by_hand: list[Event] = []
    proposed = [it for it in ledger.open if it.kind != "contested"]
    applied = [it.hunk for it in ledger.settled.values() if it.state == "undone"]
    dismissed = [it.hunk for it in ledger.settled.values() if it.state == "kept"]
    for hunk in ledger.hunks:
        if hunk.gone(ledger.text):
            made = hunk.now(ledger.text) == hunk.unmade
            fact = ProposalApplied if made else ProposalDismissed
            by_hand.append(fact(hunk=hunk.id, path=hunk.path, by_hand=True))
            (applied if made else dismissed).append(hunk)
    applied, dismissed = ([it for it in some if it.id not in book.told] for some in (applied, dismissed))
    told.update({it.id: APPLIED for it in applied} | {it.id: DISMISSED for it in dismissed})
    contested = [it for it in applied if it.kind == "contested"]
    applied, dismissed = ([it for it in some if it.kind != "contested"] for some in (applied, dismissed))
    lines += [_taken_back(book, it) for it in contested]
    if applied:
        lines.append(
            f"In {_named(book, applied[0])} what you proposed was applied ({counted(len(applied), 'change')})."
        )
    lines += [_dismissed(book, it) for it in dismissed]
    if proposed and (applied or dismissed):
        lines.append(f"{counted(len(proposed), 'more change')} proposed there still waits for an answer.")
    return by_hand


def _reverted(book: Book, files: Sequence[Reverted]) -> str:
    """One revert, whose hunks are not told one by one."""
    names = ", ".join(_inside(book, it.path) for it in files)
    n_left = sum(len(it.left) for it in files)
    left = f" {counted(n_left, 'place')} there stayed, since later changes stand on it." if n_left else ""
    id_ = files[0].prompt_id
    if id_ in book.reverts:
        prompt = book.prompts.get(book.reverts[id_][0].prompt_id)
        return f"The person put back what you had done in {names} for {_asked(prompt)}.{left}"
    return (
        f"The person took back what you had done in {names} for {_asked(book.prompts.get(id_))}; what was done there later "
        f"was kept.{left} Do not do it again unasked."
    )


def _asked(prompt: Prompt | None) -> str:
    return f"the prompt “{one_line(prompt.text, 120)}”" if prompt else "an earlier prompt"


def _dismissed(book: Book, hunk: Hunk) -> str:
    if not hunk.before:
        return f"In {_named(book, hunk)} the person did not let you take out\n{_fenced(hunk.base)}"
    return f"In {_named(book, hunk)} the person dismissed what you proposed:\n{_fenced(hunk.before)}"


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
    return _inside(book, hunk.path)


def _inside(book: Book, path: str) -> str:
    return path.removeprefix(f"{book.cwd}/") if book.cwd else path


def _fenced(text: str) -> str:
    shown = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters in all)"
    fence = "~~~"
    while fence in shown:
        fence += "~"
    return f"{fence}\n{shown.rstrip(chr(10))}\n{fence}"
