"""One HTTP connection: h11 over asyncio streams. What is asked and answered is decided elsewhere."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import h11

from claw_lsp.testing.messages_api.moves import HangUp, Move, Send, Wait

MOST_BODY: Final = 32 * 1024 * 1024
_READ: Final = 256 * 1024


class Gone(Exception):
    """The client closed the connection, or we hung up on it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request as it came in. `body` is cut off where it is too large; `arrived` is when its first byte came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    n_bytes: int
    arrived: float


class Connection:
    """A client's connection, kept alive over several requests.

    Invariant: while a response is written, `_waiting` reads ahead, so that a client that goes away is noticed.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._waiting: asyncio.Task[bytes] | None = None
        self._arrived: float | None = None

    async def next_asking(self) -> Asking | None:
        """The next request with its whole body, or None when the client is done."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        head: h11.Request | None = None
        bits: list[bytes] = []
        n_bytes = 0
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                n_bytes += len(event.data)
                if n_bytes <= MOST_BODY:
                    bits.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return self._asking(head, b"".join(bits), n_bytes)
            else:
                return None

    async def answer(self, status: int, headers: Iterable[tuple[str, str]], moves: Iterator[Move]) -> float:
        """Write a response, move by move; the time when its last byte was out. Raises Gone."""
        self._waiting = self._waiting or asyncio.create_task(self._reader.read(_READ))
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await self._write(self._http.send(h11.Response(status_code=status, headers=encoded)))
        for move in moves:
            match move:
                case Send(data):
                    await self._write(self._http.send(h11.Data(data=data)))
                case Wait(seconds):
                    await self.pause(seconds)
                case HangUp(reset):
                    await self._hang_up(reset=reset)
        await self._write(self._http.send(h11.EndOfMessage()))
        return time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the client does. Raises Gone."""
        self._waiting = self._waiting or asyncio.create_task(self._reader.read(_READ))
        if self._waiting.done():
            self._notice_the_end()
            await asyncio.sleep(seconds)
            return
        await asyncio.wait({self._waiting}, timeout=seconds)
        self._notice_the_end()

    async def close(self) -> None:
        """Close for good; the client sees an orderly end."""
        if self._waiting:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    def _asking(self, head: h11.Request, body: bytes, n_bytes: int) -> Asking:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        arrived = time.monotonic() if self._arrived is None else self._arrived
        self._arrived = None
        path = head.target.decode("latin-1").partition("?")[0]
        return Asking(head.method.decode(), path, headers, body, n_bytes, arrived)

    async def _next_event(self) -> h11.Event | None:
        """The next event; None when the client is done, or speaks no HTTP."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                return None
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                return None
            if self._http.they_are_waiting_for_100_continue:
                await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            data = await self._read()
            if self._arrived is None and data:
                self._arrived = time.monotonic()
            self._http.receive_data(data)

    async def _read(self) -> bytes:
        ahead, self._waiting = self._waiting, None
        try:
            return await (ahead or self._reader.read(_READ))
        except ConnectionError:
            return b""

    async def _write(self, data: bytes | None) -> None:
        self._notice_the_end()
        if data:
            try:
                self._writer.write(data)
                await self._writer.drain()
            except ConnectionError as error:
                raise Gone from error

    def _notice_the_end(self) -> None:
        ahead = self._waiting
        if ahead and ahead.done() and (ahead.exception() is not None or not ahead.result()):
            raise Gone

    async def _hang_up(self, *, reset: bool) -> None:
        if reset:
            self._writer.transport.abort()
        else:
            await self.close()
        raise Gone
