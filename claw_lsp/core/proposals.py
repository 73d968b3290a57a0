"""What a session proposed and nobody answered yet: changes that are in no file, as its log tells of them.

A proposal is a hunk the other way round: its window holds what is there, `before` is what would stand in its place. So typing
moves it as it moves hunks; applying it is taking it back, dismissing it is keeping what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from claw_lsp.core.difference import differences
from claw_lsp.core.hunks import (
    Hunk,
    HunkState,
    Ledger,
    Maker,
    Settled,
    groups,
    hunk_id,
    inverse,
    moved_to,
    near,
    settled,
    synced,
    undone,
)
from claw_lsp.facts.call import Edited
from claw_lsp.facts.event import (
    CallFinished,
    Entry,
    FileMoved,
    ProposalApplied,
    ProposalDismissed,
    SessionStarted,
    UserSpoke,
)
from claw_lsp.facts.text import TextEdit, applied


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a session proposed, after some entries: a ledger for each document, of the text that is really there.

    Invariant: the windows of one ledger do not meet, as long as only the agent made them.
    """

    session: str = ""
    prompt_id: str = ""
    run: str = ""
    ledgers: Mapping[str, Ledger] = field(default_factory=dict[str, Ledger])

    def open(self, path: str) -> tuple[Hunk, ...]:
        """What waits for an answer in this document."""
        ledger = self.ledgers.get(path)
        return ledger.open if ledger else ()

    def over(self, id_: str) -> HunkState | None:
        """How a proposal ended that does not wait any more; None for an unknown one."""
        for ledger in self.ledgers.values():
            if id_ in ledger.settled:
                return _ENDS[ledger.settled[id_].state]
            if any(it.id == id_ for it in ledger.hunks):
                return "applied"
        return None

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many proposals wait for an answer, by document."""
        return {path: len(it.open) for path, it in self.ledgers.items() if it.open}

    def creates(self, path: str) -> bool:
        """Whether it is proposed to make this file."""
        return any(it.kind == "created" for it in self.open(path))

    def text(self, path: str, beneath: str) -> str:
        """The document as its session sees it: what is really there, with what was proposed."""
        ledger = self.ledgers.get(path)
        return beneath if ledger is None else overlaid(synced(ledger, beneath))

    def with_ledger(self, ledger: Ledger) -> Proposals:
        return replace(self, ledgers={**self.ledgers, ledger.path: ledger})

    def without(self, path: str) -> Proposals:
        return replace(self, ledgers={key: it for key, it in self.ledgers.items() if key != path})


_ENDS: Mapping[HunkState, HunkState] = {"undone": "applied", "kept": "dismissed", "absorbed": "absorbed"}
"""What the ends of hunks mean the other way round."""


def folded(entries: Iterable[Entry]) -> Proposals:
    """What these entries add up to."""
    proposals = Proposals()
    for entry in entries:
        proposals = after(proposals, entry)
    return proposals


def after(proposals: Proposals, entry: Entry) -> Proposals:
    """What is proposed once this happened too."""
    event = entry.event
    if isinstance(event, SessionStarted):
        return replace(proposals, session=event.session)
    if isinstance(event, UserSpoke):
        return replace(proposals, prompt_id=event.prompt_id, run=event.run)
    if isinstance(event, CallFinished):
        maker = Maker(proposals.session, proposals.prompt_id, proposals.run, event.call_id, entry.at)
        for it in event.result.edited:
            if it.proposed:
                proposals = proposals.with_ledger(proposed(_ledger(proposals, it), it, maker))
        return proposals
    if isinstance(event, FileMoved):
        return replace(proposals, ledgers=moved_to(proposals.ledgers, event.path, event.to))
    if isinstance(event, ProposalApplied | ProposalDismissed) and event.path in proposals.ledgers:
        ledger = proposals.ledgers[event.path]
        if isinstance(event, ProposalDismissed):
            return proposals.with_ledger(settled(ledger, event.hunk, "kept"))
        return proposals.with_ledger(undone(ledger, event.hunk) or settled(ledger, event.hunk, "undone"))
    return proposals


def _ledger(proposals: Proposals, it: Edited) -> Ledger:
    return proposals.ledgers.get(it.path) or Ledger(it.path, it.beneath)


# ---- the text with the proposals --------------------------------------------------------------------------------------


class Spot(NamedTuple):
    """Where a proposal that fits stands in the text with all of them, and what stands there."""

    hunk: Hunk
    start: int
    end: int
    text: str


def overlaid(ledger: Ledger) -> str:
    """The ledger's text with every proposal that fits."""
    edits = tuple(TextEdit(it.hunk.start, it.hunk.end, it.text) for it in spots(ledger))
    return applied(ledger.text, edits)


def spots(ledger: Ledger) -> tuple[Spot, ...]:
    """The proposals that fit, in the order of the text. One that something is in the way of is left out."""
    found: list[Spot] = []
    shift = 0
    for hunk in sorted(ledger.open, key=lambda it: (it.start, it.end)):
        text = would_be(hunk, ledger.text)
        if text is None or (found and found[-1].hunk.end > hunk.start):
            continue
        found.append(Spot(hunk, hunk.start + shift, hunk.start + shift + len(text), text))
        shift += len(text) - (hunk.end - hunk.start)
    return tuple(found)


def would_be(hunk: Hunk, text: str) -> str | None:
    """What the window of a proposal would hold once it is applied; None where something is in the way."""
    edits = inverse(hunk, text)
    if edits is None:
        return None
    return applied(hunk.now(text), tuple(TextEdit(it.start - hunk.start, it.end - hunk.start, it.new) for it in edits))


def all_applied(ledger: Ledger) -> tuple[Ledger, tuple[Hunk, ...]]:
    """The ledger and its text with every proposal applied that can be, and which those are; the newest go first."""
    done: list[Hunk] = []
    while True:
        for hunk in reversed(ledger.open):
            if (applied_one := undone(ledger, hunk.id)) is not None:
                ledger = applied_one
                done.append(hunk)
                break
        else:
            return ledger, tuple(done)


# ---- what the agent does ----------------------------------------------------------------------------------------------


def proposed(ledger: Ledger, it: Edited, maker: Maker) -> Ledger:
    """The ledger after the agent proposed to make `it.before`, the text with what was proposed, into `it.after`.

    Changes of neighbouring lines are one proposal, and what touches an earlier one takes its place, whichever prompt
    made that. In the end the text with all of them is `it.after`.
    """
    ledger = synced(ledger, it.beneath)
    kind = "created" if it.created or any(one.kind == "created" for one in ledger.open) else "proposed"
    before = it.before
    if overlaid(ledger) != before:
        # Read again from a log, the windows lie where a comparison of texts puts them, which may be another place.
        ledger, before = _emptied(ledger), it.beneath
    for number, edits in reversed(list(enumerate(groups(before, differences(before, it.after)), 1))):
        id_ = hunk_id(maker, it.path, number)
        ledger = _with_one(ledger, edits, Hunk(id_, it.path, maker, 0, 0, "", (0, 0), "", kind))
    return ledger


def _with_one(ledger: Ledger, edits: tuple[TextEdit, ...], new: Hunk) -> Ledger:
    """The ledger with one more proposal, which makes these edits of the text with all that are there."""
    text, there = overlaid(ledger), spots(ledger)
    met, left, right = _met(text, there, (edits[0].start, edits[-1].end), new.maker.prompt_id)
    wanted = applied(text[left:right], tuple(TextEdit(it.start - left, it.end - left, it.new) for it in edits))
    start = left - sum(map(_grown_by, (it for it in there if it.end < left)))
    end = right - sum(map(_grown_by, (it for it in there if it.start <= right)))
    over = [it for it in ledger.hunks if it.start <= end and start <= it.end]
    own = next((it for it in over if it in met and it.maker.prompt_id == new.maker.prompt_id), None)
    base = ledger.text[start:end]
    hunk = replace(
        new, id=own.id if own else new.id, start=start, end=end, base=base, core=(0, len(base)), before=wanted
    )
    absorbed = [*(it for it in over if it is not own), *([replace(hunk, id=new.id)] if own else [])]
    settled_ = {it.id: Settled(it, "absorbed", base, hunk.id) for it in absorbed}
    left_over = tuple(it for it in ledger.hunks if it not in over)
    if base == wanted:
        # What had been proposed was taken back by the agent itself.
        settled_[hunk.id] = Settled(hunk, "absorbed", base)
        return replace(ledger, hunks=left_over, settled={**ledger.settled, **settled_})
    return replace(ledger, hunks=(*left_over, hunk), settled={**ledger.settled, **settled_})


def _met(text: str, there: tuple[Spot, ...], span: tuple[int, int], prompt_id: str) -> tuple[list[Hunk], int, int]:
    """The proposals that an edit of this span touches, and those of its own prompt beside it; and the span of them all."""
    left, right = span
    met: list[Spot] = []

    def touched(it: Spot) -> bool:
        mine = it.hunk.maker.prompt_id == prompt_id
        return (it.start <= right and left <= it.end) or (mine and near(text, it.start, it.end, left, right))

    while more := [it for it in there if it not in met and touched(it)]:
        met += more
        left, right = min(left, *(it.start for it in more)), max(right, *(it.end for it in more))
    return [it.hunk for it in met], left, right


def _grown_by(it: Spot) -> int:
    return len(it.text) - (it.hunk.end - it.hunk.start)


def _emptied(ledger: Ledger) -> Ledger:
    over = {it.id: Settled(it, "absorbed", it.now(ledger.text)) for it in ledger.hunks}
    return replace(ledger, hunks=(), settled={**ledger.settled, **over})
