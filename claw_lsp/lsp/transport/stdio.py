"""Standard input and output as a wire; everything else in the process is kept away from them."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
import threading
from contextlib import suppress

from claw_lsp.lsp.transport.framing import READ_SIZE, read_frames
from claw_lsp.lsp.transport.outgoing import Limits
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing, Wire, run, serve
from claw_lsp.lsp.transport.sinks import Sink, StreamSink, ThreadSink


def run_stdio(server: DoorServer, timing: Timing | None = None, limits: Limits | None = None) -> int:
    """Serve over the process's stdin and stdout; the exit code."""
    fd_in, fd_out = take_stdio()

    async def main() -> int:
        return await serve(server, await open_fds(fd_in, fd_out), timing, limits)

    return run(main, server, timing)


def take_stdio() -> tuple[int, int]:
    """Private copies of stdin and stdout. What prints by mistake prints to stderr; what reads, children too, reads nothing."""
    fd_in, fd_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return fd_in, fd_out


async def open_fds(fd_in: int, fd_out: int) -> Wire:
    """A wire over two descriptors, which may be one socket."""
    mode_in, mode_out = os.fstat(fd_in), os.fstat(fd_out)
    if stat.S_ISSOCK(mode_in.st_mode) and os.path.samestat(mode_in, mode_out):
        os.close(fd_out)
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd_in))
        return Wire(read_frames(reader), StreamSink(writer))
    source = await _open_pipe(fd_in) if _pollable(mode_in) else _ThreadSource(fd_in)
    sink: Sink = await _open_writer(fd_out) if _pollable(mode_out) else ThreadSink(fd_out)
    return Wire(read_frames(source), sink)


def _pollable(status: os.stat_result) -> bool:
    return sys.platform != "win32" and (stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode))


async def _open_pipe(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0))
    return reader


async def _open_writer(fd: int) -> StreamSink:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        os.fdopen(fd, "wb", 0),
    )
    return StreamSink(asyncio.StreamWriter(transport, protocol, None, loop))


class _ThreadSource:
    """Reads a file or a terminal in a daemon thread, one piece ahead of who asks."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._wanted = threading.Semaphore(1)
        threading.Thread(target=self._read_on, name="claw-stdin", daemon=True).start()

    async def read(self, n: int, /) -> bytes:
        piece = await self._pieces.get()
        self._wanted.release()
        return piece

    def _read_on(self) -> None:
        while self._wanted.acquire():
            try:
                piece = os.read(self._fd, READ_SIZE)
            except OSError:
                piece = b""
            # The loop may be closed by now; then nobody asks.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
            if not piece:
                return
