"""Where the browser comes back to after a login: a listener on this machine for one answer, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from claw_lsp.facts.fault import ClawError

PATH = "/callback"
MOST_BYTES = 16_384
SECONDS = 10.0
"""How long one caller may take to say what it wants."""

_PAGE = """<!doctype html><meta charset="utf-8"><title>claw-lsp</title>
<body style="font-family: sans-serif; margin: 3em"><h1>{title}</h1><p>{text}</p></body>
"""


@dataclass(frozen=True, slots=True)
class Came:
    """What the authorization server said: a code, or why there is none."""

    code: str
    state: str
    issuer: str | None = None
    error: str = ""


class Callback:
    """Invariant: `came` is set once, by a request that names the state that was expected."""

    def __init__(self, port: int, came: asyncio.Future[Came]) -> None:
        self.port = port
        self.came = came
        self.state = ""

    def answer(self, request: str) -> tuple[int, str, str]:
        """The status, title and text for a request's head; keeps what came where it is the answer that is waited for."""
        line, *headers = request.split("\r\n")
        method, _, rest = line.partition(" ")
        target = rest.partition(" ")[0]
        hosts = [it.partition(":")[2].strip().lower() for it in headers if it.lower().startswith("host:")]
        # Any page may send the person's browser here; only who knows the state has anything to say.
        if hosts not in ([f"127.0.0.1:{self.port}"], [f"localhost:{self.port}"]) or method != "GET":
            return 400, "Not understood", "This address is for the end of a login only."
        parts = urlsplit(target)
        if parts.path != PATH:
            return 404, "Nothing here", "This address is for the end of a login only."
        given = parse_qs(parts.query, keep_blank_values=True)
        said = {name: values[0] for name, values in given.items() if len(values) == 1}
        if not self.state or said.get("state") != self.state or self.came.done():
            return 400, "Not the login that was begun", "Begin it again in your editor."
        error = said.get("error_description") or said.get("error", "")
        if not error and not said.get("code"):
            error = "it sent no code"
        self.came.set_result(Came(said.get("code", ""), self.state, said.get("iss"), error[:300]))
        if error:
            return 200, "You are not logged in", "The server refused the login. Your editor says more."
        return 200, "You are logged in", "You can close this page and go back to your editor."


@asynccontextmanager
async def listening(port: int) -> AsyncGenerator[Callback]:
    """A listener on 127.0.0.1, on any free port for 0. Raises ClawError for a port that is taken."""
    callback = Callback(port, asyncio.get_running_loop().create_future())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, title, text = callback.answer(head.decode("latin-1"))
                writer.write(_response(status, title, text))
                await writer.drain()
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # Whoever it was did not speak HTTP.
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=MOST_BYTES)
    except OSError as error:
        raise ClawError(
            f"Port {port} of this machine, where the login comes back, is taken: {error.strerror}."
        ) from None
    async with server:
        callback.port = server.sockets[0].getsockname()[1]
        yield callback


def _response(status: int, title: str, text: str) -> bytes:
    body = _PAGE.format(title=title, text=text).encode()
    reason = {200: "OK", 400: "Bad Request", 404: "Not Found"}[status]
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nReferrer-Policy: no-referrer\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
