"""A shell line as bash would read it.

The grammar is tree-sitter's. What is trusted is a short list of its nodes; a line that holds anything else is read as
far as it goes, with the reason why that is not all of it. Nobody allows what was not read whole.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from typing import Final

from tree_sitter import Language, Node, Parser
from tree_sitter_bash import language

from claw_lsp.core.policy.walk import Walk, decoded
from claw_lsp.core.policy.words import Line

LONGEST: Final = 10_000
"""Characters; longer lines are not read."""


@lru_cache(maxsize=256)
def read_line(line: str) -> Line:
    """Read a line. Never raises, whatever the line is."""
    refusal = _refused_unread(line)
    if len(line) > LONGEST:
        return Line(unread=refusal)
    source = line.encode("utf-8", "surrogatepass")
    root = _parser().parse(source.translate(_LETTERS)).root_node
    told = [refusal] if refusal else []
    if root.has_error:
        told.append("bash's grammar does not fit it")
    plain = _walked(root, Walk(source, unread=list(told)))
    if told or (b"=" not in source and b"for" not in source):
        return plain
    once = frozenset(name for name, n_times in _assigned(root, source).items() if n_times == 1)
    known = _walked(root, Walk(source, once=once))
    # What sets variables by other means than an assignment may set these, too.
    return plain if any(_SETS.intersection(it.texts) for it in known.parts) else known


def _walked(root: Node, walk: Walk) -> Line:
    try:
        walk.statement(root)
    except RecursionError:
        walk.unread.append("it is nested too deeply")
    return Line(tuple(walk.parts), tuple(walk.redirects), walk.unread[0] if walk.unread else "", tuple(walk.inputs))


def _assigned(root: Node, source: bytes) -> Counter[str]:
    """How often each variable is assigned, anywhere in the line."""
    found: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in ("variable_assignment", "for_statement"):
            names = [it for it in node.children if it.type == "variable_name"]
            found.update(decoded(source[it.start_byte : it.end_byte]) for it in names[:1])
        waiting += node.children
    return found


def _refused_unread(line: str) -> str:
    """Why a line is not trusted to be read at all: forms in which the grammar and bash are known to part."""
    if len(line) > LONGEST:
        return f"it has more than {LONGEST} characters"
    if _CONTROL.search(line):
        return "it holds a control character"
    if "\\\n" in line:
        return "a backslash stands at the end of a line"
    return "a line begins with a backslash" if _BACKSLASHED.search(line) else ""


@cache
def _parser() -> Parser:
    return Parser(Language(language()))


_SETS: Final = frozenset(
    """read mapfile readarray getopts printf wait let declare typeset local export readonly unset eval source . trap exec
    coproc shopt set enable alias""".split()
)
"""Builtins that may set a variable, or make other words do so."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LETTERS: Final = bytes(it if it < 0x80 else ord("x") for it in range(256))
"""What stands outside of ASCII is a letter to the grammar, as it is to bash: tree-sitter-bash 0.25.1 asks C's `isalnum` of
it, which reads past its table (a crash; tests/security/test_shell_reading.py)."""
_BACKSLASHED: Final = re.compile(r"^[ \t]*\\", re.MULTILINE)
