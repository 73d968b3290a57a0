"""A look at one server for the command line: connected to, asked what it offers, and left again, within a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TextIO, cast

import httpcore2
import httpx2
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from claw_lsp.adapters.mcp.headers import headers_of
from claw_lsp.adapters.mcp.oauth import ServerAuth, connecting
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.adapters.process.environment import allowed
from claw_lsp.adapters.web_transport import client, resolved
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import PromptArgument, ServerConfig, ServerPrompt, ServerResource, ServerTool, ServerView

PAGES = 50
"""How many pages of a list are asked for."""

LOG = 20
"""How many of its last lines are told."""

_KNOWN = (
    ClawError,
    OSError,
    ValueError,
    MCPError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    # Our own transport (adapters/web_transport.py) leaves what its pool raises as it is.
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)


async def looked_at(
    config: ServerConfig, store: LoginStore, environment: Mapping[str, str], folder: str, seconds: float
) -> ServerView:
    """How the server is, and what it offers. Never raises but CancelledError; nothing of it is left running."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        auth: ServerAuth | None = None
        try:
            async with asyncio.timeout(seconds):
                headers = await headers_of(config, environment)
                auth = await asyncio.to_thread(connecting, config, store) if config.transport != "stdio" else None
                async with connected(config, headers, auth, environment, folder, printed) as it:
                    return await _offered(config, it)
        except TimeoutError:
            why = f"it did not answer within {seconds:g} s"
        except _KNOWN as error:
            why = _said(error)
        except BaseExceptionGroup as group:
            known, others = group.split(_KNOWN)
            if others is not None:
                raise
            assert known is not None
            why = _said(_first(known))
        if auth is not None and auth.needs_login:
            return ServerView(config, "login", f"It wants a login: claw-lsp mcp login {config.name}")
        return ServerView(config, "failed", why, log=await asyncio.to_thread(_last_lines, printed))


@asynccontextmanager
async def connected(
    config: ServerConfig,
    headers: Mapping[str, str],
    auth: ServerAuth | None,
    environment: Mapping[str, str],
    folder: str,
    printed: TextIO,
) -> AsyncGenerator[Client]:
    """A connection to the server, for as long as it is used; `printed` gets what a program writes beside it. Raises what the SDK
    and httpx2 raise, in groups too."""
    match config.transport:
        case "stdio":
            given = allowed(environment) | config.env
            program = StdioServerParameters(command=config.command, args=list(config.args), env=given, cwd=folder)
            async with Client(stdio_client(program, errlog=printed)) as it:
                yield it
        case "sse":
            async with Client(sse_client(config.url, headers=dict(headers), auth=auth)) as it:
                yield it
        case "http":
            # Private addresses are the person's to name; where clouds hand out credentials nobody is sent.
            async with client(resolved, allow_private=True) as web:
                web.headers.update(headers)
                web.timeout = httpx2.Timeout(30, read=300)
                if auth is not None:
                    web.auth = auth
                async with Client(streamable_http_client(config.url, http_client=web)) as it:
                    yield it


async def _offered(config: ServerConfig, it: Client) -> ServerView:
    can, name = it.server_capabilities, config.name
    tools = await _all(it.list_tools, "tools") if can.tools else []
    resources = await _all(it.list_resources, "resources") if can.resources else []
    prompts = await _all(it.list_prompts, "prompts") if can.prompts else []
    return ServerView(
        config,
        "up",
        tools=tuple(
            ServerTool(
                server=name,
                name=one.name,
                called=one.name,
                description=one.description or "",
                input_schema=one.input_schema,
                read_only=bool(one.annotations and one.annotations.read_only_hint),
            )
            for one in tools
        ),
        resources=tuple(ServerResource(name, str(one.uri), one.name, one.title or "") for one in resources),
        prompts=tuple(ServerPrompt(name, one.name, one.name, arguments=_arguments(one)) for one in prompts),
        protocol=it.protocol_version,
    )


async def _all(fetch: Callable[..., Awaitable[Any]], field: str) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await fetch(cursor=cursor)
        found += getattr(page, field)
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def _arguments(prompt: Any) -> tuple[PromptArgument, ...]:
    return tuple(PromptArgument(it.name, it.description or "", bool(it.required)) for it in prompt.arguments or ())


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = cast("BaseExceptionGroup[BaseException]", first).exceptions[0]
    return first


def _said(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename}"
    return str(error) or type(error).__name__


def _last_lines(printed: TextIO) -> tuple[str, ...]:
    printed.seek(0)
    return tuple(printed.read(1_000_000).splitlines()[-LOG:])
