"""How long a turn may take. The time in which the person is asked does not count."""

from __future__ import annotations

import asyncio
from types import TracebackType

from claw_lsp.facts.event import Entry
from claw_lsp.facts.question import Answer, Question
from claw_lsp.facts.signal import Signal
from claw_lsp.ports.person import Host


class Deadline:
    """A Host that stops the time while it asks. Used as a context around the turn, which a TimeoutError leaves when the
    time is over; `limit` in seconds, None for a turn that may take as long as it likes."""

    def __init__(self, host: Host, limit: float | None) -> None:
        self._host = host
        self._left = limit
        self._scope = asyncio.timeout(None)
        self._n_asking = 0
        self._since = 0.0

    async def __aenter__(self) -> None:
        await self._scope.__aenter__()
        self._run()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._scope.__aexit__(kind, error, trace)

    @property
    def over(self) -> bool:
        """Whether it was this that ended the turn."""
        return self._scope.expired()

    async def ask(self, question: Question) -> Answer:
        self._stop()
        try:
            return await self._host.ask(question)
        finally:
            self._go_on()

    async def saw(self, entry: Entry) -> None:
        await self._host.saw(entry)

    async def heard(self, signal: Signal) -> None:
        await self._host.heard(signal)

    def _stop(self) -> None:
        self._n_asking += 1
        if self._n_asking == 1 and self._left is not None and not self.over:
            self._left -= asyncio.get_running_loop().time() - self._since
            self._scope.reschedule(None)

    def _go_on(self) -> None:
        self._n_asking -= 1
        if self._n_asking == 0:
            self._run()

    def _run(self) -> None:
        if self._left is not None and not self.over:
            self._since = asyncio.get_running_loop().time()
            self._scope.reschedule(self._since + self._left)
