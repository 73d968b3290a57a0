"""Where a value stands in the text of a JSON file, so that a message can point at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Keys = tuple[str | int, ...]
"""The way to a value: names in objects, numbers in lists."""


def place(text: str, keys: Keys) -> tuple[int, int]:
    """Line and column (from 1) of the name or the list entry that `keys` leads to; of the last of several.

    `text` must be valid JSON. What cannot be found is the start of the file.
    """
    found = 0
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "]}":
            levels.pop()
            continue
        if token in ",:":
            _pass(levels[-1], token)
            continue
        if levels:
            level = levels[-1]
            if level.in_object and level.names:
                level.here = json.loads(token)
            if (not level.in_object or level.names) and tuple(it.here for it in levels) == keys:
                found = match.start()
        if token in "[{":
            levels.append(_Level(in_object=token == "{", names=token == "{", here=0))
    return text.count("\n", 0, found) + 1, found - (text.rfind("\n", 0, found) + 1) + 1


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(slots=True)
class _Level:
    """One open object or list. `names` says that the next text is a name and not a value."""

    in_object: bool
    names: bool
    here: str | int


def _pass(level: _Level, token: str) -> None:
    if level.in_object:
        level.names = token == ","
    elif isinstance(level.here, int):
        level.here += 1
