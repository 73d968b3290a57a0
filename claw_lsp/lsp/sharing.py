"""Whether other agents of the person's machine may ask this editor, and what they proposed here."""

from __future__ import annotations

from claw_lsp.engine.session import Session
from claw_lsp.ports.editors import Answer, Offer


class Sharing:
    """Each agent has a session of its own in each folder: `sessions`, by both."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self.sessions: dict[tuple[str, str], Session] = {}

    async def open(self, answer: Answer) -> None:
        """Be there for others. Raises ClawError."""
        await self._offer.open(answer)

    async def close(self) -> None:
        await self._offer.close()
