"""How one text became another: lines first, then the words of the lines that changed; the time is bounded."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from claw_lsp.facts.text import TextEdit

Run = tuple[int, int, int]
"""`n` equal units, from `i` in the one and from `j` in the other."""


def differences(before: str, after: str) -> tuple[TextEdit, ...]:
    """Edits of whole words that make the one text the other; none touches its neighbour, none splits a \\r\\n."""
    if before == after:
        return ()
    a, b = _LINE.findall(before), _LINE.findall(after)
    edits: list[TextEdit] = []
    for i, i_end, j, j_end, offset in _gaps(a, b):
        edits += _refined("".join(a[i:i_end]), "".join(b[j:j_end]), offset)
    return tuple(edits)


def character_differences(before: str, after: str) -> tuple[TextEdit, ...]:
    """The same, character by character where words changed: for those who must not touch one character too many."""
    edits: list[TextEdit] = []
    for edit in differences(before, after):
        old, new = before[edit.start : edit.end], edit.new
        edits += [
            TextEdit(edit.start + i, edit.start + i_end, new[j:j_end]) for i, i_end, j, j_end, _ in _gaps(old, new)
        ]
    return tuple(edits)


def words(text: str) -> list[str]:
    """What is never split: the text in words, single other characters and line ends."""
    return _WORD.findall(text)


def _refined(before: str, after: str, offset: int) -> list[TextEdit]:
    """The changed lines, word by word; as one edit where hardly a word is left of them."""
    whole = [TextEdit(offset, offset + len(before), after)]
    if not before or not after:
        return whole
    a, b = words(before), words(after)
    runs = _equal_runs(a, b)
    n_kept = sum(len(word) for i, _, n in runs for word in a[i : i + n] if not word.isspace())
    n_solid = min(_n_solid(before), _n_solid(after))
    if n_kept * 5 < n_solid * 2:
        return whole
    return [
        TextEdit(offset + start, offset + start + len("".join(a[i:i_end])), "".join(b[j:j_end]))
        for i, i_end, j, j_end, start in _gaps_between(runs, a, b)
    ]


def _n_solid(text: str) -> int:
    return len(text) - sum(1 for it in text if it.isspace())


def _gaps(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int, int, int]]:
    return _gaps_between(_equal_runs(a, b), a, b)


def _gaps_between(runs: list[Run], a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int, int, int]]:
    """What lies between the equal runs: the span in `a`, the span in `b`, and the offset of the first in characters."""
    gaps: list[tuple[int, int, int, int, int]] = []
    at_a = at_b = offset = 0
    for i, j, n in [*runs, (len(a), len(b), 0)]:
        if at_a < i or at_b < j:
            gaps.append((at_a, i, at_b, j, offset))
        offset += sum(map(len, a[at_a : i + n]))
        at_a, at_b = i + n, j + n
    return gaps


def _equal_runs(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """Runs of equal units in rising order, anchored at units that occur once in each; neighbours are joined."""
    found: list[Run] = []
    todo = [(0, len(a), 0, len(b))]
    while todo:
        i, i_end, j, j_end = todo.pop()
        head, tail = _common_ends(a, b, (i, i_end, j, j_end))
        found += [it for it in ((i, j, head), (i_end - tail, j_end - tail, tail)) if it[2]]
        i, i_end, j, j_end = i + head, i_end - tail, j + head, j_end - tail
        if i == i_end or j == j_end:
            continue
        anchors = _anchors(a, b, (i, i_end, j, j_end))
        if not anchors:
            found += [(i + x, j + y, n) for x, y, n in _shortest(a[i:i_end], b[j:j_end])]
            continue
        for x, y in anchors:
            todo.append((i, x, j, y))
            found.append((x, y, 1))
            i, j = x + 1, y + 1
        todo.append((i, i_end, j, j_end))
    return _joined(found)


def _common_ends(a: Sequence[str], b: Sequence[str], window: tuple[int, int, int, int]) -> tuple[int, int]:
    """How many units the two spans have in common at their beginnings and at their ends."""
    i, i_end, j, j_end = window
    most = min(i_end - i, j_end - j)
    head = 0
    while head < most and a[i + head] == b[j + head]:
        head += 1
    tail = 0
    while tail < most - head and a[i_end - 1 - tail] == b[j_end - 1 - tail]:
        tail += 1
    return head, tail


def _anchors(a: Sequence[str], b: Sequence[str], window: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """The longest rising row of units that occur once in each span (patience)."""
    i, i_end, j, j_end = window
    where_a, where_b = _singles(a, i, i_end), _singles(b, j, j_end)
    pairs = [(x, where_b[unit]) for unit, x in where_a.items() if unit in where_b]
    tops: list[int] = []
    chains: list[tuple[int, int, int]] = []
    last_of: list[int] = []
    for x, y in pairs:
        at = bisect_left(tops, y)
        chains.append((x, y, last_of[at - 1] if at else -1))
        tops[at : at + 1] = [y]
        last_of[at : at + 1] = [len(chains) - 1]
    anchors: list[tuple[int, int]] = []
    link = last_of[-1] if last_of else -1
    while link >= 0:
        x, y, link = chains[link]
        anchors.append((x, y))
    return anchors[::-1]


def _singles(units: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Where each unit stands that occurs once between start and end; a line end alone tells nothing."""
    where: dict[str, int] = {}
    often: set[str] = set()
    for at in range(start, end):
        unit = units[at]
        if unit in where:
            often.add(unit)
        where[unit] = at
    return {unit: at for unit, at in where.items() if unit not in often and not unit.isspace()}


def _shortest(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """Equal units along a shortest edit script (Myers); none when more than `_MOST` units would have to change."""
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for n_changed in range(min(len(a) + len(b), _MOST) + 1):
        trail.append(dict(reach))
        for k in range(-n_changed, n_changed + 1, 2):
            down = k == -n_changed or (k != n_changed and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= len(a) and y >= len(b):
                return _walked_back(trail, len(a), len(b))
    return []


def _walked_back(trail: list[dict[int, int]], x: int, y: int) -> list[Run]:
    runs: list[Run] = []
    for n_changed in range(len(trail) - 1, -1, -1):
        reach = trail[n_changed]
        k = x - y
        down = k == -n_changed or (k != n_changed and reach[k - 1] < reach[k + 1])
        k_before = k + 1 if down else k - 1
        x_before = reach[k_before] if n_changed else 0
        y_before = x_before - k_before if n_changed else 0
        x_snake = x_before if down or not n_changed else x_before + 1
        if x > x_snake:
            runs.append((x_snake, x_snake - k, x - x_snake))
        x, y = x_before, y_before
    return runs[::-1]


def _joined(runs: list[Run]) -> list[Run]:
    joined: list[Run] = []
    for i, j, n in sorted(runs):
        if joined and joined[-1][0] + joined[-1][2] == i and joined[-1][1] + joined[-1][2] == j:
            i, j, n = joined[-1][0], joined[-1][1], joined[-1][2] + n
            joined.pop()
        joined.append((i, j, n))
    return joined


_MOST = 150
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
# A word of a script that puts no spaces between its words is one character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"\r\n?|\n|[^\S\r\n]+|(?:(?![{_UNSPACED}])\w)+|.", re.DOTALL)
