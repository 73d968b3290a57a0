"""Sessions of the past, as lists and searches show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session as lists show it. Times are Unix seconds; `folder` is the home it began in."""

    session: str
    path: str
    folder: str
    title: str
    model: str
    started: float
    updated: float
    n_turns: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Where words stand: in what entry, behind which prompt, who said them, and one line of what is around them."""

    n: int
    at: float
    prompt_id: str
    who: Literal["you", "claude", "title"]
    excerpt: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """The sessions in which words were found, newest first, each with where; `cut` is a sentence that says why not
    everything was looked at, else empty."""

    sessions: tuple[tuple[SessionSummary, tuple[Passage, ...]], ...]
    cut: str = ""
