"""Text that others wrote, made safe to look at: nothing in it can hide, reorder or paint."""

from __future__ import annotations

import re
import unicodedata

_JOINER = "\u200d"
_BLANK = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters of harmless categories that show as nothing, or as an empty cell."""

_VARIATION = re.compile("[\ufe00-\ufe0e\U000e0100-\U000e01ef]")
_SHAPE = "\ufe0f"
"""Asks for an emoji's coloured shape; seen beside one it is meant, anywhere else it may carry hidden data."""

_SUSPECT = re.compile(r"[^\n\t\x20-\x7e]")


def visible(text: str) -> str:
    """The text with every character that cannot be seen, or changes how others look, written as ‹U+202E›.

    Line ends and tabs stay. Spaces other than the plain one are written out too: a shell does not split at them.
    """
    return _SUSPECT.sub(lambda it: f"‹U+{ord(it[0]):04X}›" if _hides(it[0]) else it[0], text)


def stripped(text: str) -> str:
    """The text without what a person could not see in it, for the model; emoji keep their joiners, odd spaces become
    plain ones."""
    if text.isascii():
        return _SUSPECT.sub("", text)
    return _SUSPECT.sub(lambda it: _kept(it[0], text, it.start()), text)


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters on one line, made visible; a line end shows as ⏎, what was cut off as …"""
    line = re.sub(r"[ \t]{2,}", " ", visible(text.strip().replace("\r\n", "\n"))).replace("\n", " ⏎ ")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _kept(character: str, text: str, at: int) -> str:
    if not _hides(character):
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    if unicodedata.category(character) in ("Zl", "Zp"):
        return "\n"
    joins = character in (_JOINER, _SHAPE) and at > 0 and ord(text[at - 1]) > 0x2000 and not _hides(text[at - 1])
    shaped = character == _JOINER and at > 1 and text[at - 1] == _SHAPE
    return character if joins or shaped else ""


def _hides(character: str) -> bool:
    """Whether a person cannot see this character for what it is."""
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"):
        return True
    return character in _BLANK or character == _SHAPE or _VARIATION.match(character) is not None
