"""Whether other agents of the person's machine may ask this editor, and what they proposed here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from claw_lsp.engine.session import Session
from claw_lsp.ports.editors import Answer, Offer


class Sharing:
    """Each agent has a session of its own in each folder: `sessions`, by both."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._one_by_one = asyncio.Lock()
        self.sessions: dict[tuple[str, str], Session] = {}

    async def follow(self, wanted: Callable[[], Awaitable[bool]], answer: Answer) -> None:
        """Be there for others if that is wanted now, else not. Raises ClawError."""
        # An editor says its settings right after the handshake: then this is called twice at once.
        async with self._one_by_one:
            if await wanted():
                await self._offer.open(answer)
            else:
                await self._offer.close()

    async def close(self) -> None:
        async with self._one_by_one:
            await self._offer.close()
