"""Watching the editor's process: its end is ours, even where another process keeps the pipe open."""

from __future__ import annotations

import asyncio
import logging

from claw_lsp.lsp.transport.server import DoorServer

logger = logging.getLogger(__name__)


async def watch_parent(server: DoorServer, every: float) -> None:
    """Ends `server` when the process of `initialize.processId` is no more.

    A process that was never there is not watched: the editor may live on another machine or outside our container.
    """
    await server.protocol.introduced.wait()
    if server.process_id is None:
        return
    import psutil  # 20 ms of import, kept out of the handshake

    try:
        parent = psutil.Process(server.process_id)
    except psutil.Error:
        logger.info("the editor's process is not visible from here")
        return
    while _alive(parent):  # noqa: ASYNC110  nothing tells us of another process's end
        await asyncio.sleep(every)
    server.protocol.lose("the editor's process ended")


def _alive(process: object) -> bool:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
