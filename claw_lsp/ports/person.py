"""The person and their screen."""

from __future__ import annotations

from typing import Protocol

from claw_lsp.facts.event import Entry
from claw_lsp.facts.question import Answer, Question
from claw_lsp.facts.signal import Signal


class Host(Protocol):
    """The person and their screen, as one turn sees them."""

    async def ask(self, question: Question) -> Answer:
        """Waits for an explicit answer, for ever if need be; nothing else comes back. Where nobody can answer, a deny
        `by` "nobody" at once. Cancelling withdraws the question."""
        ...

    async def saw(self, entry: Entry) -> None:
        """A fact was written; now it may be shown."""
        ...

    async def heard(self, signal: Signal) -> None:
        """Something passed by. Text has been kept in the partial file before."""
        ...
