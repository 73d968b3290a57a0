"""The files below a folder that somebody asks for by name; nothing is opened, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

MOST_LOOKED_AT = 50_000
MOST = 5
"""How many are told; one is enough to ask about."""


def files_below(folder: str, wanted: Callable[[str], bool], leave_out: Collection[str]) -> tuple[str, ...]:
    """The first of them; the folder itself where there are too many files to look at."""
    found: list[str] = []
    n_looked_at = 0
    for here, folders, names in os.walk(folder):
        folders[:] = [it for it in folders if it not in leave_out]
        found += [path for name in names if wanted(path := f"{here.rstrip('/')}/{name}")]
        n_looked_at += len(names)
        if len(found) >= MOST:
            break
        if n_looked_at > MOST_LOOKED_AT:
            return (*found, folder)
    return tuple(sorted(found)[:MOST])
