"""The queue between everybody who has something to tell the client and a client who may not be listening."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from claw_lsp.lsp.transport.sinks import Sink

logger = logging.getLogger(__name__)

BATCH = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait for the client, in bytes, and how long, in seconds.

    Above `high` those who `drain` wait until there is less than `low`. Above `full` for `patience`, or above twice
    `full` at all, the client counts as lost.
    """

    low: int = 256 * 1024
    high: int = 1024 * 1024
    full: int = 32 * 1024 * 1024
    patience: float = 20.0


class Outgoing:
    """Bodies on their way out, in order. Needs a running loop.

    Invariant: `n_bytes` counts what was written and not yet taken, and is at most twice `full` and one body.
    """

    def __init__(self, sink: Sink, on_lost: Callable[[str], None], limits: Limits | None = None) -> None:
        self._sink = sink
        self._on_lost = on_lost
        self._limits = limits or Limits()
        self._bodies: deque[bytes] = deque()
        self._waiting = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._alarm: asyncio.TimerHandle | None = None
        self._open = True
        self._pump = asyncio.create_task(self._send_on(), name="outgoing")
        self.n_bytes = 0
        self.lost = False

    def write(self, body: bytes) -> None:
        """Queue one body; never blocks, never raises; dropped when the connection is over."""
        if not self._open:
            return
        self._bodies.append(body)
        self.n_bytes += len(body)
        self._empty.clear()
        self._waiting.set()
        if self.n_bytes > self._limits.high:
            self._calm.clear()
        if self.n_bytes > 2 * self._limits.full:
            self._lose("the client does not read")
        elif self.n_bytes > self._limits.full and self._alarm is None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._limits.patience, self._lose, "the client does not read")

    async def drain(self) -> None:
        """Returns when the client keeps up; raises ConnectionError when it is gone. Waits as long as it takes."""
        await self._calm.wait()
        if self.lost:
            raise ConnectionResetError("the client is gone")

    async def close(self, timeout: float) -> None:
        """Send what is queued, for at most `timeout` seconds, and close the connection."""
        self._open = False
        try:
            async with asyncio.timeout(timeout):
                if not self.lost:
                    await self._empty.wait()
                await self._sink.close()
        except (TimeoutError, OSError):
            logger.warning("the client did not take the last %d bytes", self.n_bytes)
        finally:
            self._stop()

    async def _send_on(self) -> None:
        try:
            while True:
                await self._waiting.wait()
                batch = self._next_batch()
                await self._sink.send(batch)
                self._took(sum(map(len, batch)))
        except OSError as error:
            self._lose(f"the client is gone: {error.strerror or error}")

    def _next_batch(self) -> list[bytes]:
        batch = [self._bodies.popleft()]
        size = len(batch[0])
        while self._bodies and size + len(self._bodies[0]) <= BATCH:
            size += len(self._bodies[0])
            batch.append(self._bodies.popleft())
        if not self._bodies:
            self._waiting.clear()
        return batch

    def _took(self, size: int) -> None:
        self.n_bytes -= size
        if self.n_bytes <= self._limits.low:
            self._calm.set()
        if self.n_bytes <= self._limits.full and self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._bodies and not self.n_bytes:
            self._empty.set()

    def _lose(self, why: str) -> None:
        if self.lost:
            return
        self.lost = True
        self._stop()
        self._on_lost(why)

    def _stop(self) -> None:
        self._open = False
        self._bodies.clear()
        self.n_bytes = 0
        self._calm.set()
        self._empty.set()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._pump is not asyncio.current_task():
            self._pump.cancel()
