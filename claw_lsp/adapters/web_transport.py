"""Connections that go only to addresses which were checked. Imported late: httpx2 takes time to import."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

import httpcore2
import httpx2

from claw_lsp.core.web_address import refusal
from claw_lsp.facts.fault import ToolError

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The IP addresses of a host."""

SocketOptions = Iterable[tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]]


async def resolved(host: str, port: int) -> list[str]:
    """What the system says. Raises ToolError for a host that is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise ToolError(f"The host {host} could not be looked up: {error.strerror or error}.") from None
    return list(dict.fromkeys(str(address[4][0]) for address in found))


@asynccontextmanager
async def client(resolve: Resolve, *, allow_private: bool) -> AsyncGenerator[httpx2.AsyncClient]:
    """An HTTP client that reads no proxies, cookies or credentials from the environment and follows no redirect."""
    tls = await asyncio.to_thread(httpx2.create_ssl_context)
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=tls, network_backend=_Checked(resolve, allow_private=allow_private)
    )
    async with httpx2.AsyncClient(transport=_Transport(pool), trust_env=False, follow_redirects=False) as it:
        yield it


class _Checked(httpcore2.AsyncNetworkBackend):
    """Looks a host up once, refuses it if any of its addresses is refused, and connects to one of those it checked: a
    second look-up that answers differently is never made. TLS goes on to verify the host's name."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        # The package names this class conditionally, on anyio being there; we depend on it through httpx2.
        self._below = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        for address in addresses:
            if why := refusal(address, allow_private=self._allow_private):
                raise ToolError(f"{host} is not fetched: {why}.")
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._below.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Transport(httpx2.AsyncBaseTransport):
    """httpx2 over a pool of our own making; its own transport takes no network backend (httpx2 2.16)."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        body = request.stream
        assert isinstance(body, AsyncIterable)
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                request.method, url, headers=request.headers.raw, content=body, extensions=request.extensions
            )
        )
        assert isinstance(answer.stream, AsyncIterable)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Stream(answer.stream))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    """The body as it comes."""

    def __init__(self, below: AsyncIterable[bytes]) -> None:
        self._below = below

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._below:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._below, "aclose", None)
        if close is not None:
            await close()
