"""The proxy that lets some hosts through: HTTP with whole addresses, and CONNECT. It trusts no name but those it looked up."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from claw_lsp.core.policy import hosts
from claw_lsp.core.web_address import refusal

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The IP addresses of a host; raises OSError."""

_PORTS = (80, 443)
_PATIENCE = 30.0
_REQUEST = re.compile(r"([A-Z]{3,20}) (\S+) HTTP/1\.[01]")
_OURS = ("host", "connection", "proxy-connection", "proxy-authorization", "keep-alive")
"""Headers that are for the proxy, or that it writes itself."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Which hosts may be reached. Nothing allowed means none; what is denied stays so whatever is allowed."""

    allowed: tuple[str, ...]
    denied: tuple[str, ...] = ()

    def admits(self, host: str, port: int) -> bool:
        """Whether this host, as a client wrote it, may be reached on this port."""
        name = hosts.written(host)
        if name is None or any(_means(it, name, None) for it in self.denied):
            return False
        return any(_means(it, name, port) for it in self.allowed)

    def names(self, host: str) -> bool:
        """Whether an allowed pattern is this very host, so that it may be one of a private network."""
        name = hosts.written(host)
        return any(hosts.written(_split(it)[0]) == name for it in self.allowed if "*" not in it)


async def resolved(host: str, port: int) -> list[str]:
    """What the system says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Proxy:
    """One command's. `refused` are the hosts that it was asked for and did not let through."""

    def __init__(self, gate: Gate, resolve: Resolve = resolved) -> None:
        self._gate = gate
        self._resolve = resolve
        self.refused: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its request until either side ends it. Raises nothing but what cancels it."""
        try:
            async with asyncio.timeout(_PATIENCE):
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            return
        asked = _asked(lines)
        if asked is None:
            await _answer(writer, "400 Bad Request", "This proxy understands CONNECT and http:// addresses.")
            return
        host, port, head = asked
        there = await self._let_through(writer, host, port)
        if there is None:
            return
        if head:
            there[1].write(head)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await relay((reader, writer), there)

    async def _let_through(self, writer: asyncio.StreamWriter, host: str, port: int) -> Pair | None:
        """A connection to where it was asked for; None where there is none, which is answered then."""
        there = None
        if self._gate.admits(host, port):
            try:
                async with asyncio.timeout(_PATIENCE):
                    there = await self._connected(host, port)
            except (TimeoutError, OSError) as error:
                await _answer(writer, "502 Bad Gateway", f"{host}:{port} could not be reached: {error}")
                return None
        if there is None:
            where = f"{hosts.written(host) or 'a host with an odd name'}:{port}"
            self.refused.add(where)
            why = f"The sandbox lets nothing through to {where}: sandbox.network.allowedDomains does not name it."
            await _answer(writer, "403 Forbidden", why)
        return there

    async def _connected(self, host: str, port: int) -> Pair | None:
        """A connection to an address that was looked up and checked; None where one of them is refused."""
        name = hosts.written(host) or ""
        addresses = await self._resolve(name, port)
        if any(refusal(it, allow_private=self._gate.names(host)) for it in addresses):
            return None
        failed: OSError = OSError("it has no address")
        for address in addresses:
            try:
                return await asyncio.open_connection(address, port)
            except OSError as error:
                failed = error
        raise failed


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def relay(here: Pair, there: Pair) -> None:
    """Pass on what either side says, until both have ended; then the far side is closed."""
    try:
        await asyncio.gather(_pass_on(here[0], there[1]), _pass_on(there[0], here[1]))
    finally:
        there[1].close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # The other direction ends by itself: its reader sees the end, too.
        writer.close()


def _asked(lines: list[str]) -> tuple[str, int, bytes] | None:
    """The host and port of a request, and what to send there first: nothing for CONNECT."""
    first = _REQUEST.fullmatch(lines[0])
    if first is None:
        return None
    method, target = first.groups()
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc:
        return None
    if method == "CONNECT":
        return (parts.hostname, port, b"") if port and not (parts.path or parts.query) else None
    if parts.scheme != "http":
        return None
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    kept = [it for it in lines[1:] if it and it.partition(":")[0].strip().lower() not in _OURS]
    # One request a connection: what follows could not be told apart from one that is meant for another host.
    head = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", *kept, "", ""]
    return parts.hostname, port or 80, "\r\n".join(head).encode("latin-1")


def _means(pattern: str, name: str, port: int | None) -> bool:
    """Whether a pattern means this host; `port` is None where any does."""
    wanted, own_port = _split(pattern)
    if port is not None and (port != own_port if own_port else port not in _PORTS):
        return False
    if wanted == "*":
        return True
    end = hosts.written(wanted.removeprefix("*."))
    if end is None:
        return False
    return name.endswith(f".{end}") if wanted.startswith("*.") else name == end


def _split(pattern: str) -> tuple[str, int | None]:
    """The host of a pattern without the brackets of IPv6, and its port."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:]+))(?::([0-9]{1,5}))?", pattern.strip())
    if found is None:
        return pattern.strip(), None
    return found[1] or found[2], int(found[3]) if found[3] else None


async def _answer(writer: asyncio.StreamWriter, status: str, said: str) -> None:
    body = f"{said}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        await writer.drain()
    except OSError:
        return


def told(refused: Iterable[str]) -> tuple[str, ...]:
    """What the model is told of the hosts that were refused."""
    names = sorted(refused)[:5]
    if not names:
        return ()
    return (
        f"The sandbox let nothing through to {', '.join(names)}: sandbox.network.allowedDomains does not name it. "
        "The person can add it there.",
    )
