"""The way to a server: a program under a warden, or an address that is checked when it is connected to. Imported late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any, cast

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from claw_lsp.adapters.mcp.headers import headers_of
from claw_lsp.adapters.mcp.oauth import ServerAuth, connecting
from claw_lsp.adapters.mcp.program import program
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.adapters.web_transport import client, resolved
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import ServerConfig

ANSWER, SILENCE = 30.0, 300.0
"""Seconds until an address answers at all, and between two pieces of what it sends."""


@dataclass(slots=True)
class Reached:
    """The streams to a server; `auth` is how its requests carry a login, None for programs."""

    streams: AbstractAsyncContextManager[TransportStreams]
    auth: ServerAuth | None = None


@asynccontextmanager
async def reached(
    config: ServerConfig,
    store: LoginStore,
    environment: Mapping[str, str],
    folder: str,
    say: Callable[[str], None],
    over: Callable[[], None],
) -> AsyncGenerator[Reached]:
    """What a connection to the server is made of. Raises ClawError."""
    if config.transport == "stdio":
        yield Reached(program(config, environment, folder, say, over))
        return
    headers = await headers_of(config, environment)
    auth = await asyncio.to_thread(connecting, config, store)
    async with client(_checked, allow_private=True) as web:
        web.headers.update(headers)
        web.timeout = httpx2.Timeout(ANSWER, read=SILENCE)
        web.auth = auth
        if config.transport == "http":
            yield Reached(streamable_http_client(config.url, http_client=web), auth)
        else:
            yield Reached(sse_client(config.url, httpx_client_factory=cast("Any", partial(_lent, web))), auth)


@asynccontextmanager
async def _lent(web: httpx2.AsyncClient, **_: object) -> AsyncGenerator[httpx2.AsyncClient]:
    yield web


async def _checked(host: str, port: int) -> list[str]:
    """The addresses of a host. The person named it, so it may be on this machine or its network; not where machines hand
    out credentials or find each other by themselves."""
    found = await resolved(host, port)
    if near := next((it for it in found if ip_address(it.partition("%")[0]).is_link_local), None):
        raise ToolError(f"{host} is not connected to: {near} is a link-local address.")
    return found
