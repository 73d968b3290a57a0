"""Counts in words, for people."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """The number with its noun: "1 line", "2 lines", "3 matches"."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} {noun}es" if noun.endswith(("ch", "s", "x")) else f"{n} {noun}s"
