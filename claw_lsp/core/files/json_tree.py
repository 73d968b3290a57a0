"""JSON as somebody types it: read as far as it makes sense, with where each value stands. Never raises."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from claw_lsp.core.json_edit import Keys

Scalar = str | int | float | bool | None

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:[^"\\\n]|\\[^\n])*(?P<closed>")?|[\[\]{},:]|[^\s\[\]{},:"/]+|/', re.DOTALL
)


@dataclass(slots=True)
class Node:
    """A value. `start` and `end` are code points, the quotes of a text within them; `closed`: its end is written."""

    kind: Literal["object", "list", "text", "word"]
    start: int
    end: int
    value: Scalar = None
    closed: bool = True
    entries: list[Entry] = field(default_factory=list["Entry"])
    commas: list[int] = field(default_factory=list[int])
    """Where the commas between the entries stand."""


@dataclass(slots=True)
class Entry:
    """One of an object or a list; `key` is None in a list, `colon` where the name ends and the value may begin, -1 for none."""

    key: Node | None
    value: Node | None = None
    colon: int = -1

    @property
    def start(self) -> int:
        first = self.key or self.value
        return first.start if first else 0

    @property
    def end(self) -> int:
        return self.value.end if self.value else max(self.colon, self.key.end if self.key else 0)


def read(text: str) -> Node | None:
    """The value of a text; None where there is none."""
    root: Node | None = None
    inside: list[Node] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        here = inside[-1] if inside else None
        if token.startswith("/"):
            continue
        if token in "]}":
            if here is not None:
                here.end, here.closed = match.end(), True
                inside.pop()
        elif token in ",:":
            if here is not None:
                _separate(here, token, match)
        else:
            node = _node(match)
            if here is not None:
                _add(here, node)
            root = root or node
            if node.kind in ("object", "list"):
                inside.append(node)
    for it in inside:
        it.end = len(text)
    return root


def name_of(entry: Entry) -> str:
    """The name of an entry of an object."""
    return str(entry.key.value) if entry.key is not None else ""


def spot(root: Node | None, keys: Keys) -> tuple[int, int]:
    """Where the name, or the entry of a list, is that `keys` leads to, as far as there is one; the last of several."""
    found, node = (0, 0), root
    for key in keys:
        entry = _inner(node, key) if node is not None else None
        if entry is None:
            break
        first = entry.key or entry.value
        found, node = ((first.start, first.end) if first is not None else found), entry.value
    return found


def _inner(node: Node, key: str | int) -> Entry | None:
    if isinstance(key, int):
        return node.entries[key] if key < len(node.entries) else None
    return next((it for it in reversed(node.entries) if it.key is not None and it.key.value == key), None)


def _node(match: re.Match[str]) -> Node:
    token, start, end = match.group(), match.start(), match.end()
    if token in "[{":
        return Node("object" if token == "{" else "list", start, end, closed=False)
    if token.startswith('"'):
        closed = match["closed"] is not None
        return Node("text", start, end, _text(token if closed else f'{token}"'), closed)
    try:
        value: Scalar = json.loads(token)
    except (ValueError, RecursionError):
        value = token
    return Node("word", start, end, value)


def _text(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]


def _add(here: Node, node: Node) -> None:
    last = here.entries[-1] if here.entries else None
    if here.kind == "object":
        if last is not None and last.colon >= 0 and last.value is None:
            last.value = node
        else:
            here.entries.append(Entry(node))
    else:
        here.entries.append(Entry(None, node))


def _separate(here: Node, token: str, match: re.Match[str]) -> None:
    if token == ",":
        here.commas.append(match.start())
        # A name without a value ends there: what comes next is no value of it.
        if here.entries and here.entries[-1].key is not None and here.entries[-1].value is None:
            last = here.entries[-1]
            last.colon = -1
    elif here.kind == "object" and here.entries and here.entries[-1].colon < 0:
        here.entries[-1].colon = match.end()
