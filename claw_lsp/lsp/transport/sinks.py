"""Where messages leave the process: a byte stream, a file or terminal, a WebSocket; none of them blocks the loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from claw_lsp.lsp.transport.framing import frame

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection


class Sink(Protocol):
    """The near end of a connection."""

    async def send(self, bodies: Sequence[bytes]) -> None:
        """Returns when the far end, or a small buffer, took them all; raises OSError when it is gone."""
        ...

    async def close(self) -> None:
        """Returns when what was sent is out; cancelling it drops what is not."""
        ...


class StreamSink:
    """Frames over a pipe or a socket."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, bodies: Sequence[bytes]) -> None:
        self._writer.write(b"".join(frame(it) for it in bodies))
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        try:
            with suppress(OSError):
                await self._writer.wait_closed()
        except asyncio.CancelledError:
            self._writer.transport.abort()
            raise


class ThreadSink:
    """Frames into what asyncio cannot watch: a regular file, a terminal, any pipe of Windows.

    Invariant: the thread is a daemon, so one that is stuck in a write does not keep the process alive.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._jobs: SimpleQueue[tuple[bytes, Future[None]] | None] = SimpleQueue()
        threading.Thread(target=self._write_on, name="claw-stdout", daemon=True).start()

    async def send(self, bodies: Sequence[bytes]) -> None:
        done: Future[None] = Future()
        self._jobs.put((b"".join(frame(it) for it in bodies), done))
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        self._jobs.put(None)

    def _write_on(self) -> None:
        while (job := self._jobs.get()) is not None:
            data, done = job
            done.set_running_or_notify_cancel()
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError as error:
                done.set_exception(error)
            else:
                done.set_result(None)


class WebSocketSink:
    """One text message a body."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, bodies: Sequence[bytes]) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            for body in bodies:
                await self._connection.send(body, text=True)
        except ConnectionClosed as error:
            raise ConnectionResetError("the client closed the WebSocket") from error

    async def close(self) -> None:
        await self._connection.close()
