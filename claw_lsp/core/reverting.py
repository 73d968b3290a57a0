"""One earlier prompt taken back: what it changed is found in the log, followed through everything that came later, and
taken out of the texts as they are now.

A trace is a ledger (core/hunks.py) with the hunks of that prompt alone, whether they were kept or not: to it every other
edit is somebody else's. So what later prompts and the person wrote stays, and what they wrote over is a conflict.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from claw_lsp.core import proposals
from claw_lsp.core.difference import differences
from claw_lsp.core.hunks import Hunk, Ledger, Maker, edited, inverse, moved_to, overtaken, settled, synced, undone
from claw_lsp.core.merge import merged
from claw_lsp.core.proposals import Proposals
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, Event, TurnEnded, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, HunkUndone, Left, ProposalApplied, Reverted
from claw_lsp.facts.text import TextEdit


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a file that the log tells of: the prompt or the revert it belongs to, and the call that made it.
    `taken_back` is what a revert took back, `edits` are how, one after the other: no comparison of the texts would tell."""

    path: str
    before: str
    after: str
    prompt_id: str
    call_id: str
    created: bool = False
    taken_back: str = ""
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What a prompt did to one file, in its text as the log last knew it. `created`: the prompt made the file. `past` are the
    ledgers of the texts there were since the prompt last wrote."""

    ledger: Ledger
    created: bool = False
    past: Mapping[str, Ledger] = field(default_factory=dict[str, Ledger])


@dataclass(frozen=True, slots=True)
class Reverting:
    """A file without a prompt: its text then, the edits that lead there, one after the other, and the places where somebody
    changed what the prompt had left."""

    text: str
    edits: tuple[TextEdit, ...]
    left: tuple[Left, ...]


def traced(
    entries: Iterable[Entry], prompt_id: str, ran: Mapping[str, Sequence[Step | None]] = MappingProxyType({})
) -> Mapping[str, Trace]:
    """What a prompt (or a revert) did, by the names that its files have now; files that it did not touch are not there.
    `ran` is what its commands did to a file, in order, with None where an edit in the log stands between."""
    traces: dict[str, Trace] = {}
    session = run = ""
    steps = _Steps(prompt_id, ran)
    for entry in entries:
        event = entry.event
        if isinstance(event, UserSpoke):
            session, run = steps.known.session, event.run
        if isinstance(event, FileMoved):
            traces = {it.ledger.path: it for it in _renamed(traces, event)}
        if isinstance(event, HunkUndone) and (trace := traces.get(event.path)) is not None:
            ledger = undone(trace.ledger, event.hunk) or settled(trace.ledger, event.hunk, "undone")
            traces[event.path] = Trace(ledger, trace.created)
        for step in steps.of(entry):
            trace = traces.get(step.path)
            if step.prompt_id in steps.names:
                trace = trace or Trace(Ledger(step.path, step.before))
                maker = Maker(session, prompt_id, run, step.call_id, entry.at)
                ledger = edited(_at(trace, step.before), step.before, step.after, maker)
                traces[step.path] = Trace(ledger, trace.created or step.created)
            elif trace is not None:
                traces[step.path] = _passed(trace, step, steps.names)
    return traces


def _passed(trace: Trace, step: Step, names: Container[str]) -> Trace:
    """The trace behind a step of somebody else's, or behind a revert of what is traced."""
    ledger = _at(trace, step.before)
    if step.taken_back in names:
        without, _ = _without(ledger)
        # The person may bring back by hand what was there.
        past = {ledger.text: ledger}
        return Trace(_at(Trace(without), step.after), trace.created, past)
    there = ledger
    for edit in step.edits:
        there = overtaken(there, (edit,))
    there = there if there.text == step.after else ledger
    past = {**trace.past, ledger.text: ledger}
    return Trace(_at(Trace(there, past=past), step.after), trace.created, past)


def _at(trace: Trace, text: str) -> Ledger:
    """The ledger once the text is this one. Where that was the text before, it is as it was then."""
    return trace.past.get(text) or overtaken(trace.ledger, differences(trace.ledger.text, text))


def reverting(trace: Trace, text: str) -> Reverting:
    """What becomes of the file, whose text is `text` now. What somebody else wrote is in it still."""
    ledger, edits = _without(_at(trace, text))
    return Reverting(ledger.text, edits, _apart(ledger))


def _without(ledger: Ledger) -> tuple[Ledger, tuple[TextEdit, ...]]:
    """The ledger with every hunk taken back that can be, and by which edits; the newest go first."""
    done: list[TextEdit] = []
    while (one := next(_one_back(ledger), None)) is not None:
        ledger, edits = one
        done += reversed(edits)
    return ledger, tuple(done)


def _one_back(ledger: Ledger) -> Iterator[tuple[Ledger, tuple[TextEdit, ...]]]:
    """The ledger with one hunk taken back, for each that can be."""
    for hunk in reversed(ledger.open):
        if not _doubtful(hunk, ledger.text) and (after := undone(ledger, hunk.id)) is not None:
            yield after, inverse(hunk, ledger.text) or ()


def _doubtful(hunk: Hunk, text: str) -> bool:
    """Whether somebody took words out that the prompt had put in place of others: perhaps they did not want those either."""
    now = hunk.now(text)
    taken_out = hunk.touched(text) and all(not it.new for it in differences(hunk.base, now))
    return taken_out and hunk.before != "" and merged(hunk.base, hunk.unmade, now) is None


def _apart(ledger: Ledger) -> tuple[Left, ...]:
    """The places that are left, in the order of the text; of those that overlap the widest."""
    found: list[Hunk] = []
    for hunk in sorted(ledger.open, key=lambda it: it.start - it.end):
        if all(hunk.end <= it.start or it.end <= hunk.start for it in found):
            found.append(hunk)
    found.sort(key=lambda it: (it.start, it.end))
    return tuple(Left(start=it.start, end=it.end, wanted=it.unmade) for it in found)


def _renamed(traces: Mapping[str, Trace], event: FileMoved) -> Iterator[Trace]:
    for path, it in traces.items():
        if path != event.path:
            yield it
            continue
        past = {text: _moved(one, event) for text, one in it.past.items()}
        yield Trace(_moved(it.ledger, event), it.created, past)


def _moved(ledger: Ledger, event: FileMoved) -> Ledger:
    return moved_to({event.path: ledger}, event.path, event.to)[event.to]


class _Steps:
    """Reads changes of files out of a log, entry by entry. A proposal is one when it is applied, and not before. `names` are
    the prompt that is looked for and the reverts that put back what it did."""

    def __init__(self, prompt_id: str, ran: Mapping[str, Sequence[Step | None]]) -> None:
        self.known = Proposals()
        self.names = {prompt_id}
        self._prompt_id = prompt_id
        self._ran = {path: list(some) for path, some in ran.items()}
        self._of_reverts: dict[str, str] = {}

    def of(self, entry: Entry) -> tuple[Step, ...]:
        """What this entry changed. Each entry is to be told once, in order."""
        before, self.known = self.known, proposals.after(self.known, entry)
        steps = tuple(self._in(entry.event, before))
        for step in steps:
            if (ledger := self.known.ledgers.get(step.path)) is not None:
                self.known = self.known.with_ledger(synced(ledger, step.after))
        return steps

    def _until_edit(self, left: list[Step | None]) -> Iterator[Step]:
        """What commands did up to the next edit, each told once."""
        while left and (step := left.pop(0)) is not None:
            yield replace(step, prompt_id=self._prompt_id)

    def _in(self, event: Event, before: Proposals) -> Iterator[Step]:
        if isinstance(event, CallFinished):
            for it in (one for one in event.result.edited if not one.proposed):
                if before.prompt_id == self._prompt_id:
                    yield from self._until_edit(self._ran.get(it.path, []))
                yield Step(it.path, it.before, it.after, before.prompt_id, event.call_id, it.created)
        elif isinstance(event, TurnEnded) and before.prompt_id == self._prompt_id:
            for left in self._ran.values():
                while left:
                    yield from self._until_edit(left)
        elif isinstance(event, Reverted):
            self._of_reverts[event.revert] = event.prompt_id
            if self._of_reverts.get(event.prompt_id) in self.names:
                self.names.add(event.revert)
            of = event.revert
            edits = tuple(TextEdit(*it) for it in event.edits)
            yield Step(event.path, event.before, event.after, of, of, taken_back=event.prompt_id, edits=edits)
        elif isinstance(event, ProposalApplied) and (ledger := before.ledgers.get(event.path)) is not None:
            hunk = next((it for it in ledger.hunks if it.id == event.hunk), None)
            made = undone(ledger, event.hunk)
            if hunk is not None and made is not None:
                created = hunk.kind == "created"
                yield Step(event.path, ledger.text, made.text, hunk.maker.prompt_id, hunk.maker.call_id, created)


def commands_run(entries: Iterable[Entry], prompt_id: str) -> tuple[str, ...]:
    """The titles of the commands that a prompt ran: what they did to files stands in no log."""
    owner = ""
    found: list[str] = []
    for event in (it.event for it in entries):
        if isinstance(event, UserSpoke):
            owner = event.prompt_id
        elif (
            isinstance(event, CallJudged) and event.decision == "allow" and event.reach == "run" and owner == prompt_id
        ):
            found.append(event.title)
    return tuple(dict.fromkeys(found))
