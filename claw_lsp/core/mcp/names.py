"""What tools and prompts of MCP servers are called for the model and in rules: clean, unlike each other, always the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

LONGEST = 64
"""Characters of a name: what every provider takes."""

_LONGEST_SERVER = 24


def servers(names: Iterable[str]) -> Mapping[str, str]:
    """What each server is called in names. A rule about one server means no other: no two are called the same, and no name
    has an underscore at an edge or two side by side, since those part a server from its tool."""
    given = tuple(names)
    return _unlike(given, {it: re.sub("_+", "_", _clean(it)).strip("_") for it in given}, _LONGEST_SERVER)


def called(server: str, names: Iterable[str]) -> Mapping[str, str]:
    """`mcp__server__name` for each name that a server uses, `server` being what `servers` says."""
    given = tuple(names)
    before = f"mcp__{server}__"
    plain = {it: re.sub("_+", "_", _clean(it)).strip("_") for it in given}
    return {it: before + short for it, short in _unlike(given, plain, LONGEST - len(before)).items()}


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _unlike(names: Iterable[str], plain: Mapping[str, str], most: int) -> Mapping[str, str]:
    """A name that is clean already keeps itself; every other one that would be another's, is too long or empty is marked with
    a digest of what it was, so that it is the same whatever else there is."""
    taken = [it.casefold() for it in plain.values()]
    return {
        it: plain[it]
        if 0 < len(plain[it]) <= most and (plain[it] == it or taken.count(plain[it].casefold()) == 1)
        else _marked(it, plain[it], most)
        for it in names
    }


def _marked(name: str, plain: str, most: int) -> str:
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: most - len(mark) - 1].rstrip('_')}-{mark}" if plain else f"it-{mark}"
