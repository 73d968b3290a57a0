"""Where paths really lead: links followed, `..` taken out, spelled as the disk spells them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from claw_lsp.facts.plan import PlannedPath


def located(path: str) -> PlannedPath:
    """An absolute path, normalised, and its target. Links of existing parents and dangling links are followed.

    `..` is taken out by name, before links are looked at: that is the path which is then opened.
    """
    named = os.path.normpath(path)
    if named.startswith("//"):
        named = named[1:]
    return PlannedPath(named, resolved(named))


def resolved(path: str) -> str:
    """The target of a normalised absolute path. A loop of links gives the path where the loop was met."""
    target = os.path.realpath(path)
    return spelled(target, _names) if _ignores_case(target) else target


def spelled(target: str, names: Callable[[str], Collection[str]]) -> str:
    """The path as the disk spells it where case does not count; `names` lists a directory."""
    path = Path(target)
    here = Path(path.anchor)
    for part in path.parts[1:]:
        here /= _spelling(part, names(str(here)))
    return str(here)


def _spelling(part: str, names: Collection[str]) -> str:
    if part in names:
        return part
    return next((name for name in names if name.casefold() == part.casefold()), part)


def _names(folder: str) -> Collection[str]:
    try:
        return {entry.name for entry in Path(folder).iterdir()}
    except OSError:
        return ()


def _ignores_case(target: str) -> bool:
    """Whether the deepest existing part of the path also answers to its name in the other case."""
    existing = target
    while (status := _status(existing)) is None:
        existing, above = os.path.dirname(existing), existing  # noqa: PTH120
        if existing == above:
            return False
    folder, name = os.path.split(existing)
    other = os.path.join(folder, name.swapcase())  # noqa: PTH118
    twin = _status(other) if other != existing else None
    return twin is not None and os.path.samestat(status, twin)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
