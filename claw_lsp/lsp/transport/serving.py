"""One connection from its first byte to the exit code, whichever wire it came over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from claw_lsp.lsp.transport.framing import FramingLost
from claw_lsp.lsp.transport.outgoing import Limits, Outgoing
from claw_lsp.lsp.transport.parent import watch_parent
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.sinks import Sink

logger = logging.getLogger(__name__)

SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. An editor that went away waits for nobody: `clean_up`, `flush` and the rest must fit into 2."""

    watch_parent: float = 3.0
    clean_up: float = 1.2
    flush: float = 0.3


@dataclass(frozen=True, slots=True)
class Wire:
    """Both directions of a connection: bodies that come in, and where bodies go out."""

    bodies: AsyncGenerator[bytes, None]
    sink: Sink


async def serve(server: DoorServer, wire: Wire, timing: Timing | None = None, limits: Limits | None = None) -> int:
    """Serve one client until it or the process ends; the exit code, after the door cleaned up."""
    timing = timing or Timing()
    logging.getLogger("pygls").setLevel(logging.WARNING)
    protocol = server.protocol
    outgoing = Outgoing(wire.sink, protocol.lose, limits)
    protocol.attach(outgoing)
    tasks = [
        asyncio.create_task(_read(server, wire.bodies), name="incoming"),
        asyncio.create_task(watch_parent(server, timing.watch_parent), name="parent"),
    ]
    try:
        await protocol.ended.wait()
    finally:
        # What comes while we clean up after a signal is still read: answers to last edits, for instance.
        await clean_up(server, timing.clean_up)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        protocol.disconnect("the connection was closed")
        await outgoing.close(timing.flush)
    return protocol.exit_code


async def clean_up(server: DoorServer, timeout: float) -> None:
    """Let the door clean up for at most `timeout` seconds; never raises."""
    try:
        async with asyncio.timeout(timeout):
            await server.hooks.clean_up()
            await server.protocol.wait_shut_down()
    except TimeoutError:
        logger.error("cleaning up took more than %.1f s", timeout)
    except Exception:
        logger.exception("cleaning up failed")


def run(main: Callable[[], Coroutine[Any, Any, int]], server: DoorServer, timing: Timing | None = None) -> int:
    """Run `main` in a loop of its own, with signals ending `server`; the process's exit code.

    A thread that is stuck cannot keep the process: it is ended hard when its time for cleaning up is over.
    """
    timing = timing or Timing()
    return asyncio.run(_with_signals(main, server, timing.clean_up + timing.flush + 0.2))


async def _with_signals(main: Callable[[], Awaitable[int]], server: DoorServer, grace: float) -> int:
    loop = asyncio.get_running_loop()
    for name in SIGNALS:
        number = getattr(signal, name, None)
        # Windows has no SIGHUP, and its loops no signal handlers.
        with suppress(NotImplementedError):
            if number is not None:
                loop.add_signal_handler(number, server.protocol.finish, 128 + number)
    last_resort = asyncio.create_task(_end_hard_after(server, grace))
    try:
        return await main()
    finally:
        last_resort.cancel()
        _exit_after(grace, server)


async def _end_hard_after(server: DoorServer, grace: float) -> None:
    await server.protocol.ended.wait()
    _exit_after(grace, server)


def _exit_after(seconds: float, server: DoorServer) -> None:
    timer = threading.Timer(seconds, lambda: os._exit(server.protocol.exit_code))
    timer.daemon = True
    timer.start()


async def _read(server: DoorServer, bodies: AsyncGenerator[bytes, None]) -> None:
    protocol = server.protocol
    try:
        async with aclosing(bodies) as arriving:
            async for body in arriving:
                protocol.receive(body)
                # A burst must not keep the loop from what it started.
                await asyncio.sleep(0)
    except (FramingLost, OSError) as error:
        protocol.lose(str(error))
    else:
        protocol.lose("the editor closed the connection")
