"""The provider behind the Messages API, and where its signals go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import Signal

Hear = Callable[[Signal], Awaitable[None]]
"""Where signals go. Awaited: the last one is never lost."""


Count = Callable[[Request], Awaitable[int | None]]
"""How many tokens a request takes, by the server's own count; None where it has none, or not in time. Never raises."""


class Model(Protocol):
    """The provider behind the Messages API."""

    async def consult(self, request: Request, hear: Hear) -> Reply:
        """One reply. Faults before anything was shown are retried here (said by `Retrying`); a stream that breaks after
        that comes back as a reply that is `cut`. Raises ModelError when the provider failed for good."""
        ...

    async def close(self) -> None:
        """Let connections go. A later request opens new ones."""
        ...
