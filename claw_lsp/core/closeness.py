"""How well a path fits the few letters that a person typed of it: its parts in order, names before folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Rank = tuple[int, int, int]
"""What sorts the best fit first: the kind of fit, how far its letters are apart, the length."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed, ready to be compared; upper and lower case are the same."""

    typed: str
    pattern: re.Pattern[str]

    def rank(self, path: str) -> Rank | None:
        """How well a path fits; None where it does not hold what was typed, letter after letter."""
        folded = path.casefold()
        found = self.pattern.search(folded)
        if found is None:
            return None
        name = folded.rstrip("/").rpartition("/")[2]
        if not self.typed or self.typed.endswith("/"):
            # A folder's own entries come before those further down.
            return (0 if folded.startswith(self.typed) else 2, folded.rstrip("/").count("/"), len(path))
        if name.startswith(self.typed) or folded.startswith(self.typed):
            return (0, 0, len(path))
        if self.typed in folded:
            return (1 if self.typed in name else 2, 0, len(path))
        within = self.pattern.search(name)
        return (3, len(within[0]), len(path)) if within else (4, len(found[0]), len(path))


def wish(typed: str) -> Wish:
    """What a person typed of a path."""
    folded = typed.casefold()
    # Each letter is looked for from the one before it on; what lies between holds it not, so that nothing is tried twice.
    pattern = "".join(
        f"{re.escape(it)}[^{re.escape(following)}]*" for it, following in zip(folded, folded[1:], strict=False)
    )
    return Wish(folded, re.compile(pattern + re.escape(folded[-1:])))


def ranked(wished: Wish, paths: Iterable[str]) -> Iterator[tuple[Rank, str]]:
    """The paths that fit, each with its rank."""
    for path in paths:
        rank = wished.rank(path)
        if rank is not None:
            yield rank, path


def with_folders(paths: Iterable[str]) -> list[str]:
    """Relative paths and the folders they are in, each once; a folder ends in a slash."""
    files = list(paths)
    folders: dict[str, None] = {}
    for path in files:
        end = path.rfind("/") + 1
        while end > 1 and path[:end] not in folders:
            folders[path[:end]] = None
            end = path.rfind("/", 0, end - 1) + 1
    return [*folders, *files]
