"""What an editor shares with other agents of this machine: how it is offered, and how it is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from claw_lsp.facts.shared import Asked

Answer = Callable[[Asked], Awaitable[dict[str, Any]]]
"""What an editor tells. Raises ClawError with a sentence for the one who asked."""


class Offer(Protocol):
    """The way in to one editor: closed at first, and open only to programs of the same person. One call at a time."""

    async def open(self, answer: Answer) -> None:
        """Be there for others from now on. Does nothing where it is open. Raises ClawError."""
        ...

    async def close(self) -> None:
        """Be gone, without a trace on the disk. Does nothing where it is closed."""
        ...


class Editors(Protocol):
    """The editors of this machine that are shared."""

    async def known(self) -> tuple[str, ...]:
        """A name for each of them, the one that was opened last first; some may have gone since."""
        ...

    async def ask(self, editor: str, asked: Asked) -> dict[str, Any]:
        """What one of them says. Raises HostError where it is gone, ToolError where it refuses."""
        ...
