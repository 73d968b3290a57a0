"""The way out of one command's network: connections made in there are accepted out here."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from claw_lsp.adapters.sandbox.fds import high
from claw_lsp.adapters.sandbox.proxy import Gate, Pair, Proxy, relay, told
from claw_lsp.facts.sandbox import SandboxSettings

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HTTP, SOCKS = 3128, 1080
"""Ports of the command's own loopback."""

_INSIDE = str(Path(__file__).with_name("inside.py"))
_NOT_PROXIED = "localhost,127.0.0.1,::1"


class Bridge:
    """Made before the command starts, on the loop; `close` when all of it is gone."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._proxy = Proxy(Gate(settings.sandbox_domains, settings.sandbox_no_domains))
        http = settings.sandbox_http_port
        self._serves: dict[int, Serve] = {}
        if http is not None or settings.sandbox_domains:
            self._serves[HTTP] = partial(_to_port, http) if http is not None else self._proxy.serve
        if settings.sandbox_socks_port is not None:
            self._serves[SOCKS] = partial(_to_port, settings.sandbox_socks_port)
        self._here, there = socket.socketpair()
        self._here.setblocking(False)
        self.fd = high(there.detach())
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        asyncio.get_running_loop().add_reader(self._here, self._handed_out)

    @staticmethod
    def wanted(settings: SandboxSettings) -> bool:
        """Whether there is anything to let through."""
        ports = (settings.sandbox_http_port, settings.sandbox_socks_port)
        return bool(settings.sandbox_domains) or any(it is not None for it in ports)

    @property
    def launcher(self) -> tuple[str, ...]:
        """What stands before the command's own words inside."""
        ports = ",".join(map(str, self._serves))
        return (sys.executable, "-I", "-S", _INSIDE, str(self.fd), ports)

    @property
    def environment(self) -> dict[str, str]:
        """What tells programs of the proxies."""
        found: dict[str, str] = {"NODE_USE_ENV_PROXY": "1"}
        if HTTP in self._serves:
            found |= dict.fromkeys(
                ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{HTTP}"
            )
        if SOCKS in self._serves:
            found |= dict.fromkeys(("all_proxy", "ALL_PROXY"), f"socks5h://127.0.0.1:{SOCKS}")
        return found | dict.fromkeys(("no_proxy", "NO_PROXY"), _NOT_PROXIED)

    async def close(self) -> tuple[str, ...]:
        """Nothing is passed on any more; answers what the model must know."""
        asyncio.get_running_loop().remove_reader(self._here)
        self._here.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._servers:
            server.close()
        return told(self._proxy.refused)

    def _handed_out(self) -> None:
        """The listening sockets have come, or the other end is gone."""
        asyncio.get_running_loop().remove_reader(self._here)
        _, fds, _, _ = socket.recv_fds(self._here, 1, len(self._serves))
        for fd, serve in zip(fds, self._serves.values(), strict=False):
            listening = socket.socket(fileno=fd)
            listening.setblocking(False)
            self._keep(self._listen(listening, serve))

    async def _listen(self, listening: socket.socket, serve: Serve) -> None:
        self._servers.append(await asyncio.start_server(partial(self._accepted, serve), sock=listening))

    async def _accepted(self, serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(_served(serve, reader, writer))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _served(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await serve(reader, writer)
    finally:
        writer.close()


async def _to_port(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on to a proxy of the person's own on this machine."""
    try:
        there: Pair = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return
    await relay((reader, writer), there)
