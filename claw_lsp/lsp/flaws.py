"""What is wrong in one of our files, with where it is in the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from claw_lsp.core.files.check import Flaw, check
from claw_lsp.core.files.kinds import Kind
from claw_lsp.facts.settings import Problem

_VALUE = re.compile(r'"(?:[^"\\\n]|\\.)*"|[^\s,\]}]+')


def flaws(kind: Kind, path: str, text: str, examine: Callable[[str, str], tuple[Problem, ...]]) -> tuple[Flaw, ...]:
    """All of it. Reads the whole text: call it off the loop."""
    found = check(kind, text)
    if kind not in ("settings", "mcp"):
        return found
    # Where a name was probably meant otherwise, that is said and nothing else.
    said = {it.start for it in found}
    problems = [Flaw(*_span(text, it), it.message, "warning") for it in examine(path, text)]
    return (*(it for it in problems if it.start not in said), *found)


def _span(text: str, it: Problem) -> tuple[int, int]:
    """Where the value stands that a problem is about."""
    start = 0
    for _ in range(it.line - 1):
        start = text.find("\n", start) + 1
    start = min(start + it.column - 1, len(text))
    found = _VALUE.match(text, start)
    return start, found.end() if found else start
