"""Logging in to MCP servers, and out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from urllib.parse import urlsplit

from claw_lsp.adapters.interpreter import importing
from claw_lsp.adapters.mcp.callback import Callback, listening
from claw_lsp.adapters.mcp.headers import headers_of
from claw_lsp.adapters.mcp.tokens import Login, LoginStore
from claw_lsp.core.web_address import refusal
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import ServerConfig

SECONDS = 30.0
"""How long one request of a login may take."""

Visit = Callable[[str], Awaitable[None]]


class McpLogins:
    """Fills the port Logins. `environment` is what a headersHelper may see of ours."""

    def __init__(self, store: LoginStore, environment: Mapping[str, str]) -> None:
        self._store = store
        self._environment = environment

    async def login(self, config: ServerConfig, visit: Visit) -> str:
        if config.transport == "stdio":
            raise ClawError(f"{config.name} is a program on this machine, which no one logs in to.")
        await asyncio.to_thread(_imported)
        login = await asyncio.to_thread(self._store.get, config) or Login()
        headers = await headers_of(config, self._environment)
        port = config.oauth.callback_port if config.oauth else None
        if port is None:
            port = _port_before(login)
            # We are known with an address that something else may use now; then we make ourselves known anew.
            login = login if port else login.model_copy(update={"client": None})
        async with listening(port) as callback:
            return await self._log_in(config, login, callback, visit, headers)

    async def keep_secret(self, config: ServerConfig, secret: str) -> None:
        """Keep the secret of the entry's client id, for every login from now on. Raises ClawError."""
        if config.oauth is None or not config.oauth.client_id:
            raise ClawError(f"The entry of {config.name} names no clientId that a secret could be for.")
        before = await asyncio.to_thread(self._store.get, config) or Login()
        await asyncio.to_thread(self._store.put, config, before.model_copy(update={"secret": secret}))

    async def logout(self, config: ServerConfig) -> bool:
        return await asyncio.to_thread(self._store.remove, config)

    async def _log_in(
        self, config: ServerConfig, login: Login, callback: Callback, visit: Visit, headers: Mapping[str, str]
    ) -> str:
        import httpcore2
        import httpx2
        from mcp.client.auth import OAuthFlowError

        from claw_lsp.adapters.mcp.oauth import log_in
        from claw_lsp.adapters.web_transport import client, resolved

        host = urlsplit(config.url).hostname or ""
        try:
            port = urlsplit(config.url).port or 443
            inside = any(refusal(it, allow_private=False) for it in await resolved(host, port))
            # A server on the internet may send us to no address of this machine or its network.
            async with client(resolved, allow_private=inside) as web:
                web.timeout = httpx2.Timeout(SECONDS)
                nothing = await log_in(config, self._store, login, callback, visit, web, headers)
        except OAuthFlowError as error:
            raise ClawError(f"The login to {config.name} failed: {error}") from None
        except (
            httpx2.HTTPError,
            httpx2.InvalidURL,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
        ) as error:
            raise ClawError(f"{host} could not be reached for a login: {error or type(error).__name__}.") from None
        return nothing or f"You are logged in to {config.name}."


def _imported() -> None:
    with importing():
        import_module("claw_lsp.adapters.mcp.oauth")
        import_module("claw_lsp.adapters.web_transport")


def _port_before(login: Login) -> int:
    """The port that we are known with, 0 where there is none or something else has it."""
    uris = (login.client or {}).get("redirect_uris") or [""]
    try:
        port = urlsplit(str(uris[0])).port or 0
        with socket.create_server(("127.0.0.1", port)):
            return port
    except (OSError, ValueError):
        return 0
