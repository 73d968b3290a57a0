"""The MCP server on a loopback port: whoever comes needs the token, and comes from no web page."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from claw_lsp.facts.fault import ClawError

LOOPBACK = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_SECURITY = TransportSecuritySettings(
    allowed_hosts=[*_NAMES, *(f"{it}:*" for it in _NAMES)],
    allowed_origins=[f"http://{it}:*" for it in _NAMES],
)

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Guarded:
    """An ASGI application behind a token, sent as `Authorization: Bearer …`."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan" or self._knows(scope):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b"token: missing or wrong\n"})

    def _knows(self, scope: Message) -> bool:
        given = [value for name, value in scope.get("headers", ()) if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


async def serve_http(made: MCPServer, port: int) -> None:
    """Serve until the process is told to end; port 0 picks a free one. Address and token are told on stderr. Raises
    ClawError where the port is taken."""
    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise ClawError(
            f"{LOOPBACK}:{port} cannot be listened on: {os.strerror(error.errno or 0)}. Name another port, or 0."
        ) from error
    token = secrets.token_urlsafe(24)
    app = Guarded(made.streamable_http_app(host=LOOPBACK, transport_security=_SECURITY), token)
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning", access_log=False)
    sys.stderr.write(f"claw-lsp: mcp http://{LOOPBACK}:{listening.getsockname()[1]}/mcp token {token}\n")
    sys.stderr.flush()
    await uvicorn.Server(config).serve(sockets=[listening])
