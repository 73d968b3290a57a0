"""What a session proposed and nobody answered yet: changes that are in no file, as its log tells of them.

A proposal is a hunk the other way round: its window holds what is there, `before` is what would stand in its place. So typing
moves it as it moves hunks; applying it is taking it back, dismissing it is keeping what is there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
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
from claw_lsp.facts.checkpoint import Rewound
from claw_lsp.facts.event import CallFinished, Entry, Forked, SessionStarted, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, Left, ProposalApplied, ProposalDismissed, Reverted
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
        """What the agent proposed that waits for an answer in this document."""
        ledger = self.ledgers.get(path)
        return tuple(it for it in ledger.open if it.kind != "contested") if ledger else ()

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
        return {path: len(found) for path in self.ledgers if (found := self.open(path))}

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
    if isinstance(event, Reverted):
        return _reverted(proposals, event, entry.at) if event.left else proposals
    if isinstance(event, Rewound):
        return _rewound(proposals, event, entry.at)
    if isinstance(event, Forked):
        # What was proposed before waits where it was proposed.
        return Proposals(proposals.session)
    if isinstance(event, FileMoved):
        return replace(proposals, ledgers=moved_to(proposals.ledgers, event.path, event.to))
    if isinstance(event, ProposalApplied | ProposalDismissed) and event.path in proposals.ledgers:
        ledger = proposals.ledgers[event.path]
        if isinstance(event, ProposalDismissed):
            return proposals.with_ledger(settled(ledger, event.hunk, "kept"))
        return proposals.with_ledger(undone(ledger, event.hunk) or settled(ledger, event.hunk, "undone"))
    return proposals


def _reverted(proposals: Proposals, event: Reverted, at: float) -> Proposals:
    """With the places that a revert left; those of an earlier one of the same prompt are seen anew."""
    ledger = synced(proposals.ledgers.get(event.path) or Ledger(event.path, event.after), event.after)
    old = {it.id for it in ledger.hunks if it.kind == "contested" and it.maker.prompt_id == event.prompt_id}
    maker = Maker(proposals.session, event.prompt_id, "", event.revert, at)
    return proposals.with_ledger(_contested(_without(ledger, old), event.left, maker))


def _rewound(proposals: Proposals, event: Rewound, at: float) -> Proposals:
    """With the places that a rewind left, which are no other's any more. What prompts only proposed that are taken back goes,
    and with a redo the places that the rewind had left."""
    over = set[str]() if event.redo or event.what == "chat" else set(event.prompts)
    for ledger in proposals.ledgers.values():
        gone = {it.id for it in ledger.hunks if it.maker.prompt_id in over or it.maker.call_id == event.rewind}
        proposals = proposals.with_ledger(_without(ledger, gone)) if gone else proposals
    maker = Maker(proposals.session, event.prompt_id, "", event.id, at)
    for file in event.contested:
        ledger = synced(proposals.ledgers.get(file.path) or Ledger(file.path, file.text), file.text)
        met = {it.id for it in ledger.hunks for one in file.left if it.start <= one.end and one.start <= it.end}
        proposals = proposals.with_ledger(_contested(_without(ledger, met), file.left, maker))
    return proposals


def _contested(ledger: Ledger, left: Iterable[Left], maker: Maker) -> Ledger:
    """With a place for each of these, which lie in the ledger's text."""
    made = [
        Hunk(id_, ledger.path, maker, it.start, it.end, base, (0, len(base)), it.wanted, "contested")
        for number, it in enumerate(left, 1)
        for id_, base in [(hunk_id(maker, ledger.path, number), ledger.text[it.start : it.end])]
    ]
    return replace(ledger, hunks=(*ledger.hunks, *made))


def _without(ledger: Ledger, ids: Container[str]) -> Ledger:
    """What is over without an answer."""
    over = {it.id: Settled(it, "absorbed", it.now(ledger.text)) for it in ledger.hunks if it.id in ids}
    hunks = tuple(it for it in ledger.hunks if it.id not in over)
    return replace(ledger, hunks=hunks, settled={**ledger.settled, **over})


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
    """What the agent proposed and fits, in the order of the text. One that something is in the way of is left out."""
    found: list[Spot] = []
    shift = 0
    for hunk in sorted(ledger.open, key=lambda it: (it.start, it.end)):
        text = would_be(hunk, ledger.text)
        if text is None or hunk.kind == "contested" or (found and found[-1].hunk.end > hunk.start):
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
        n_done = len(done)
        for hunk in reversed(ledger.open):
            if (applied_one := undone(ledger, hunk.id)) is not None:
                ledger = applied_one
                done.append(hunk)
        if len(done) == n_done:
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
    there = spots(ledger)
    grown = [0, *accumulate(len(one.text) - (one.hunk.end - one.hunk.start) for one in there)]
    fitting = {one.hunk.id for one in there}
    others = [one for one in ledger.hunks if one.id not in fitting]
    made: list[Hunk] = []
    over: dict[str, Settled] = {}
    for place in _places(before, there, groups(before, differences(before, it.after)), maker.prompt_id):
        start, end = place.left - grown[place.first], place.right - grown[place.last]
        met = [one.hunk for one in there[place.first : place.last]]
        own = next((one.id for one in met if one.maker.prompt_id == maker.prompt_id), None)
        id_, base = own or hunk_id(maker, it.path, place.number), ledger.text[start:end]
        hunk = Hunk(id_, it.path, maker, start, end, base, (0, len(base)), place.wanted(before), kind)
        met += [one for one in others if one.start <= end and start <= one.end]
        over |= {one.id: Settled(one, "absorbed", base, id_) for one in met}
        if base == hunk.before:
            # What had been proposed was taken back by the agent itself.
            over[id_] = Settled(hunk, "absorbed", base)
        else:
            made.append(hunk)
    kept = tuple(one for one in ledger.hunks if one.id not in over)
    again = {one.id for one in made}
    gone = {id_: one for id_, one in over.items() if id_ not in again}
    return replace(ledger, hunks=(*kept, *made), settled={**ledger.settled, **gone})


@dataclass(slots=True)
class _Place:
    """A span of the text with the proposals that is to change, by these edits: it takes the place of the proposals from
    `first` up to `last`. `number` is that of its first group."""

    number: int
    left: int
    right: int
    first: int
    last: int
    edits: tuple[TextEdit, ...]

    def wanted(self, text: str) -> str:
        edits = tuple(TextEdit(it.start - self.left, it.end - self.left, it.new) for it in self.edits)
        return applied(text[self.left : self.right], edits)


def _places(text: str, there: tuple[Spot, ...], changes: list[tuple[TextEdit, ...]], prompt_id: str) -> list[_Place]:
    """Where the text changes, in order: with the proposals that are touched there, and those of the same prompt beside."""
    starts = [it.start for it in there]
    found: list[_Place] = []
    for number, edits in enumerate(changes, 1):
        first = bisect_left(starts, edits[0].start)
        place = _Place(number, edits[0].start, edits[-1].end, first, first, edits)
        while place.first and _meets(text, there[place.first - 1], place, prompt_id):
            place.first -= 1
            place.left, place.right = _with(place, there[place.first])
        while place.last < len(there) and _meets(text, there[place.last], place, prompt_id):
            place.left, place.right = _with(place, there[place.last])
            place.last += 1
        before = found[-1] if found else None
        if before is not None and near(text, before.left, before.right, place.left, place.right):
            before.left, before.right = min(before.left, place.left), max(before.right, place.right)
            before.last, before.edits = max(before.last, place.last), before.edits + edits
        else:
            found.append(place)
    return found


def _meets(text: str, it: Spot, place: _Place, prompt_id: str) -> bool:
    touched = it.start <= place.right and place.left <= it.end
    mine = it.hunk.maker.prompt_id == prompt_id
    return touched or (mine and near(text, it.start, it.end, place.left, place.right))


def _with(place: _Place, it: Spot) -> tuple[int, int]:
    return min(place.left, it.start), max(place.right, it.end)


def _emptied(ledger: Ledger) -> Ledger:
    return _without(ledger, {it.id for it in ledger.hunks})
