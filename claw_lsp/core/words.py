"""Counts in words, for people."""

from __future__ import annotations

import re


def counted(n: int, noun: str) -> str:
    """The number with its noun: "1 line", "2 lines", "3 matches"."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} {noun}es" if noun.endswith(("ch", "s", "x")) else f"{n} {noun}s"


def message_in(answer: str) -> str:
    """The message in an answer that was asked for nothing else: what stands in its first fenced block, else all of it."""
    found = _FENCED.search(answer)
    return (found[2] if found else answer).strip()


_FENCED = re.compile(r"^(`{3,})[^\n`]*\n(.*?)^\1`*[ \t]*$", re.DOTALL | re.MULTILINE)
