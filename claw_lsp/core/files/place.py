"""Where the cursor is in one of our files: in which object, at a name or at a value, and what stands there already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from claw_lsp.core.files.json_tree import Entry, Node, Scalar, name_of, read
from claw_lsp.core.json_edit import Keys

FRONT: Final = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<front>.*?)(?P<close>(?:^|\n)---[ \t]*(?:\r?\n|$))", re.DOTALL)
_OPEN: Final = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<front>.*)", re.DOTALL)
_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<dashes>(?:- +)*(?:-$)?)(?:(?P<key>[\w$.-]+)[ \t]*:(?=[ \t]|$))?(?P<gap>[ \t]*)(?P<value>.*)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """`keys` leads to the value, or to the object that a name belongs to. `start` and `end` are what a completion replaces, in
    code points; `text` is what stands there, None for nothing. `beside` are the other names of the object with their
    plain values; `named`: a colon stands behind the name. A comma (in YAML a blank) is missing before or behind what is put
    there."""

    role: Literal["key", "value"]
    keys: Keys
    start: int
    end: int
    text: str | None
    beside: Mapping[str, Scalar]
    named: bool = False
    comma_before: bool = False
    comma_behind: bool = False
    yaml: bool = False


def in_json(text: str, offset: int) -> Place | None:
    """The place of an offset; None where nothing can stand, such as in a comment or behind a value."""
    node = read(text)
    keys: Keys = ()
    while node is not None and node.kind in ("object", "list"):
        if not node.start < offset or (node.closed and offset >= node.end):
            return None
        beside = {name_of(it): it.value.value if it.value else None for it in node.entries if it.key is not None}
        n, entry = _entry_at(node, offset)
        if entry is None:
            role = "key" if node.kind == "object" else "value"
            way = keys if role == "key" else (*keys, len([it for it in node.entries if it.end <= offset]))
            return Place(role, way, offset, offset, None, beside, **_commas(node, offset, offset))
        if entry.key is not None and offset <= entry.key.end:
            others = {name: it for name, it in beside.items() if name != name_of(entry)}
            said = _commas(node, entry.start, entry.end) if entry.colon < 0 else {}
            token = entry.key
            return Place("key", keys, token.start, token.end, str(token.value), others, named=entry.colon >= 0, **said)
        keys = (*keys, name_of(entry) if entry.key is not None else n)
        value = entry.value
        if value is None:
            behind = _next_start(node, entry)
            between = behind is not None and not any(entry.colon <= it < behind for it in node.commas)
            return Place("value", keys, offset, offset, None, beside, comma_behind=between)
        if value.kind in ("text", "word"):
            if not value.start <= offset <= value.end:
                return None
            return Place("value", keys, value.start, value.end, _said(value), beside)
        node = value
    return None


def in_front(text: str, offset: int) -> Place | None:
    """The place of an offset in the front of a Markdown file; None outside of it."""
    found = FRONT.match(text) or _OPEN.match(text)
    if found is None or not found.start("front") <= offset <= found.end("front"):
        return None
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end].rstrip("\r")
    above = text[found.start("front") : start].split("\n")[:-1]
    # What is blank behind the cursor is no indentation.
    line = line[: offset - start] if not line[offset - start :].strip() else line
    here = _LINE.fullmatch(line)
    if here is None or offset < start + min(it for it in (here.start("key"), here.start("value")) if it >= 0):
        return None
    indent = len(here["indent"]) + len(here["dashes"])
    keys = _way(above, here)
    if here["key"] is None and not (here["dashes"] and _is_text_list(keys)) and here["value"][:1] not in ('"', "'"):
        names = _beside(text, found, start, indent)
        begin = start + here.start("value")
        return Place("key", keys, begin, start + len(line), here["value"] or None, names, yaml=True)
    if here["key"] is not None and offset <= start + here.end("key"):
        names = {name: it for name, it in _beside(text, found, start, indent).items() if name != here["key"]}
        return Place(
            "key", keys, start + here.start("key"), start + here.end("key"), here["key"], names, True, yaml=True
        )
    if here["key"] is not None:
        keys = (*keys, here["key"])
        if not here["value"] and _goes_on(text[end + 1 : found.end("front")] if end >= 0 else "", indent):
            return None
    begin = start + here.start("value")
    if offset < begin and here["value"]:
        return None
    begin = min(begin, offset)
    return _value(keys, text, begin, start + len(line), offset, _beside(text, found, start, indent))


def _value(keys: Keys, text: str, start: int, end: int, offset: int, beside: Mapping[str, Scalar]) -> Place:
    """The value of a line; of several with commas between them the one at the offset."""
    while (comma := text.find(",", start, offset)) >= 0:
        start = comma + 1
    if (comma := text.find(",", offset, end)) >= 0:
        end = comma
    part = text[start:end]
    lead = len(part) - len(part.lstrip(" \t[")) if start < offset else 0
    start, end = min(start + lead, offset), max(offset, start + len(part.rstrip(" \t]")))
    said = text[start : max(start, end)].strip("\"'")
    tight = text[max(0, start - 1) : start] in (":", "-", ",")
    return Place("value", keys, start, max(start, end), said or None, beside, comma_before=tight, yaml=True)


def _way(above: list[str], here: re.Match[str]) -> Keys:
    """The way to the object or list in which a line stands, by the indentation of those above it."""
    ways: list[tuple[int, str | int]] = []
    counts: dict[tuple[str | int, ...], int] = {}
    for line in [*above, here.string]:
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None or (line is not here.string and not line.strip()):
            continue
        at = len(found["indent"])
        while ways and (
            ways[-1][0] > at or (ways[-1][0] == at and not (found["dashes"] and isinstance(ways[-1][1], str)))
        ):
            ways.pop()
        for n in range(found["dashes"].count("-")):
            way = tuple(it for _, it in ways)
            counts[way] = counts.get(way, -1) + 1
            ways.append((at + 2 * n, counts[way]))
        column = at + len(found["dashes"])
        if line is not here.string and found["key"] is not None:
            ways.append((column, found["key"]))
    return tuple(it for _, it in ways)


def _beside(text: str, found: re.Match[str], start: int, indent: int) -> dict[str, Scalar]:
    """The names and plain values of the object that a line is of."""
    lines = text[found.start("front") : found.end("front")].split("\n")
    n_here = text.count("\n", found.start("front"), start)
    names: dict[str, Scalar] = {}
    for step in (range(n_here, -1, -1), range(n_here + 1, len(lines))):
        for n in step:
            it = _LINE.fullmatch(lines[n].rstrip("\r"))
            if it is None or not lines[n].strip():
                continue
            column = len(it["indent"]) + len(it["dashes"])
            if column < indent or (n > n_here and it["dashes"] and len(it["indent"]) < indent):
                break
            if column == indent and it["key"]:
                names.setdefault(it["key"], it["value"].strip().strip("\"'"))
            if column == indent and it["dashes"]:
                break
    return names


def _goes_on(below: str, indent: int) -> bool:
    """Whether the value of a name at this indentation stands in the lines below it."""
    line = next((it for it in below.split("\n") if it.strip()), "")
    at = len(line) - len(line.lstrip(" "))
    return bool(line) and (at > indent or (at == indent and line.lstrip(" ").startswith("-")))


def _is_text_list(keys: Keys) -> bool:
    return bool(keys) and isinstance(keys[-1], int) and "hooks" not in keys


def _entry_at(node: Node, offset: int) -> tuple[int, Entry | None]:
    for n, it in enumerate(node.entries):
        following = _next_start(node, it)
        comma = next((c for c in node.commas if c >= it.end), None)
        limit = it.end if it.value is not None else (comma if comma is not None else following)
        if it.start <= offset and (limit is None or offset <= limit):
            return n, it
    return -1, None


def _next_start(node: Node, entry: Entry) -> int | None:
    return next((it.start for it in node.entries if it.start > entry.start), None)


def _commas(node: Node, start: int, end: int) -> dict[str, bool]:
    """Whether a comma is missing before and behind what stands, or is put, between two offsets."""
    before = [it.end for it in node.entries if it.end <= start and it.start < start]
    behind = [it.start for it in node.entries if it.start >= end and it.start > start]
    missing_before = bool(before) and not any(max(before) <= it <= start for it in node.commas)
    missing_behind = bool(behind) and not any(end <= it <= min(behind) for it in node.commas)
    return {"comma_before": missing_before, "comma_behind": missing_behind}


def _said(node: Node) -> str:
    return "" if node.value is None else str(node.value)
