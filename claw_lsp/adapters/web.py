"""Fills the port `Web`: pages from public hosts, with limits on size, time and redirects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from claw_lsp.core.web_address import host_of, normal_url, same_place
from claw_lsp.facts.fault import ToolError
from claw_lsp.ports.world import Page

if TYPE_CHECKING:
    import httpx2

    from claw_lsp.adapters.web_transport import Resolve

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_N_REDIRECTS = 5
_HEADERS = {
    "User-Agent": "claw-lsp (a coding agent; fetches single pages a person asked for)",
    "Accept": "text/markdown, text/html;q=0.9, text/plain;q=0.8, */*;q=0.5",
}


class HttpWeb:
    """`size` in bytes and `seconds` are the limits of one fetch, redirects included. `resolve` is asked for a host's
    addresses; without one, the system is.

    Invariant: no connection is made to an address that was not checked.
    """

    def __init__(self, *, size: int = 10_000_000, seconds: float = 30.0, resolve: Resolve | None = None) -> None:
        self._size = size
        self._seconds = seconds
        self._resolve = resolve

    async def get(self, url: str, *, allow_private: bool) -> Page:
        url = normal_url(url)
        transport = await asyncio.to_thread(_transport)
        try:
            async with (
                asyncio.timeout(self._seconds),
                transport.client(self._resolve or transport.resolved, allow_private=allow_private) as http,
            ):
                return await self._follow(http, url)
        except TimeoutError:
            raise ToolError(
                f"{host_of(url)} did not answer whole within {self._seconds:g} s; try again later."
            ) from None

    async def _follow(self, http: httpx2.AsyncClient, url: str) -> Page:
        for _ in range(_N_REDIRECTS + 1):
            page = await self._page(http, url)
            if page.redirect is None or not same_place(page.url, page.redirect):
                return page
            url = page.redirect
        raise ToolError(f"{host_of(url)} redirected more than {_N_REDIRECTS} times; fetch another address.")

    async def _page(self, http: httpx2.AsyncClient, url: str) -> Page:
        """One answer; `redirect` is set for every redirect, followed or not."""
        import httpcore2
        import httpx2

        try:
            async with http.stream("GET", url, headers=_HEADERS, timeout=self._seconds) as answer:
                target = answer.headers.get("location")
                if answer.status_code in _REDIRECTS and target:
                    return Page(url, answer.status_code, "", b"", normal_url(urljoin(url, target)))
                body = await self._body(answer, url)
                return Page(url, answer.status_code, answer.headers.get("content-type", ""), body)
        except (httpx2.TimeoutException, httpcore2.TimeoutException):
            raise TimeoutError from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise ToolError(f"{host_of(url)} could not be fetched: {error or type(error).__name__}.") from None

    async def _body(self, answer: httpx2.Response, url: str) -> bytes:
        pieces: list[bytes] = []
        n_bytes = 0
        async for piece in answer.aiter_bytes():
            n_bytes += len(piece)
            if n_bytes > self._size:
                raise ToolError(f"{url} is larger than {self._size // 1_000_000 or self._size / 1e6} MB; not fetched.")
            pieces.append(piece)
        return b"".join(pieces)


def _transport():
    """Imports httpx2: once, and in a thread, since it reads many files."""
    from claw_lsp.adapters import web_transport

    return web_transport
