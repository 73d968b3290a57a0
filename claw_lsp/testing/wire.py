"""A headless LSP client that says exactly what it is told to: in process, or at the other end of a child's stdio.

It speaks plain dicts, and bytes where even JSON is too good, so that every odd client can be imitated.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from claw_lsp.lsp.transport.framing import frame, read_frames
from claw_lsp.lsp.transport.outgoing import Limits
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing, Wire, serve
from claw_lsp.lsp.transport.sinks import StreamSink

Answering = Callable[[Any], Any]

TIMEOUT = 40.0


class WireError(Exception):
    """An error answer: of the server when `request` raises it, of ours when a function given to `on_request` does."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class NoAnswer(Exception):
    """Raise it in a function given to `on_request`: the client then never answers, as vim-lsp does."""


class WireClient:
    """One end of a wire.

    Invariant: every notification and request of the server's is claimed (waited for, listed, handled, ignored) or is
    in `unclaimed()`.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._n_sent = 0
        self._pending: dict[int | str, asyncio.Future[Any]] = {}
        self._answering: dict[str, Answering] = {}
        self._ignored: set[str] = set()
        self._notifications: list[dict[str, Any]] = []
        self._refused: list[str] = []
        self._arrived = asyncio.Condition()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._replies: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read(reader), name="client")
        self.stray: list[dict[str, Any]] = []
        self.methods: set[str] = set()
        """The names of everything the server ever told or asked."""
        self.closed = asyncio.Event()
        self.hung_up = False
        self.exit_code: int | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.stderr = bytearray()

    # ---- saying ---------------------------------------------------------------------------------------------------

    async def request(self, method: str, params: Any = None, timeout: float = TIMEOUT) -> Any:
        """Ask and wait; raises WireError, or TimeoutError."""
        return await self.answer_to(self.send_request(method, params), timeout)

    def send_request(self, method: str, params: Any = None) -> int:
        """Ask without waiting; the id, for `answer_to` or `cancel`."""
        self._n_sent += 1
        self.expect(self._n_sent)
        self.send({"jsonrpc": "2.0", "id": self._n_sent, "method": method} | _given(params))
        return self._n_sent

    async def answer_to(self, request_id: int | str, timeout: float = TIMEOUT) -> Any:
        """The result of a request sent before; raises WireError, or TimeoutError."""
        async with asyncio.timeout(timeout):
            return await asyncio.shield(self._pending[request_id])

    def expect(self, request_id: int | str) -> None:
        """An answer to this id will come, though the request is sent by hand."""
        self._pending[request_id] = asyncio.get_running_loop().create_future()

    def cancel(self, request_id: int | str) -> None:
        """Tell the server that this answer is not wanted any more."""
        self.notify("$/cancelRequest", {"id": request_id})

    def notify(self, method: str, params: Any = None) -> None:
        """Tell the server something."""
        self.send({"jsonrpc": "2.0", "method": method} | _given(params))

    def send(self, message: Any) -> None:
        """Send any JSON as a message; a lone surrogate goes out as its escape."""
        self.send_bytes(frame(json.dumps(message).encode("ascii")))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are: no header is added."""
        self._writer.write(data)

    async def flush(self) -> None:
        """Wait until what was sent is on its way."""
        await self._writer.drain()

    # ---- hearing --------------------------------------------------------------------------------------------------

    def on_request(self, method: str, answering: Answering) -> None:
        """Answer this request of the server's with `answering(params)`, which may be async; other ones get -32601."""
        self._answering[method] = answering

    def ignore(self, *methods: str) -> None:
        """These may come and mean nothing to this test."""
        self._ignored.update(methods)

    def notifications(self, method: str) -> list[Any]:
        """The params of all that came so far, in order, and were not claimed yet."""
        claimed = [it["params"] for it in self._notifications if it["method"] == method]
        self._notifications = [it for it in self._notifications if it["method"] != method]
        return claimed

    async def next_notification(
        self, method: str, timeout: float = TIMEOUT, *, where: Callable[[Any], bool] = lambda _: True
    ) -> Any:
        """The params of the first unclaimed one that fits, once it is there; raises TimeoutError."""
        async with asyncio.timeout(timeout), self._arrived:
            while True:
                for message in self._notifications:
                    if message["method"] == method and where(message["params"]):
                        self._notifications.remove(message)
                        return message["params"]
                await self._arrived.wait()

    def unclaimed(self) -> list[str]:
        """What the server sent and nobody claimed."""
        told = [f"notification {it['method']}" for it in self._notifications if it["method"] not in self._ignored]
        asked = [f"request {it}" for it in self._refused if it not in self._ignored]
        return told + asked + [f"stray {json.dumps(it)[:200]}" for it in self.stray]

    def pause_reading(self) -> None:
        """Stop taking what the server sends, as a suspended editor does."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""
        self._may_read.set()

    # ---- the life of a connection ---------------------------------------------------------------------------------

    async def initialize(self, capabilities: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Both halves of the handshake; the server's answer. `params` are more fields of InitializeParams."""
        fields = {"processId": None, "rootUri": None, "capabilities": dict(capabilities or {})} | params
        result = await self.request("initialize", fields)
        self.notify("initialized", {})
        return cast("dict[str, Any]", result)

    async def shut_down(self) -> None:
        """A polite end, as far as this side goes."""
        await self.request("shutdown")
        self.notify("exit")

    def hang_up(self) -> None:
        """End the server's input, as an editor that died; what the server still says is heard."""
        self.hung_up = True
        self._writer.write_eof()

    async def wait_closed(self, timeout: float = TIMEOUT) -> int:
        """The server's exit code, once it ended; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while self.exit_code is None:
                if self.process is not None:
                    self.exit_code = await self.process.wait()
                else:
                    await asyncio.sleep(0.005)
        return self.exit_code

    async def abandon(self) -> None:
        """Stop reading and close; nothing is checked."""
        for task in [self._reading, *self._replies]:
            task.cancel()
        await asyncio.gather(self._reading, *self._replies, return_exceptions=True)
        for future in self._pending.values():
            future.cancel()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            async for body in read_frames(_Patient(reader, self._may_read)):
                await self._hear(json.loads(body))
        except OSError:
            pass
        finally:
            self.closed.set()
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the server closed the connection"))
                    future.exception()

    async def _hear(self, message: dict[str, Any]) -> None:
        self.methods.add(message.get("method", ""))
        match message:
            case {"method": str(), "id": _}:
                reply = asyncio.create_task(self._reply(message))
                self._replies.add(reply)
                reply.add_done_callback(self._replies.discard)
            case {"method": str()}:
                async with self._arrived:
                    self._notifications.append({"params": None} | message)
                    self._arrived.notify_all()
            case {"id": int() | str() as request_id} if not _done(self._pending.get(request_id)):
                self._settle(self._pending[request_id], message)
            case _:
                self.stray.append(message)

    def _settle(self, future: asyncio.Future[Any], message: dict[str, Any]) -> None:
        if "error" in message:
            error = message["error"]
            future.set_exception(WireError(error["code"], error["message"], error.get("data")))
            future.exception()  # An answer nobody waits for is no failure.
        else:
            future.set_result(message["result"])

    async def _reply(self, message: dict[str, Any]) -> None:
        method, reply = message["method"], {"jsonrpc": "2.0", "id": message["id"]}
        answering = self._answering.get(method)
        try:
            if answering is None:
                self._refused.append(method)
                raise WireError(-32601, f"{method}: not known to this client")
            result = answering(message.get("params"))
            reply["result"] = await result if inspect.isawaitable(result) else result
        except WireError as error:
            reply["error"] = {"code": error.code, "message": error.message}
        except NoAnswer:
            return
        self.send(reply)


@asynccontextmanager
async def connected(
    server: DoorServer, *, timing: Timing | None = None, limits: Limits | None = None
) -> AsyncGenerator[WireClient, None]:
    """A client wired to `server` in this loop; on leaving it says goodbye and fails for what was not claimed."""
    near, far = socket.socketpair()
    client_reader, client_writer = await asyncio.open_connection(sock=near)
    server_reader, server_writer = await asyncio.open_connection(sock=far)
    client = WireClient(client_reader, client_writer)
    serving = asyncio.create_task(
        serve(server, Wire(read_frames(server_reader), StreamSink(server_writer)), timing, limits), name="server"
    )
    serving.add_done_callback(
        lambda it: setattr(client, "exit_code", None if it.cancelled() or it.exception() else it.result())
    )
    try:
        yield client
        await _goodbye(client, lambda: not serving.done())
    finally:
        server.protocol.finish(1)
        client.resume_reading()
        await serving
        await client.abandon()


@asynccontextmanager
async def spawned(
    argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | str | None = None
) -> AsyncGenerator[WireClient, None]:
    """A client wired to a child process; `env` is added to this process's. On leaving as `connected`."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | dict(env or {}),
        cwd=cwd,
    )
    assert process.stdin and process.stdout and process.stderr
    client = WireClient(process.stdout, process.stdin)
    client.process = process
    listening = asyncio.create_task(_listen(process.stderr, client.stderr))
    try:
        yield client
        await _goodbye(client, lambda: process.returncode is None)
    finally:
        if process.returncode is None:
            process.kill()
        client.exit_code = await process.wait()
        await client.abandon()
        await listening
        # asyncio closes a pipe of a child only when it was read to its end.
        await process.stdout.read()


class _Patient:
    """A reader that waits while its client pretends to be busy."""

    def __init__(self, reader: asyncio.StreamReader, may_read: asyncio.Event) -> None:
        self._reader = reader
        self._may_read = may_read

    async def read(self, n: int, /) -> bytes:
        await self._may_read.wait()
        return await self._reader.read(n)


async def _goodbye(client: WireClient, running: Callable[[], bool]) -> None:
    """Shut the server down if it still runs, then raise AssertionError for what was not claimed."""
    client.resume_reading()
    if running() and not client.closed.is_set():
        if not client.hung_up:
            with suppress(WireError, ConnectionError):
                await client.request("shutdown")
            client.notify("exit")
        await client.wait_closed()
    if left := client.unclaimed():
        raise AssertionError("the server sent what nobody claimed:\n  " + "\n  ".join(left))


async def _listen(stream: asyncio.StreamReader, into: bytearray) -> None:
    while piece := await stream.read(65536):
        into += piece


def _done(future: asyncio.Future[Any] | None) -> bool:
    return future is None or future.done()


def _given(params: Any) -> dict[str, Any]:
    return {} if params is None else {"params": params}
