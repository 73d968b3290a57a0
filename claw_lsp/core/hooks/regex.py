"""Regular expressions as JavaScript writes them, matched in bounded time: a bad pattern never hangs.

Every part of a pattern maps the places where it may begin to those where it may end, so nothing is tried twice.
Backreferences are not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

MOST_STEPS = 100_000
"""After so many steps a pattern is given up; one that means a tool's name takes a few hundred."""
LONGEST = 1_000
"""Characters of a pattern."""

_CLASSES = {"d": r"[0-9]", "w": r"[A-Za-z0-9_]", "s": r"\s"}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_COUNTS = re.compile(r"\{(\d+)(,?)(\d*)\}")
_MEANT_BY_RE = re.compile(r"(\\.)|([\[&~|])", re.DOTALL)
_HEX = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")

Places = frozenset[int]
Part = Callable[["_Run", Places], Places]


class BadPattern(ValueError):
    """The pattern cannot be read; the text says why."""


def found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs anywhere in the text; one that takes too long does not. Raises BadPattern."""
    part = compiled(pattern)
    run = _Run(text)
    try:
        return bool(part(run, frozenset(range(len(text) + 1))))
    except _TooLong:
        return False


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Part:
    """The pattern, read. Raises BadPattern."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"it has more than {LONGEST} characters")
    reader = _Reader(pattern)
    try:
        part = reader.alternatives()
    except RecursionError:
        raise BadPattern("it is nested too deep") from None
    if reader.at < len(pattern):
        raise BadPattern(f"there is no ( for the ) at character {reader.at + 1}")
    return part


class _TooLong(Exception):
    """The pattern took too many steps."""


class _Run:
    """One match under way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._left = MOST_STEPS

    def takes(self, n: int) -> None:
        self._left -= n + 1
        if self._left < 0:
            raise _TooLong


class _Reader:
    """Reads a pattern from the left; `at` is the next character."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def alternatives(self) -> Part:
        ways = [self._sequence()]
        while self._take("|"):
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else lambda run, it: frozenset[int]().union(*(way(run, it) for way in ways))

    def _sequence(self) -> Part:
        parts: list[Part] = []
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom()))

        def through(run: _Run, places: Places) -> Places:
            for part in parts:
                places = part(run, places) if places else places
            return places

        return through

    def _repeated(self, part: Part) -> Part:
        counts = _COUNTS.match(self._pattern, self.at)
        if counts:
            self.at = counts.end()
            least, most = int(counts[1]), int(counts[3]) if counts[3] else None if counts[2] else int(counts[1])
        elif self.at < len(self._pattern) and self._pattern[self.at] in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._pattern[self.at]]
            self.at += 1
        else:
            return part
        self._take("?")  # Lazy or not, the same places are reached.
        if most is not None and most < least:
            raise BadPattern("a count {m,n} has its larger number first")
        return lambda run, it: _times(run, part, it, least, most)

    def _atom(self) -> Part:
        char = self._next()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._one_of(self._class())
            case ".":
                return self._one_of(r"[^\n\r]")
            case "^":
                return lambda _, it: it & {0}
            case "$":
                return lambda run, it: it & {len(run.text)}
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise BadPattern(f"there is nothing to repeat before the {char} at character {self.at}")
            case _:
                return self._one_of(re.escape(char))

    def _group(self) -> Part:
        kind = next((it for it in ("?:", "?=", "?!") if self._pattern.startswith(it, self.at)), "")
        if not kind and self._pattern.startswith("?", self.at):
            raise BadPattern("groups are written (…), (?:…), (?=…) or (?!…)")
        self.at += len(kind)
        inner = self.alternatives()
        if not self._take(")"):
            raise BadPattern("there is no ) for a (")
        if kind in ("?=", "?!"):
            wanted = kind == "?="
            return lambda run, it: frozenset(at for at in it if bool(inner(run, frozenset((at,)))) is wanted)
        return inner

    def _escaped(self) -> Part:
        char = self._next()
        if char in "bB":
            return lambda run, it: frozenset(at for at in it if _at_word_edge(run.text, at) is (char == "b"))
        if char.isdigit() and char != "0":
            raise BadPattern(f"\\{char} looks back at a group, which is not read here")
        return self._one_of(self._escape(char))

    def _escape(self, char: str) -> str:
        """What a character behind a backslash means, for `re`."""
        if char.lower() in _CLASSES:
            inner = _CLASSES[char.lower()].strip("[]")
            return f"[{'^' if char.isupper() else ''}{inner}]"
        if code := _HEX.match(self._pattern, self.at - 1):
            self.at = code.end()
            return re.escape(chr(int(code[1] or code[2], 16)))
        if char.isalpha() and char not in _ESCAPES:
            raise BadPattern(f"\\{char} means nothing")
        return re.escape(_ESCAPES.get(char, char))

    def _class(self) -> str:
        """A class of characters, for `re`, which reads them alike but for a few signs."""
        begin = self.at - 1
        while (char := self._next()) != "]":
            if char == "\\":
                self._next()
        inner = self._pattern[begin + 1 : self.at - 1]
        if inner in ("", "^"):
            return r"(?!)" if not inner else r"[\s\S]"
        negated = "^" if inner.startswith("^") else ""
        return f"[{negated}{_MEANT_BY_RE.sub(_kept, inner.removeprefix('^'))}]"

    def _one_of(self, characters: str) -> Part:
        try:
            means = re.compile(characters, re.ASCII).fullmatch
        except re.error as error:
            raise BadPattern(f"{characters}: {error.msg}") from None

        def step(run: _Run, places: Places) -> Places:
            run.takes(len(places))
            return frozenset(at + 1 for at in places if at < len(run.text) and means(run.text[at]))

        return step

    def _next(self) -> str:
        if self.at >= len(self._pattern):
            raise BadPattern("it ends too early")
        self.at += 1
        return self._pattern[self.at - 1]

    def _take(self, char: str) -> bool:
        taken = self._pattern.startswith(char, self.at)
        self.at += len(char) if taken else 0
        return taken


def _kept(sign: re.Match[str]) -> str:
    return sign[1] or f"\\{sign[2]}"


def _times(run: _Run, part: Part, places: Places, least: int, most: int | None) -> Places:
    for _ in range(least):
        run.takes(1)
        if not (places := part(run, places)):
            return places
    reached, n = places, least
    while places and (most is None or n < most):
        run.takes(1)
        places = part(run, places) - reached
        reached, n = reached | places, n + 1
    return reached


def _at_word_edge(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    return bool(re.match(r"\w", before, re.ASCII)) is not bool(re.match(r"\w", after, re.ASCII))
