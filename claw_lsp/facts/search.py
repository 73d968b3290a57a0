"""What to search files for, and what was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: a regular expression and how to read it. `before` and `after` are lines of context; with
    `first_only` one match of each file is enough."""

    pattern: str
    glob: str | None = None
    type: str | None = None
    ignore_case: bool = False
    multiline: bool = False
    before: int = 0
    after: int = 0
    first_only: bool = False


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One line of what was found; `parts` are the matching pieces, empty for a line of context."""

    number: int
    text: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The matching lines of one file, in order, with their context."""

    path: str
    lines: tuple[FoundLine, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Everything found; `cut` is a sentence that says why the search ended early, else empty."""

    files: tuple[FoundFile, ...]
    cut: str = ""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file on disk and when it was last changed, in Unix seconds."""

    path: str
    modified: float
