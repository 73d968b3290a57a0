"""Which files instruct."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from claw_lsp.facts.instructions import Around, FoundInstructions, Instructions


class Guidance(Protocol):
    """Which files instruct: CLAW.md and its like, rules, and the agent's notes. Nothing raises for a file."""

    async def beginning(self, around: Around) -> FoundInstructions:
        """Those that hold for a session from its beginning, the most general first, notes last."""
        ...

    async def for_files(self, paths: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        """Those that hold for these files beside what the session began with: of folders below its own, and rules with
        `paths`; the most general first."""
        ...

    async def again(self, files: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        """What files that held for some files say now; one that is gone is not among them."""
        ...
