"""Settings files in JSON with comments and trailing commas: read them, and add one entry; nothing else in the text moves."""

from __future__ import annotations

import json
import re
from typing import Any, cast

_GAP = re.compile(r"(?:\s|//[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"/]+')
_STEP = "    "


class NotJson(Exception):
    """The text is no object in JSON, or one that cannot be read. Its text says where."""


def read(text: str) -> Any:
    """The value, without comments. Raises NotJson."""
    tokens = [it for it, _, _ in _tokens(text)]
    kept = [it for n, it in enumerate(tokens) if it != "," or (tokens[n + 1 : n + 2] or [""])[0] not in ("}", "]")]
    try:
        return json.loads(" ".join(kept))
    except ValueError as error:
        raise NotJson(str(error)) from None


def added(text: str, keys: tuple[str, ...], value: Any) -> str:
    """The text with `value` under these keys, first among its neighbours; objects on the way are made where missing.

    What is at the keys already must not be there: look with `read` first. Raises NotJson.
    """
    here = _object(read(text), "it")
    opening, depth = _opening(text), 0
    first, *rest = keys
    while rest and first in here:
        here = _object(here[first], first)
        opening, depth = _opening_of(text, opening, first), depth + 1
        first, *rest = rest
    for key in reversed(rest):
        value = {key: value}
    indent = _STEP * (depth + 1)
    entry = json.dumps(value, ensure_ascii=False, indent=len(_STEP)).replace("\n", f"\n{indent}")
    after = text[opening + 1 :]
    comma, end = "," if here else "", ""
    if not after.startswith(("\n", "\r")):
        after, end = after.lstrip(" "), f"\n{indent if here else _STEP * depth}"
    return f"{text[: opening + 1]}\n{indent}{json.dumps(first)}: {entry}{comma}{end}{after}"


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotJson(f"{name} is no object")
    return cast("dict[str, Any]", value)


def _opening(text: str) -> int:
    return next(start for it, start, _ in _tokens(text) if it == "{")


def _opening_of(text: str, opening: int, key: str) -> int:
    """Where the object under this key begins, in the object that begins at `opening`."""
    depth, before = 0, ""
    for it, start, _ in _tokens(text, opening):
        if it in ("{", "["):
            if depth == 1 and it == "{" and before == key:
                return start
            depth += 1
        elif it in ("}", "]"):
            depth -= 1
        elif depth == 1 and it.startswith('"'):
            before = json.loads(it)
    raise NotJson(f"{key} is no object")


def _tokens(text: str, start: int = 0) -> list[tuple[str, int, int]]:
    """The tokens with where they begin and end. Raises NotJson at what is none."""
    found: list[tuple[str, int, int]] = []
    at = _end_of_gap(text, start)
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise NotJson(f"line {text.count(chr(10), 0, at) + 1} cannot be read")
        found.append((token[0], at, token.end()))
        at = _end_of_gap(text, token.end())
    return found


def _end_of_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at
