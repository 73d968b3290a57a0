"""Braces in globs: `*.{ts,tsx}` is two globs, which is all that .gitignore syntax lacks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_MOST = 256


def expanded(glob: str) -> list[str]:
    """The globs without braces that this one stands for; braces that do not pair up stand for themselves."""
    done: list[str] = []
    waiting = [glob]
    while waiting and len(done) + len(waiting) <= _MOST:
        current = waiting.pop(0)
        span = _innermost(current)
        if span is None:
            done.append(current)
        else:
            start, end = span
            waiting += (
                f"{current[:start]}{piece}{current[end + 1 :]}" for piece in current[start + 1 : end].split(",")
            )
    return done + waiting


def _innermost(glob: str) -> tuple[int, int] | None:
    """Where the first pair of braces with no braces inside stands."""
    start = None
    for at, character in _unescaped(glob):
        if character == "{":
            start = at
        elif character == "}" and start is not None:
            return start, at
    return None


def _unescaped(glob: str) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(glob):
        if glob[at] == "\\":
            at += 2
            continue
        yield at, glob[at]
        at += 1
