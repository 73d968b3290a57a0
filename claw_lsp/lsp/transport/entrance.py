"""Who may be the client of a server that listens on a port: whoever knows the token, and one at a time."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import AsyncGenerator
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from lsprotocol import types

from claw_lsp.lsp.transport.framing import FramingLost
from claw_lsp.lsp.transport.messages import INVALID_REQUEST, Request, RequestId, read_message
from claw_lsp.lsp.transport.outgoing import Limits
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing, Wire, clean_up, serve
from claw_lsp.lsp.transport.sinks import Sink

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_STRANGERS = 16


class Entrance:
    """The door keeper of one server.

    Invariant: nothing a stranger sends reaches the server; a stranger is turned away after `patience` seconds.
    """

    def __init__(
        self, server: DoorServer, timing: Timing | None = None, limits: Limits | None = None, *, patience: float = 10.0
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self._server = server
        self._timing = timing or Timing()
        self._limits = limits
        self._patience = patience
        self._n_strangers = 0
        self._taken = False
        self._served = asyncio.Event()

    async def meet(self, wire: Wire, *, knows_token: bool = False) -> None:
        """Serve the client at the other end if it may come in, else say why not; then close."""
        first = await self._listen(wire.bodies) if self._n_strangers < MAX_STRANGERS else None
        if first is None:
            await _turn_away(wire.sink, None, "initialize, with a token, comes first")
        elif not (knows_token or self.fits(_token_of(first))):
            await _turn_away(wire.sink, first.id, "initializationOptions.token: missing or wrong")
        elif self._taken:
            await _turn_away(wire.sink, first.id, "another client is connected; start a server of your own")
        else:
            self._taken = True
            bodies = _with_first(_without_token(first), wire.bodies)
            try:
                await serve(self._server, Wire(bodies, wire.sink), self._timing, self._limits)
            finally:
                self._served.set()

    def fits(self, token: Any) -> bool:
        """True for our token, in the same time for every other string."""
        return isinstance(token, str) and hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    async def wait_served(self) -> int:
        """The exit code, once the one client was served, or the process was told to end before there was one."""
        await self._server.protocol.ended.wait()
        if self._taken:
            await self._served.wait()
        else:
            await clean_up(self._server, self._timing.clean_up)
        return self._server.protocol.exit_code

    async def _listen(self, bodies: AsyncGenerator[bytes, None]) -> Request | None:
        """The `initialize` that a stranger begins with, or None."""
        self._n_strangers += 1
        try:
            async with asyncio.timeout(self._patience):
                message = read_message(await anext(bodies))
        except (TimeoutError, StopAsyncIteration, FramingLost, OSError):
            return None
        finally:
            self._n_strangers -= 1
        return message if isinstance(message, Request) and message.method == types.INITIALIZE else None


def is_loopback(url: str) -> bool:
    """True for a URL, or `//host:port`, whose host is this machine by one of its fixed names."""
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES and "@" not in url
    except ValueError:
        return False


def token_in(path: str) -> str | None:
    """The token of a request path with `?token=`, None without."""
    return parse_qs(urlsplit(path).query, keep_blank_values=True).get("token", [None])[0]


def _options(request: Request) -> dict[str, Any]:
    params = cast("dict[str, Any]", request.params) if isinstance(request.params, dict) else {}
    options = params.get("initializationOptions")
    return cast("dict[str, Any]", options) if isinstance(options, dict) else {}


def _token_of(request: Request) -> Any:
    return _options(request).get("token")


def _without_token(request: Request) -> bytes:
    """The request again; the door has no use for the token and could only lose it into a log."""
    _options(request).pop("token", None)
    message = {"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": request.params}
    return json.dumps(message).encode()


async def _with_first(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for body in rest:
        yield body


async def _turn_away(sink: Sink, request_id: RequestId | None, why: str) -> None:
    logger.warning("a client was turned away: %s", why)
    answer = {"jsonrpc": "2.0", "id": request_id, "error": {"code": INVALID_REQUEST, "message": why}}
    try:
        async with asyncio.timeout(1):
            await sink.send([json.dumps(answer).encode()])
            await sink.close()
    except (TimeoutError, OSError):
        logger.debug("and was gone already")
