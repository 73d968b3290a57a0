"""Watching the editor's process: its end is ours, even where another process keeps the pipe open."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from claw_lsp.lsp.transport.server import DoorServer

logger = logging.getLogger(__name__)


async def watch_parent(server: DoorServer, every: float) -> None:
    """Tells `server` that it lost its client when the process of `initialize.processId` is no more.

    A process that was never there is not watched: the editor may live on another machine or outside our container.
    """
    await server.protocol.introduced.wait()
    if server.process_id is None:
        return
    loop, over, gone = asyncio.get_running_loop(), threading.Event(), asyncio.Event()

    def tell() -> None:
        # The loop may be closed by now; then nobody asks.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(gone.set)

    # A thread of its own: psutil reads files, and the loop's threads may all be busy.
    threading.Thread(
        target=_watch, args=(server.process_id, every, over, tell), name="claw-parent", daemon=True
    ).start()
    try:
        await gone.wait()
    finally:
        over.set()
    server.protocol.lose("the editor's process ended")


def _watch(process_id: int, every: float, over: threading.Event, tell: Callable[[], None]) -> None:
    import psutil  # 20 ms of import, kept out of the handshake

    def alive() -> bool:
        try:
            # A pid that was given to another process is not running any more, for psutil.
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True

    try:
        process = psutil.Process(process_id)
    except (psutil.Error, ValueError):
        logger.info("the editor's process is not visible from here")
        return
    while alive():
        if over.wait(every):
            return
    tell()
