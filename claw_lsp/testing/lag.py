"""How long the event loop was kept from its work: the measure behind "no handler blocks for more than 50 ms"."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

TICK = 0.002


@dataclass(slots=True)
class Lag:
    """What was measured so far, in seconds."""

    worst: float = 0.0


@asynccontextmanager
async def loop_lag() -> AsyncGenerator[Lag, None]:
    """Measures while the block runs. CPU time counts, not the clock's: a busy machine is not our fault, and neither is
    the collector, which in a test process walks what all tests before left behind.

    What blocks without using the CPU (time.sleep, a synchronous read) is blockbuster's to find.
    """
    lag = Lag()
    collects = gc.isenabled()
    gc.disable()
    probe = asyncio.create_task(_probe(lag), name="lag")
    try:
        yield lag
    finally:
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        if collects:
            gc.enable()


async def _probe(lag: Lag) -> None:
    while True:
        busy = time.thread_time()
        await asyncio.sleep(TICK)
        lag.worst = max(lag.worst, time.thread_time() - busy)
