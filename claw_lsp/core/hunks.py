"""The hunks of one document: what one session's edits made of it, where that stands now, and how it is taken back.

A hunk is a window of the text. Every edit of somebody else's follows it; one that reaches into it makes it grow, so that
the window always holds what it was (`base`) and what it would be without the agent's part of it (`unmade`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from typing import Literal

from claw_lsp.core.difference import differences
from claw_lsp.core.merge import merged, minimal_edits
from claw_lsp.facts.text import TextEdit, applied

HunkState = Literal["open", "conflict", "kept", "undone", "absorbed", "applied", "dismissed"]
"""`conflict`: open, and not to be taken back now: somebody changed the same words, or a later hunk stands on it. `absorbed`: it
became part of another hunk of the same prompt."""
HunkKind = Literal["made", "proposed", "created", "contested"]
"""`proposed`: the other way round, see core/proposals.py; `created`: the proposal of a file that is not there; `contested`:
a place that a revert left, proposed to the person by nobody but the revert."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made a hunk: the call, and the prompt and run it belongs to; `at` in Unix seconds."""

    session: str
    prompt_id: str
    run: str
    call_id: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change of the agent's, `text[start:end]` of the document.

    `base` is what the window held when only the agent had been in it; `core` is the agent's part of `base`, and `before`
    what stood in its place. Invariant: `base[core]` differs from `before`. `right_of` are hunks that stood left of this one
    before nothing was left between them: of an empty window at the border of another nobody could tell.
    """

    id: str
    path: str
    maker: Maker
    start: int
    end: int
    base: str
    core: tuple[int, int]
    before: str
    kind: HunkKind = "made"
    right_of: frozenset[str] = frozenset()

    @property
    def after(self) -> str:
        """What the agent wrote."""
        return self.base[self.core[0] : self.core[1]]

    @property
    def unmade(self) -> str:
        """The window without the agent's part."""
        return self.base[: self.core[0]] + self.before + self.base[self.core[1] :]

    def now(self, text: str) -> str:
        return text[self.start : self.end]

    def touched(self, text: str) -> bool:
        """Whether somebody changed what the agent left."""
        return self.now(text) != self.base

    def gone(self, text: str) -> bool:
        """Whether there is nothing left to review: the person took it back, or out together with what is around it."""
        now = self.now(text)
        return now == self.unmade or (not now and len(self.base) > self.core[1] - self.core[0])


@dataclass(frozen=True, slots=True)
class Settled:
    """A hunk that is over. `now` is what its place held then; `into` the hunk that absorbed it."""

    hunk: Hunk
    state: HunkState
    now: str
    into: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The hunks of one session in one document whose text is `text`, the oldest first."""

    path: str
    text: str
    hunks: tuple[Hunk, ...] = ()
    settled: Mapping[str, Settled] = field(default_factory=dict[str, Settled])

    @property
    def open(self) -> tuple[Hunk, ...]:
        """What is there to review, the oldest first."""
        return tuple(it for it in self.hunks if not it.gone(self.text))

    def upon(self, hunk: Hunk) -> tuple[Hunk, ...]:
        """The later hunks that stand on this one: it can be taken back once they are."""
        # This is asked of every hunk whenever something is typed: most stand far away, and are not looked at.
        near_by = [it for it in self.hunks if it.start <= hunk.end and hunk.start <= it.end]
        return tuple(it for it in near_by[near_by.index(hunk) + 1 :] if stands_on(it, hunk, self.text))

    def state(self, hunk: Hunk) -> HunkState:
        """Whether an open hunk can be taken back by itself now."""
        return "conflict" if self.upon(hunk) or inverse(hunk, self.text) is None else "open"

    def find(self, id_: str) -> Hunk | None:
        """The open hunk of this id, or the one it became part of."""
        while (over := self.settled.get(id_)) is not None and over.into:
            id_ = over.into
        return next((it for it in self.open if it.id == id_), None)


def hunk_id(maker: Maker, path: str, number: int) -> str:
    """The same id whenever the log is read again."""
    named = "\0".join((maker.session, maker.call_id, path, str(number)))
    return "h" + blake2b(named.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def stands_on(later: Hunk, hunk: Hunk, text: str) -> bool:
    """Whether a later hunk changed what this one had left: its own `before` may hold words of the earlier one. One inside of
    it did so even where still later ones made the text what it was."""
    if hunk.touched(text):
        return later.start <= hunk.end and hunk.start <= later.end
    return hunk.start < later.start and later.end < hunk.end and not later.gone(text)


def moved_to(ledgers: Mapping[str, Ledger], path: str, to: str) -> Mapping[str, Ledger]:
    """Ledgers by path once a file has another name."""
    ledger = ledgers.get(path)
    if ledger is None:
        return ledgers
    here = replace(ledger, path=to, hunks=tuple(replace(it, path=to) for it in ledger.hunks))
    return {**{key: it for key, it in ledgers.items() if key != path}, to: here}


# ---- what others do ---------------------------------------------------------------------------------------------------


def followed(ledger: Ledger, edits: tuple[TextEdit, ...]) -> Ledger:
    """The ledger after edits of the person's, or of another session."""
    return _after(ledger, edits, typed=True)


def synced(ledger: Ledger, text: str) -> Ledger:
    """The ledger for a text that became what it is unseen."""
    return ledger if text == ledger.text else followed(ledger, differences(ledger.text, text))


def overtaken(ledger: Ledger, edits: tuple[TextEdit, ...]) -> Ledger:
    """As `followed`, where nothing is over: what was taken out may come back."""
    return _after(ledger, edits, typed=False)


def _after(ledger: Ledger, edits: tuple[TextEdit, ...], *, typed: bool, of: Hunk | None = None) -> Ledger:
    """`of` is the hunk whose taking back these edits are."""
    for edit in reversed(edits):
        ledger = _after_one(ledger, edit, typed=typed, of=of)
    return ledger


def _after_one(ledger: Ledger, edit: TextEdit, *, typed: bool, of: Hunk | None = None) -> Ledger:
    steps = _steps(ledger.text, edit)
    text = ledger.text[: edit.start] + edit.new + ledger.text[edit.end :]
    kept: list[tuple[Hunk, Hunk]] = []
    settled = dict(ledger.settled)
    for hunk in ledger.hunks:
        if hunk.end < edit.start:
            kept.append((hunk, hunk))
            continue
        beside = not typed and not _overlap(edit, hunk, of)
        moved = _shifted(hunk, edit, of) if beside else _moved(hunk, edit, steps, ledger.text)
        if moved.end - moved.start == hunk.end - hunk.start and moved.now(text) == hunk.now(ledger.text):
            kept.append((hunk, moved))
        elif typed and hunk.gone(ledger.text) and moved.touched(text) and not moved.gone(text):
            # It had been taken back by hand, and what is typed there now is the person's alone.
            settled[hunk.id] = Settled(hunk, "undone", hunk.now(ledger.text))
        else:
            kept.append((hunk, moved if moved.touched(text) else _shrunk(moved)))
    return replace(ledger, text=text, hunks=_in_order(kept, edit.start, edit.start + len(edit.new)), settled=settled)


def _overlap(edit: TextEdit, hunk: Hunk, of: Hunk | None) -> bool:
    """Whether an edit does more than replace what stands beside the window, or put something back beside it."""
    if edit.start == edit.end:
        return of is None or not (_is_left(of, hunk, edit.start) or _is_left(hunk, of, edit.start))
    return edit.start < hunk.end and hunk.start < edit.end


def _is_left(one: Hunk, other: Hunk, at: int) -> bool:
    """Whether it is known that one stands left of the other, and both meet there."""
    return one.id in other.right_of and one.end == at == other.start


def _shifted(hunk: Hunk, edit: TextEdit, of: Hunk | None) -> Hunk:
    """The window behind an edit beside it; where the edit begins at its end, or is of a hunk right of it, it stays."""
    if hunk.start < edit.end or (of and hunk.id in of.right_of):
        return hunk
    shift = len(edit.new) - (edit.end - edit.start)
    return replace(hunk, start=hunk.start + shift, end=hunk.end + shift) if shift else hunk


def _in_order(moved: list[tuple[Hunk, Hunk]], start: int, end: int) -> tuple[Hunk, ...]:
    """The hunks after an edit of which this span is left, each with where it was. Where two meet there now, and one of them is
    empty, it is kept which was left."""
    empty = [it for it in moved if start <= it[1].start == it[1].end <= end]
    left: dict[str, set[str]] = {}
    for one, other in ((one, other) for one in empty for other in moved if one is not other):
        for (was, now), (was_other, now_other) in ((one, other), (other, one)):
            # One whose place is the border of another may as well be inside of it.
            both = _fills(was, at_border=was.core[1] == len(was.base)) and _fills(
                was_other, at_border=was_other.core[0] == 0
            )
            if was.end < was_other.start + both and now.end == now_other.start and now.id not in now_other.right_of:
                left.setdefault(now_other.id, set()).add(now.id)
    return tuple(replace(it, right_of=it.right_of | left[it.id]) if it.id in left else it for _, it in moved)


def _fills(hunk: Hunk, *, at_border: bool) -> bool:
    """Whether there is something at the border of its window that is its own, or was around it."""
    return hunk.start < hunk.end and not (at_border and hunk.base and hunk.core[0] == hunk.core[1])


def _steps(text: str, edit: TextEdit) -> list[tuple[TextEdit, str]]:
    """The edit in its smallest parts, the last first, each with the text it is made in: a client may send whole lines
    again of which it changed a word."""
    old = text[edit.start : edit.end]
    small = differences(old, edit.new) if old and edit.new else (TextEdit(0, len(old), edit.new),)
    steps: list[tuple[TextEdit, str]] = []
    for it in reversed(small):
        part = TextEdit(edit.start + it.start, edit.start + it.end, it.new)
        steps.append((part, text))
        text = text[: part.start] + part.new + text[part.end :]
    return steps


def _moved(hunk: Hunk, edit: TextEdit, steps: list[tuple[TextEdit, str]], text: str) -> Hunk:
    if hunk.start <= edit.start and edit.end <= hunk.end and _reaches(edit, hunk, text):
        return _grown(hunk, edit, text)
    for part, before in steps:
        if _reaches(part, hunk, before):
            hunk = _grown(hunk, part, before)
        elif hunk.end > part.start and (shift := len(part.new) - (part.end - part.start)):
            hunk = replace(hunk, start=hunk.start + shift, end=hunk.end + shift)
    return hunk


def _reaches(edit: TextEdit, hunk: Hunk, text: str) -> bool:
    """Whether an edit reaches into the window. What is inserted at the border of an untouched one stands outside; at one
    that was touched already it may put back what was taken out there, and what goes on a word that is to be replaced is
    part of that word."""
    if edit.start == edit.end and (hunk.start == hunk.end or hunk.touched(text) or _goes_on(edit, hunk, text)):
        return hunk.start <= edit.start <= hunk.end
    return edit.start < hunk.end and hunk.start < edit.end


def _goes_on(edit: TextEdit, hunk: Hunk, text: str) -> bool:
    """Whether letters are typed at the border of a proposal's window to letters in it."""
    before, after = edit.new[:1], edit.new[-1:]
    at_end = edit.start == hunk.end and _letter(text[hunk.end - 1 : hunk.end]) and _letter(before)
    at_start = edit.start == hunk.start and _letter(text[hunk.start : hunk.start + 1]) and _letter(after)
    return hunk.kind != "made" and (at_end or at_start)


def _letter(it: str) -> bool:
    return it.isalnum() or it == "_"


def _grown(hunk: Hunk, edit: TextEdit, text: str) -> Hunk:
    left, right = min(hunk.start, edit.start), max(hunk.end, edit.end)
    base = text[left : hunk.start] + hunk.base + text[hunk.end : right]
    shift = hunk.start - left
    end = right + len(edit.new) - (edit.end - edit.start)
    return replace(hunk, start=left, end=end, base=base, core=(hunk.core[0] + shift, hunk.core[1] + shift))


def _shrunk(hunk: Hunk) -> Hunk:
    """The window back to the agent's part, once everything is again as the agent left it."""
    start, end = hunk.core
    return replace(hunk, start=hunk.start + start, end=hunk.start + end, base=hunk.after, core=(0, end - start))


# ---- what the agent does ----------------------------------------------------------------------------------------------


def edited(ledger: Ledger, before: str, after: str, maker: Maker) -> Ledger:
    """The ledger after an edit of the agent's that made `before` into `after`.

    Changes of neighbouring lines are one hunk. Where one comes beside an untouched hunk of the same prompt it becomes part
    of that; hunks of other prompts stand below it, and wait until it is taken back or decide word by word.
    """
    ledger = synced(ledger, before)
    for number, edits in reversed(list(enumerate(groups(before, differences(before, after)), 1))):
        ledger = _made(ledger, edits, hunk_id(maker, ledger.path, number), maker)
    return ledger


def _made(ledger: Ledger, edits: tuple[TextEdit, ...], id_: str, maker: Maker) -> Ledger:
    start, end = edits[0].start, edits[-1].end
    met = _met(ledger, start, end, maker.prompt_id)
    left, right = min([start, *(it.start for it in met)]), max([end, *(it.end for it in met)])
    after = applied(ledger.text[left:right], tuple(TextEdit(it.start - left, it.end - left, it.new) for it in edits))
    oldest = min(met, key=ledger.hunks.index) if met else None
    # What the prompt did here before is taken back first: the new hunk is all of it at once.
    ledger = replace(ledger, hunks=tuple(it for it in ledger.hunks if it not in met))
    for it in reversed(met):
        ledger = _after_one(ledger, TextEdit(it.start, it.end, it.before), typed=False, of=it)
    right += sum(len(it.before) - (it.end - it.start) for it in met)
    before = ledger.text[left:right]
    hunk = Hunk(
        oldest.id if oldest else id_, ledger.path, maker, left, left + len(after), after, (0, len(after)), before
    )
    if oldest:
        absorbed = [*(it for it in met if it is not oldest), replace(hunk, id=id_)]
        over = {it.id: Settled(it, "absorbed", it.base, oldest.id) for it in absorbed}
        ledger = replace(ledger, settled={**ledger.settled, **over})
    whole = TextEdit(left, right, before)
    below = {it.id for it in ledger.hunks if _meets(whole, it, ledger.text)}
    hunk = replace(hunk, right_of=(oldest.right_of if oldest else frozenset[str]()) - below)
    grown = tuple(_below(it, hunk, whole, ledger.text) if it.id in below else it for it in ledger.hunks)
    ledger = _after_one(replace(ledger, hunks=grown), TextEdit(left, right, after), typed=False)
    if before == after:
        return ledger
    moved = [
        *zip(grown, ledger.hunks, strict=True),
        (replace(hunk, end=right, base=before, core=(0, len(before))), hunk),
    ]
    return replace(ledger, hunks=_in_order(moved, hunk.start, hunk.end))


def _below(older: Hunk, hunk: Hunk, edit: TextEdit, text: str) -> Hunk:
    """A hunk once another's edit reaches into its window: it holds all of it, and is right of it no more."""
    return replace(_grown(older, edit, text), right_of=older.right_of - {hunk.id})


def _meets(edit: TextEdit, hunk: Hunk, text: str) -> bool:
    """Whether an edit reaches into the window, or an empty one stands at its border."""
    return _reaches(edit, hunk, text) or hunk.start == hunk.end in (edit.start, edit.end)


def _met(ledger: Ledger, start: int, end: int, prompt_id: str) -> tuple[Hunk, ...]:
    """The hunks of a prompt on the lines of a span or beside them that nobody touched, in the order of the text; none
    overlaps another."""
    mine = [it for it in ledger.hunks if it.maker.prompt_id == prompt_id]
    found = [it for it in mine if near(ledger.text, it.start, it.end, start, end)]
    met: list[Hunk] = []
    for hunk in sorted(found, key=lambda it: (it.start, it.end)):
        if not hunk.touched(ledger.text) and (not met or met[-1].end <= hunk.start):
            met.append(hunk)
    return tuple(met)


def groups(before: str, edits: tuple[TextEdit, ...]) -> list[tuple[TextEdit, ...]]:
    """The edits of neighbouring lines together; a line that stays as it was parts them."""
    found: list[list[TextEdit]] = []
    for edit in edits:
        if found and _neighbours(before, found[-1][-1].end, edit.start):
            found[-1].append(edit)
        else:
            found.append([edit])
    return [tuple(it) for it in found]


def near(text: str, start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans meet, or lie on the same or neighbouring lines."""
    first, second = (end, other_start) if start <= other_start else (other_end, start)
    return first >= second or _neighbours(text, first, second)


def _neighbours(text: str, end: int, start: int) -> bool:
    n_ends = sum(1 for _ in islice(_LINE_END.finditer(text, end, start), 2))
    return n_ends + (text[end - 1 : end] in ("\n", "\r")) < 2


# ---- what the person decides ------------------------------------------------------------------------------------------


def inverse(hunk: Hunk, text: str) -> tuple[TextEdit, ...] | None:
    """The edits that take a hunk back. What somebody else wrote in it stays; None where that is in its way."""
    now = hunk.now(text)
    if now == hunk.base:
        start, end = hunk.core
        return (TextEdit(hunk.start + start, hunk.start + end, hunk.before),)
    if hunk.gone(text):
        return ()
    wanted = _without(hunk, now)
    if wanted is None:
        return None
    return tuple(TextEdit(hunk.start + it.start, hunk.start + it.end, it.new) for it in minimal_edits(now, wanted))


def _without(hunk: Hunk, now: str) -> str | None:
    """The window without the agent's part and with everything the person did."""
    wanted = merged(hunk.base, hunk.unmade, now)
    if hunk.kind != "made":
        return _inserted(hunk, now) if wanted is None else wanted
    if wanted is not None or hunk.after != hunk.base:
        return wanted
    if not hunk.base:
        # The agent only took something out, and the person wrote in that place: both can stand there.
        return hunk.before + now
    only_taken_out = all(not it.new for it in differences(hunk.base, now))
    return hunk.before if only_taken_out else None


def _inserted(hunk: Hunk, now: str) -> str | None:
    """Whole lines that are proposed where the person wrote, with what they wrote; None where that is no place for both."""
    if hunk.base or hunk.kind == "created":
        return None
    if hunk.before.endswith(("\n", "\r")):
        return hunk.before + now
    return now + hunk.before if hunk.before.startswith(("\n", "\r")) else None


def undone(ledger: Ledger, id_: str) -> Ledger | None:
    """The ledger and its text with one hunk taken back; None where it cannot be. Unknown ids change nothing."""
    hunk = next((it for it in ledger.hunks if it.id == id_), None)
    if hunk is None:
        return ledger
    edits = inverse(hunk, ledger.text)
    if edits is None or ledger.upon(hunk):
        return None
    return _after(settled(ledger, id_, "undone"), edits, typed=False, of=hunk)


def settled(ledger: Ledger, id_: str, how: Literal["kept", "undone"]) -> Ledger:
    """The ledger without a hunk that is over; the text stays as it is. What is kept is kept with all it stands on."""
    hunk = next((it for it in ledger.hunks if it.id == id_), None)
    if hunk is None:
        return ledger
    over = {id_: Settled(hunk, how, hunk.now(ledger.text))}
    if how == "kept":
        over |= {it.id: Settled(it, how, it.base) for it in ledger.hunks if hunk in ledger.upon(it)}
    hunks = tuple(it for it in ledger.hunks if it.id not in over)
    return replace(ledger, hunks=hunks, settled={**ledger.settled, **over})


_LINE_END = re.compile(r"\r\n?|\n")
