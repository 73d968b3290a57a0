"""A value in the text of a JSON file: put in, replaced or taken out, and nothing else in the text moves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

from claw_lsp.facts.fault import ClawError

Keys = tuple[str | int, ...]
Span = tuple[int, int]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(slots=True)
class Container:
    """An object or a list; each entry is where it begins (its name, in an object) and ends."""

    keys: Keys
    start: int
    in_object: bool
    end: int = 0
    entries: list[Span] = field(default_factory=list[Span])
    name: str | None = None
    name_at: int = 0

    def here(self) -> str | int:
        return self.name if self.in_object and self.name is not None else len(self.entries)

    def add(self, start: int, end: int) -> None:
        self.entries.append((self.name_at if self.in_object else start, end))
        self.name = None

    def without(self, text: str, n: int) -> str:
        """The text without one entry and the comma that belongs to it."""
        if len(self.entries) == 1:
            return text[: self.start + 1] + text[self.end - 1 :]
        if n == 0:
            return text[: self.entries[0][0]] + text[self.entries[1][0] :]
        return text[: self.entries[n - 1][1]] + text[self.entries[n][1] :]


def containers(text: str) -> dict[Keys, Container]:
    """Every object and list of a valid JSON text by the way to it; of several at one place the last."""
    found: dict[Keys, Container] = {}
    inside: list[Container] = []
    for match in _TOKEN.finditer(text):
        token, here = match.group(), inside[-1] if inside else None
        if token in "[{":
            keys = (*here.keys, here.here()) if here else ()
            inside.append(Container(keys, match.start(), token == "{"))
        elif token in "]}":
            closed = inside.pop()
            closed.end = match.end()
            found[closed.keys] = closed
            if inside:
                inside[-1].add(closed.start, closed.end)
        elif here is not None and token not in ",:":
            if here.in_object and here.name is None:
                here.name, here.name_at = json.loads(token), match.start()
            else:
                here.add(match.start(), match.end())
    return found


def parsed(text: str) -> dict[str, Any]:
    """The object of a text; an empty one for an empty text. Raises ClawError for anything else."""
    if not text.strip():
        return {}
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClawError(f"It is not valid JSON ({error}); mend it first.") from error
    if not isinstance(data, dict):
        raise ClawError("It holds no JSON object; mend it first.")
    return cast("dict[str, Any]", data)


def put(text: str, keys: tuple[str, ...], value: Any) -> str:
    """The text with this value there, and the objects around it where they are missing. Raises ClawError where that cannot be
    without touching anything else."""
    wanted = parsed(text)
    inner = wanted
    for key in keys[:-1]:
        below: Any = inner.setdefault(key, {})
        if not isinstance(below, dict):
            raise ClawError(f"{key} is no object in it; mend it first.")
        inner = cast("dict[str, Any]", below)
    inner[keys[-1]] = value
    text = text if text.strip() else "{}\n"
    found = containers(text)
    n = max(it for it in range(len(keys)) if keys[:it] in found)
    here = found[keys[:n]]
    for key in keys[:n:-1]:
        value = {key: value}
    return _checked(_with(text, here, keys[n], value), wanted)


def removed(text: str, keys: tuple[str, ...]) -> str:
    """The text without the value there. Raises ClawError where there is none, or others would be touched."""
    wanted = parsed(text)
    inner: Any = wanted
    for key in keys[:-1]:
        inner = cast("dict[str, Any]", inner).get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or keys[-1] not in inner:
        raise ClawError(f"{keys[-1]} does not stand there; nothing was changed.")
    del inner[keys[-1]]
    here = containers(text)[keys[:-1]]
    n = next(n for n, it in enumerate(here.entries) if _name(text, it) == keys[-1])
    return _checked(here.without(text, n), wanted)


def _with(text: str, here: Container, name: str, value: Any) -> str:
    """With the entry of this name replaced, or one more at the end of the object."""
    unit = found.group(1) if (found := re.search(r'\n([ \t]+)"', text)) else "  "
    line_end = "\r\n" if "\r\n" in text else "\n"
    depth = len(here.keys)
    for start, end in here.entries:
        if _name(text, (start, end)) == name:
            value_at = re.compile(r'"(?:[^"\\]|\\.)*"\s*:\s*').match(text, start)
            assert value_at is not None
            return text[: value_at.end()] + _written(value, unit, depth + 1, line_end) + text[end:]
    entry = f"{json.dumps(name, ensure_ascii=False)}: {_written(value, unit, depth + 1, line_end)}"
    gap = line_end + unit * (depth + 1)
    if not here.entries:
        return f"{text[: here.start + 1]}{gap}{entry}{line_end}{unit * depth}{text[here.end - 1 :]}"
    last = here.entries[-1][1]
    return f"{text[:last]},{gap}{entry}{text[last:]}"


def _written(value: Any, unit: str, depth: int, line_end: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", line_end + unit * depth)


def _name(text: str, entry: Span) -> str:
    match = _TOKEN.match(text, entry[0])
    assert match is not None
    return json.loads(match.group())


def _checked(text: str, wanted: dict[str, Any]) -> str:
    if parsed(text) != wanted:
        raise ClawError(
            "It cannot be changed there without touching more (a name may stand in it twice); do it by hand."
        )
    return text
