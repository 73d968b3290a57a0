"""What a prompt names with an @: files, folders, symbols, diagnostics, buffers, sessions. Whether they exist is not known here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["path", "symbol", "diagnostics", "buffers", "session"]


@dataclass(frozen=True, slots=True)
class Mention:
    """`name` is a path as it was written, a symbol's name or a session's id; "" for all diagnostics and for buffers.
    `first` and `last` are the lines named behind a path, from 1; both None, or neither.
    """

    kind: Kind
    name: str = ""
    first: int | None = None
    last: int | None = None

    @property
    def lines(self) -> str:
        """The lines as they stand behind a path."""
        if self.first is None:
            return ""
        return f":{self.first}" if self.first == self.last else f":{self.first}-{self.last}"


def mentions(words: str) -> tuple[Mention, ...]:
    """What is mentioned, each thing once, in order. Code in fences and backticks mentions nothing, nor does an @ inside a
    word, so that addresses of people and decorators in quoted code stay what they are."""
    return tuple(dict.fromkeys(it for found in _MENTION.finditer(_without_code(words)) if (it := _read(found))))


def mention_at(words: str, offset: int) -> tuple[Mention, tuple[int, int]] | None:
    """The mention that holds this place, and where it stands."""
    for found in _MENTION.finditer(_without_code(words)):
        if found.start() <= offset <= found.end() and (it := _read(found)):
            return it, found.span()
    return None


def written(it: Mention) -> str:
    """The mention as a prompt holds it."""
    match it.kind:
        case "path":
            plain = _read(_MENTION.fullmatch(f"@{it.name}{it.lines}")) == it
            return f"@{it.name}{it.lines}" if plain else f'@"{it.name}"{it.lines}'
        case "buffers":
            return "@buffers"
        case "diagnostics" | "symbol" | "session":
            return f"@{it.kind}:{it.name}" if it.name else f"@{it.kind}"


def _without_code(words: str) -> str:
    return _CODE.sub(lambda it: re.sub(r"[^\n]", " ", it[0]), words)


def _read(found: re.Match[str] | None) -> Mention | None:
    if found is None:
        return None
    if quoted := found["quoted"]:
        return Mention("path", quoted, *_lines(found["lines"] or ""))
    plain = _without_punctuation(found["plain"])
    kind, colon, rest = plain.partition(":")
    match kind:
        case "buffers" if not colon:
            return Mention("buffers")
        case "diagnostics" if rest or not colon:
            return Mention("diagnostics", rest)
        case "symbol" if rest:
            return Mention("symbol", rest)
        case "session" if rest:
            return Mention("session", rest)
        case _:
            lines = _LINES.search(plain)
            path = plain[: lines.start()] if lines else plain
            return Mention("path", path, *_lines(lines[0] if lines else "")) if path else None


def _lines(text: str) -> tuple[int | None, int | None]:
    numbers = [int(it) for it in re.findall(r"\d+", text)]
    return (min(numbers), max(numbers)) if numbers else (None, None)


def _without_punctuation(word: str) -> str:
    """The word without what ends the sentence around it; a bracket that it opened itself is its own."""
    while word:
        opener = _OPENERS.get(word[-1])
        if word[-1] not in ".,;:!?'`*" and (opener is None or word.count(opener) >= word.count(word[-1])):
            return word
        word = word[:-1]
    return word


_OPENERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_LINES = re.compile(r":[1-9]\d{0,8}(?:-[1-9]\d{0,8})?\Z")
_MENTION = re.compile(
    r"""(?:^|(?<=[\s(\[{,;'"<*]))@(?:"(?P<quoted>[^"\r\n]+)"(?P<lines>:[1-9]\d{0,8}(?:-[1-9]\d{0,8})?)?|(?P<plain>[^\s"@][^\s"]*))"""
)
_CODE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)|(`+)[^`\n]+?\2(?!`)", re.DOTALL | re.MULTILINE)
