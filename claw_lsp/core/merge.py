"""Two changes to one text at once: three-way merge, small edits, and where an offset goes when others edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

from claw_lsp.core.difference import character_differences, differences, words
from claw_lsp.facts.text import TextEdit, applied


def merged(base: str, ours: str, theirs: str) -> str | None:
    """The text with both changes in it; None when they touch the same words or insert at the same place."""
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    edits = _united(base, differences(base, ours), differences(base, theirs))
    return None if edits is None else applied(base, edits)


def sided(base: str, ours: str, theirs: str) -> tuple[str, str]:
    """The text with both changes in it, twice: lines where they are in each other's way are once as theirs, and once as ours
    has them. Both are what `merged` gives, where it gives a text.
    """
    mine, other = frozenset(differences(base, ours)), frozenset(differences(base, theirs))
    for_theirs: list[TextEdit] = []
    for_ours: list[TextEdit] = []
    for edits in _clusters(base, mine, other):
        apart = not (edits <= mine or edits <= other)
        for_theirs += sorted(edits & other if apart else edits, key=_place)
        for_ours += sorted(edits & mine if apart else edits, key=_place)
    return applied(base, tuple(for_theirs)), applied(base, tuple(for_ours))


def regained(base: str, ours: str, theirs: str) -> str:
    """The text with both changes in it, character by character, even where they are in each other's way.

    What either side wrote is there, ours first; what either side took out of the base is not.
    """
    over = character_differences(base, theirs)
    result: list[TextEdit] = []
    for edit in character_differences(base, ours):
        at = moved(edit.start, over, sticky_left=True)
        result.append(TextEdit(at, at, edit.new))
        result += [
            TextEdit(moved(start, over, sticky_left=False), moved(end, over, sticky_left=True), "")
            for start, end in _left_over(edit, over)
        ]
    return applied(theirs, tuple(result))


def minimal_edits(before: str, after: str) -> tuple[TextEdit, ...]:
    """Small edits that make the one text the other; cursors and marks elsewhere stay where they are.

    None of them begins or ends inside a \\r\\n. In a text that changed beyond recognition they are few and large.
    """
    return tuple(it for edit in differences(before, after) for it in _trimmed(before, edit))


def moved(offset: int, edits: tuple[TextEdit, ...], *, sticky_left: bool) -> int:
    """Where an offset of the text before the edits is after them.

    `sticky_left` decides where something was inserted exactly there, and inside replaced text: stay before it, or go
    behind it.
    """
    shift = 0
    for edit in edits:
        if offset < edit.start or (offset == edit.start and (sticky_left or edit.end > edit.start)):
            break
        if offset < edit.end:
            return edit.start + shift + (0 if sticky_left else len(edit.new))
        shift += len(edit.new) - (edit.end - edit.start)
    return offset + shift


def _united(base: str, ours: tuple[TextEdit, ...], theirs: tuple[TextEdit, ...]) -> tuple[TextEdit, ...] | None:
    """Both sides' edits in order, each once; None where they are in each other's way."""
    runs = _touching({*ours, *theirs})
    return None if any(_inseparable(base, it) for it in runs) else tuple(chain.from_iterable(runs))


def _clusters(base: str, mine: frozenset[TextEdit], other: frozenset[TextEdit]) -> Iterator[frozenset[TextEdit]]:
    """The edits of both in order, those together that are in each other's way, with all that is on their lines."""
    found: list[tuple[int, int, frozenset[TextEdit]]] = []
    runs = ([it] if _inseparable(base, it) else [[one] for one in it] for it in _touching(mine | other))
    for unit in chain.from_iterable(runs):
        edits = frozenset(unit)
        start, end = _span(base, edits, apart=not (edits <= mine or edits <= other))
        while found and (found[-1][1] > start or (found[-1][:2] == (start, end) and start == end)):
            edits |= found.pop()[2]
            start, end = _span(base, edits, apart=not (edits <= mine or edits <= other))
        found.append((start, end, edits))
    return (edits for _, _, edits in found)


def _span(base: str, edits: frozenset[TextEdit], *, apart: bool) -> tuple[int, int]:
    """From where to where edits reach. Those that are in each other's way take their lines, with the line end before them, so
    that what is inserted at the very border is met, too."""
    start, end = min(it.start for it in edits), max(it.end for it in edits)
    if not apart:
        return start, end
    return base.rfind("\n", 0, start), base.find("\n", max(start, end - 1)) + 1 or len(base) + 1


def _place(it: TextEdit) -> tuple[int, int, str]:
    return it.start, it.end, it.new


def _clash(edit: TextEdit, other: TextEdit) -> bool:
    """Whether one reaches into the other, or both insert at one place; an insertion at the border of a replacement does not."""
    return (edit.start < other.end and other.start < edit.end) or edit.start == edit.end == other.start == other.end


def _touching(edits: Iterable[TextEdit]) -> list[list[TextEdit]]:
    """The edits in order, those together that leave nothing of the base between them."""
    runs: list[list[TextEdit]] = []
    for edit in sorted(edits, key=_place):
        if runs and edit.start <= max(it.end for it in runs[-1]):
            runs[-1].append(edit)
        else:
            runs.append([edit])
    return runs


def _inseparable(base: str, run: Sequence[TextEdit]) -> bool:
    """Whether edits of both sides are in each other's way, or would make one word of two, which neither wrote."""
    if any(_clash(edit, following) for edit, following in pairwise(run)):
        return True
    start, end = run[0].start, run[-1].end
    parts = filter(None, (base[max(0, start - 1) : start], *(it.new for it in run), base[end : end + 1]))
    return len(run) > 1 and any(len(words(it[-1] + behind[0])) == 1 for it, behind in pairwise(parts))


def _left_over(edit: TextEdit, over: tuple[TextEdit, ...]) -> list[tuple[int, int]]:
    """The spans of the base that an edit replaces and the others do not touch."""
    spans: list[tuple[int, int]] = []
    start = edit.start
    for other in over:
        if other.end >= edit.start and other.start < edit.end:
            spans.append((start, other.start))
            start = max(start, other.end)
    spans.append((start, edit.end))
    return [(a, b) for a, b in spans if a < b]


def _trimmed(before: str, edit: TextEdit) -> tuple[TextEdit, ...]:
    """The edit without what its old and new text have in common at their ends."""
    old, new = before[edit.start : edit.end], edit.new
    if not old or not new or "\r" in old + new:
        return (edit,)
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    tail = next((n for n in range(most - head) if old[-1 - n] != new[-1 - n]), most - head)
    return (TextEdit(edit.start + head, edit.end - tail, new[head : len(new) - tail]),)
