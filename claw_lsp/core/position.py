"""Where a position of the protocol lies in a text, and back: lines end at \\n, \\r\\n and \\r, and nowhere else."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Literal

from claw_lsp.facts.text import TextEdit

Encoding = Literal["utf-8", "utf-16", "utf-32"]
"""What one unit of a `character` is: a byte of UTF-8, a half of UTF-16 or a code point."""


class LineIndex:
    """A text with the offsets at which its lines begin, found as far as they were asked for.

    Invariant: `_starts` holds every line start that is at most `_scanned`, and nothing else.
    """

    __slots__ = ("_scanned", "_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] = [0]
        self._scanned = 0

    @property
    def n_lines(self) -> int:
        """One more than there are line ends: a text that ends in one has an empty last line."""
        self._scan_to(len(self.text))
        return len(self._starts)

    def span(self, line: int) -> tuple[int, int]:
        """Where a line begins and ends, its line end left out; a line past the last is the end of the text."""
        if line < 0:
            return (0, 0)
        start = self._start(line)
        if start is None:
            return (len(self.text), len(self.text))
        found = _BREAK.search(self.text, start)
        return (start, found.start() if found else len(self.text))

    def offset(self, line: int, character: int, encoding: Encoding) -> int:
        """The code point at a position. What lies outside is clamped to its line, or to the text; what lies inside a
        code point is that code point's beginning."""
        start, end = self.span(line)
        if character <= 0:
            return start
        if encoding == "utf-32" or self.text.isascii() or self.text[start:end].isascii():
            return min(start + character, end)
        return start + _code_points(self.text[start:end], character, encoding)

    def position(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """Line and character of a code point; between the halves of a \\r\\n it is the end of that line."""
        offset = max(0, min(offset, len(self.text)))
        self._scan_to(offset)
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if 0 < offset < len(self.text) and self.text[offset] == "\n" and self.text[offset - 1] == "\r":
            offset -= 1
        return (line, units(self.text[start:offset], encoding))

    def spliced(self, edit: TextEdit) -> LineIndex:
        """The index of the text after an edit; what is known of the lines before it is kept."""
        after = LineIndex(self.text[: edit.start] + edit.new + self.text[edit.end :])
        # The character before the edit may be a \r that the edit makes half of a line end, so it is looked at again.
        after._scanned = min(self._scanned, max(0, edit.start - 1))
        after._starts = self._starts[: max(1, bisect_right(self._starts, after._scanned))]
        return after

    def replaced(self, text: str) -> LineIndex:
        """The index of another text; what is known of the lines of their common beginning is kept."""
        n_common = common(self.text, text, min(len(self.text), len(text)))
        after = LineIndex(text)
        after._scanned = min(self._scanned, max(0, n_common - 1))
        after._starts = self._starts[: max(1, bisect_right(self._starts, after._scanned))]
        return after

    def _start(self, line: int) -> int | None:
        while len(self._starts) <= line and self._scanned < len(self.text):
            self._scan_to(self._scanned + 1)
        return self._starts[line] if line < len(self._starts) else None

    def _scan_to(self, offset: int) -> None:
        """Find the line starts up to an offset and somewhat beyond."""
        if offset <= self._scanned:
            return
        end = min(len(self.text), max(offset, self._scanned + _CHUNK))
        if self.text[end - 1] == "\r" and self.text[end : end + 1] == "\n":
            end += 1
        self._starts.extend(it.end() for it in _BREAK.finditer(self.text, self._scanned, end))
        self._scanned = end


def common(one: str, other: str, most: int) -> int:
    """How many characters, at most so many, two texts begin with in common; found by halving, because they may be long."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def units(text: str, encoding: Encoding) -> int:
    """How many units of the encoding a text takes; a lone surrogate counts as it would be written."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _code_points(text: str, n_units: int, encoding: Encoding) -> int:
    """How many code points of a text fit whole into this many units."""
    done = 0
    while done < len(text):
        piece = text[done : done + _PIECE]
        size = units(piece, encoding)
        if size > n_units:
            break
        n_units -= size
        done += len(piece)
    for character in text[done : done + _PIECE]:
        n_units -= units(character, encoding)
        if n_units < 0:
            break
        done += 1
    return done


_BREAK = re.compile(r"\r\n?|\n")
_CHUNK = 64 * 1024
_PIECE = 512
