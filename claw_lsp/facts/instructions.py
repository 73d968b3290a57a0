"""What files tell the model of how to work here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instructions:
    """One file of instructions: CLAW.md and its like. `origin` says whose it is: "user", "project", "local"."""

    path: str
    origin: str
    text: str
