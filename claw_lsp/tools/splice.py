"""Finding and replacing text exactly, in files whose line ends the model does not see. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from claw_lsp.core.merge import minimal_edits
from claw_lsp.facts.text import TextEdit

_ANY_END = r"(?:\r\n|\r(?!\n)|(?<!\r)\n)"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_ALIKE = str.maketrans("‘’‚‛“”„‟′″–—−\u00a0", "''''\"\"\"\"'\"--- ")


def lines_of(text: str) -> list[str]:
    """The lines with their ends; lines end at \\n, \\r\\n and \\r, as editors see it."""
    return _LINE.findall(text)


def line_at(text: str, offset: int) -> int:
    """The number, from 1, of the line an offset lies in."""
    return len(re.findall(r"\r\n|\r|\n", text[:offset])) + 1


def dominant_end(text: str) -> str:
    """The line end that most lines have; "\\n" where there is none."""
    n_crlf = text.count("\r\n")
    counts = {"\n": text.count("\n") - n_crlf, "\r\n": n_crlf, "\r": text.count("\r") - n_crlf}
    return max(counts, key=lambda end: counts[end])


def occurrences(text: str, old: str) -> list[tuple[int, int]]:
    """Every place where `old` stands, overlapping ones too. A line end in it matches any line end."""
    if "\r" not in text and "\r" not in old:
        return _plain(text, old)
    pattern = _ANY_END.join(re.escape(part) for part in re.split(r"\r\n|\r|\n", old))
    return [(found.start(1), found.end(1)) for found in re.finditer(f"(?=({pattern}))", text)]


def apart(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the places that do not overlap an earlier one."""
    chosen: list[tuple[int, int]] = []
    for start, end in places:
        if not chosen or start >= chosen[-1][1]:
            chosen.append((start, end))
    return chosen


def replacing(text: str, places: list[tuple[int, int]], new: str) -> tuple[TextEdit, ...]:
    """The smallest edits that put `new` in these places, with the line ends that are there."""
    end_of_text = dominant_end(text) if "\r" in text and "\r" not in new else None
    edits: list[TextEdit] = []
    known: dict[tuple[str, str, str], tuple[TextEdit, ...]] = {}
    for start, end in places:
        around = (text[max(start - 1, 0) : start], text[start:end], text[end : end + 1])
        if around not in known:
            known[around] = _edits_between(*around, new, end_of_text)
        edits += (TextEdit(start + edit.start, start + edit.end, edit.new) for edit in known[around])
    return tuple(edits)


def _edits_between(left: str, old: str, right: str, new: str, end: str | None) -> tuple[TextEdit, ...]:
    """Edits, from the beginning of `old` on, that make it `new`; `end` is the text's line end if line ends matter.

    `left` and `right` are the characters beside it: no edit may divide a \r\n or make one of what was two line ends.
    """
    wanted = new
    if end is not None:
        wanted = with_ends_of(old, new, dominant_end(old) if re.search(r"[\r\n]", old) else end)
        if left == "\r" and wanted.startswith("\n"):
            wanted = "\r" + wanted[1:]
        if right == "\n" and wanted.endswith("\r"):
            wanted = wanted[:-1] + "\n"
    divides = (left == "\r" and old.startswith("\n")) or (old.endswith("\r") and right == "\n")
    return (TextEdit(0, len(old), wanted),) if divides else minimal_edits(old, wanted)


def rewriting(before: str, after: str) -> tuple[TextEdit, ...]:
    """The smallest edits that make the one text the other, each line keeping the end it has."""
    wanted = with_ends_of(before, after, dominant_end(before)) if "\r" in before else after
    return minimal_edits(before, wanted)


def with_ends_of(old: str, new: str, end: str) -> str:
    """`new` with the line ends of `old` where lines stay and `end` elsewhere; left alone if it has a \\r of its own."""
    if "\r" in new:
        return new
    if "\r" not in old or not re.search(r"[\r\n]", old.replace("\r\n", "")):
        return new.replace("\n", end)
    old_lines, new_lines = lines_of(old), lines_of(new)
    bare_old = [line.rstrip("\r\n") for line in old_lines]
    bare_new = [line.rstrip("\r\n") for line in new_lines]
    result = [line.replace("\n", end) for line in new_lines]
    for i, j, n in SequenceMatcher(None, bare_old, bare_new, autojunk=len(bare_old) > 2000).get_matching_blocks():
        for k in range(n):
            if old_lines[i + k] != bare_old[i + k] and new_lines[j + k] != bare_new[j + k]:
                result[j + k] = old_lines[i + k]
    for n, line in enumerate(result[1:], 1):
        if line == "\n" and result[n - 1].endswith("\r"):
            result[n] = "\r"
    return "".join(result)


def why_not_found(text: str, old: str) -> str:
    """What stands there instead, as far as that can be told; one sentence, or empty."""
    alike = occurrences(text.translate(_ALIKE), old.translate(_ALIKE))
    if alike:
        line = line_at(text, alike[0][0])
        return f"Line {line} differs from it only in look-alike quotes, dashes or spaces: copy them exactly."
    words = old.split()
    if not words or len(text) > 1_000_000:
        return ""
    spaced = re.search(r"\s+".join(re.escape(word) for word in words), text)
    if spaced:
        return f"Line {line_at(text, spaced.start())} differs from it only in white space: copy it exactly."
    return ""


def _plain(text: str, old: str) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    start = text.find(old)
    while start >= 0:
        places.append((start, start + len(old)))
        start = text.find(old, start + 1)
    return places
