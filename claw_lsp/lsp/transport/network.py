"""TCP and WebSocket as wires, on the loopback interface only."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import TYPE_CHECKING

from claw_lsp.lsp.transport.entrance import LOOPBACK, Entrance, is_loopback, token_in
from claw_lsp.lsp.transport.framing import MAX_BODY, read_frames
from claw_lsp.lsp.transport.outgoing import Limits
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing, Wire, run
from claw_lsp.lsp.transport.sinks import StreamSink, WebSocketSink

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response


def run_tcp(server: DoorServer, port: int, timing: Timing | None = None, limits: Limits | None = None) -> int:
    """Serve one client over TCP; port 0 picks a free one; port and token are told on stderr; the exit code."""
    return run(lambda: serve_tcp(server, port, timing, limits), server, timing)


def run_websocket(server: DoorServer, port: int, timing: Timing | None = None, limits: Limits | None = None) -> int:
    """Serve one client over a WebSocket; as `run_tcp`."""
    return run(lambda: serve_websocket(server, port, timing, limits), server, timing)


async def serve_tcp(server: DoorServer, port: int, timing: Timing | None = None, limits: Limits | None = None) -> int:
    """As `run_tcp`, in a running loop."""
    entrance = Entrance(server, timing, limits)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await entrance.meet(Wire(read_frames(reader), StreamSink(writer)))

    listening = await asyncio.start_server(meet, LOOPBACK, port)
    _announce("tcp", listening.sockets[0].getsockname()[1], entrance.token)
    try:
        return await entrance.wait_served()
    finally:
        listening.close()


async def serve_websocket(
    server: DoorServer, port: int, timing: Timing | None = None, limits: Limits | None = None
) -> int:
    """As `run_websocket`, in a running loop."""
    from websockets.asyncio.server import serve as listen

    # It logs a traceback for whatever knocks without speaking HTTP.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    entrance = Entrance(server, timing, limits)

    async def meet(connection: ServerConnection) -> None:
        known = connection.request is not None and entrance.fits(token_in(connection.request.path))
        await entrance.meet(Wire(_read_messages(connection), WebSocketSink(connection)), knows_token=known)

    def check(connection: ServerConnection, request: Request) -> Response | None:
        problem = _what_is_foreign(request, entrance)
        return connection.respond(HTTPStatus.FORBIDDEN, problem + "\n") if problem else None

    # No pings: a client that was suspended for a minute is still a client.
    listening = await listen(
        meet, LOOPBACK, port, process_request=check, max_size=MAX_BODY, compression=None, ping_interval=None
    )
    _announce("ws", next(iter(listening.sockets)).getsockname()[1], entrance.token)
    try:
        return await entrance.wait_served()
    finally:
        listening.close()


def _what_is_foreign(request: Request, entrance: Entrance) -> str | None:
    """Why this request cannot come from a program of this machine that knows the token; a web page's cannot."""
    hosts = request.headers.get_all("Host")
    if len(hosts) != 1 or not is_loopback(f"//{hosts[0]}"):
        return "Host: expected localhost"
    if not all(is_loopback(it) for it in request.headers.get_all("Origin")):
        return "Origin: expected none, or localhost"
    token = token_in(request.path)
    if token is not None and not entrance.fits(token):
        return "token: wrong"
    return None


async def _read_messages(connection: ServerConnection) -> AsyncGenerator[bytes, None]:
    from websockets.exceptions import ConnectionClosed

    try:
        while True:
            yield await connection.recv(decode=False)
    except ConnectionClosed:
        return


def _announce(kind: str, port: int, token: str) -> None:
    """One line for people and for programs that started us: `claw-lsp: tcp 127.0.0.1:4711 token …`."""
    sys.stderr.write(f"claw-lsp: {kind} {LOOPBACK}:{port} token {token}\n")
    sys.stderr.flush()
