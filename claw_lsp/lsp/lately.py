"""What was looked up lately: answered from memory, and looked up again behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from claw_lsp.facts.fault import ClawError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Lately(Generic[T]):
    """Answers by key, of `look`, which may raise ClawError.

    Invariant: a key is looked up by one task at a time, and again only when its answer is older than `fresh` seconds.
    """

    def __init__(self, look: Callable[[str], Awaitable[T]], *, fresh: float = 5.0, patience: float = 1.0) -> None:
        self._look = look
        self._fresh = fresh
        self._patience = patience
        self._known: dict[str, tuple[T, float]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def get(self, key: str) -> T | None:
        """What is known, however old; waited for only the first time, and not for long: None means not yet."""
        known = self._known.get(key)
        if known is None or asyncio.get_running_loop().time() - known[1] > self._fresh:
            task = self._tasks.get(key) or self._begin(key)
            if known is None:
                # Whoever asks may be cancelled; the task goes on for whoever asks next.
                await asyncio.wait({task}, timeout=self._patience)
        found = self._known.get(key)
        return found[0] if found else None

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _begin(self, key: str) -> asyncio.Task[None]:
        task = self._tasks[key] = asyncio.create_task(self._renew(key), name=f"looking up {key}")
        task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return task

    async def _renew(self, key: str) -> None:
        try:
            found = await self._look(key)
        except ClawError as error:
            logger.info("%s could not be looked up: %s", key, error)
            return
        self._known[key] = (found, asyncio.get_running_loop().time())
