"""Calls under way on a connection: who answers what the server asks meanwhile, how long each may take, how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from claw_lsp.core.escape import one_line
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import ServerConfig
from claw_lsp.ports.mcp import Asked
from claw_lsp.ports.tools import Tell

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT


@dataclass(slots=True, eq=False)
class Running:
    """A call under way: who answers what the server asks meanwhile, and the clock, which stands still then."""

    asked: Asked
    limit: asyncio.Timeout
    seconds: float

    @asynccontextmanager
    async def waiting(self) -> AsyncGenerator[None]:
        """While a person is being asked."""
        self.limit.reschedule(None)
        try:
            yield
        finally:
            self.goes_on()

    def goes_on(self) -> None:
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + self.seconds)


class Peer(Protocol):
    """The connection, as what the server says reaches it. `running` are the calls under way, the last begun last."""

    config: ServerConfig

    @property
    def running(self) -> Sequence[Running]: ...
    @property
    def roots(self) -> tuple[str, ...]: ...
    def say(self, line: str) -> None: ...
    def heard(self, what: str) -> None: ...


_OF_THIS_TASK: ContextVar[Running | None] = ContextVar("the call that this task makes", default=None)


@contextmanager
def made_here(running: Running) -> Generator[None]:
    """What the server asks in answer to this task belongs to this call."""
    before = _OF_THIS_TASK.set(running)
    try:
        yield
    finally:
        _OF_THIS_TASK.reset(before)


def elicits(peer: Peer) -> Running | None:
    """The call that a question of the server's belongs to. Newer servers ask in their answer to it; those of before ask by
    themselves, and then it is most likely the last that began."""
    here = _OF_THIS_TASK.get()
    return here if here in peer.running else peer.running[-1] if peer.running else None


def progress(tell: Tell, running: Running | None) -> ProgressFnT:
    """Tells how far a call is; a call that goes on is not given up."""

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        if running is not None:
            running.goes_on()
        share = f"{progress:g} of {total:g}" if total else f"{progress:g}"
        with suppress(ClawError):
            await tell(one_line(f"{message} ({share})" if message else share, 200))

    return heard
