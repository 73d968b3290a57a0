"""One server while it is configured: connected to, asked what it offers, and connected to anew when it went away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from claw_lsp.adapters.interpreter import importing
from claw_lsp.adapters.mcp.calls import Running, made_here
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.core.escape import one_line
from claw_lsp.core.redaction import redacted
from claw_lsp.facts.fault import ClawError, ToolError
from claw_lsp.facts.mcp import ServerConfig, ServerTool, ServerView, Standing
from claw_lsp.ports.mcp import Asked

if TYPE_CHECKING:
    from mcp.client import Client

    from claw_lsp.adapters.mcp.oauth import ServerAuth
    from claw_lsp.adapters.mcp.reaching import Reached

logger = logging.getLogger(__name__)

START, ANSWER, CALL = 60.0, 30.0, 600.0
"""Seconds for a server to come up, to say what it offers, and for one call, unless the environment (MCP_TIMEOUT and
MCP_TOOL_TIMEOUT, in milliseconds) or, of its calls, its entry says otherwise."""
BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds until each further try; one that was up for a minute begins anew, and who failed all is given up."""
HELD = 0.1
"""Seconds before it is started: a request of a turn that begins with it is sent first, and need not share the processors."""
LINES, PAGES, MOST = 200, 50, 2_000
"""Lines of its log, pages of a list and entries of one that are kept."""


class Seen(Protocol):
    """What the person saw of a server's tools (adapters/mcp/seen.py)."""

    async def compared(self, config: ServerConfig, tools: tuple[ServerTool, ...]) -> tuple[ServerTool, ...]: ...

    async def saw(self, config: ServerConfig, tool: ServerTool) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connection needs of the outside. `roots` are the workspace folders now; `changed` is called whenever its view is
    another; `waits` are the seconds until each further try."""

    store: LoginStore
    seen: Seen
    environment: Mapping[str, str]
    folder: str
    roots: Callable[[], tuple[str, ...]]
    changed: Callable[[], None]
    waits: tuple[float, ...] = BACKOFF


class Connection:
    """Invariant: `client` is there exactly while the view stands as `up`; all of it lives in one task, as the SDK wants."""

    def __init__(self, config: ServerConfig, prefix: str, around: Surroundings) -> None:
        self.config = config
        self.prefix = prefix
        self._around = around
        self._log: deque[str] = deque(maxlen=LINES)
        self._view = ServerView(config, "waiting")
        self.client: Client | None = None
        self.running: list[Running] = []
        self._legacy = False
        self._start = _seconds(around.environment, "MCP_TIMEOUT", START)
        self._auth: ServerAuth | None = None
        self._let_in = 0
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._stay())

    @property
    def view(self) -> ServerView:
        return replace(self._view, log=tuple(self._log))

    @property
    def roots(self) -> tuple[str, ...]:
        return self._around.roots()

    @property
    def patience(self) -> float:
        """Seconds for one call."""
        return self.config.timeout or _seconds(self._around.environment, "MCP_TOOL_TIMEOUT", CALL)

    async def end(self) -> None:
        """The connection, and every process that was started for it, is gone when this returns."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def saw(self, tool: ServerTool) -> None:
        """The person said yes to a tool as it is. Raises ToolError where that cannot be kept."""
        await self._around.seen.saw(self.config, tool)
        same = tool.model_copy(update={"unlike": ""})
        tools = tuple(same if (it.called, it.digest) == (tool.called, tool.digest) else it for it in self._view.tools)
        self._view = replace(self._view, tools=tools)

    def say(self, line: str) -> None:
        """Keep a line of its log."""
        self._log.append(redacted(one_line(line, 500)))

    def heard(self, what: str) -> None:
        """It offers something else: `tools`, `resources` or `prompts`."""
        self._stale.add(what)
        self._wake.set()

    def lost(self) -> None:
        """The connection broke off: nothing more is asked of it, and it is made anew."""
        self._over.set()
        if self.client is not None:
            self.client = None
            self._stands("starting")

    def roots_changed(self) -> None:
        """Tell the server, where it wants to know."""
        self.heard("roots")

    @asynccontextmanager
    async def calling(self, asked: Asked | None, seconds: float) -> AsyncGenerator[Client]:
        """The client, for one request that is bounded in time. Raises ToolError with a sentence for whatever goes wrong."""
        if self.client is None:
            why = f": {self._view.why.rstrip('.')}" if self._view.why else ""
            raise ToolError(f"The MCP server {self.config.name} is not connected ({self._view.standing}{why}).")
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED

        try:
            async with asyncio.timeout(seconds) as limit:
                with self._running(Running(asked, limit, seconds)) if asked is not None else nullcontext():
                    yield self.client
        except TimeoutError:
            raise ToolError(f"The MCP server {self.config.name} did not answer within {seconds:g} s.") from None
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self.lost()
                raise ToolError(f"The MCP server {self.config.name} went away during the call.") from None
            if self._refused():
                self.lost()
                raise ToolError(f"The MCP server {self.config.name} wants a login for this.") from None
            raise ToolError(self._refusal(str(error))) from None
        except (ClawError, asyncio.CancelledError):
            raise
        except Exception as error:
            # What a server may make of the SDK has no bounds; whatever it is, this call failed.
            logger.info("a call of MCP server %s failed", self.config.name, exc_info=True)
            raise ToolError(f"The MCP server {self.config.name} gave no valid answer: {_said(error)}.") from None

    @contextmanager
    def _running(self, call: Running) -> Generator[None]:
        self.running.append(call)
        try:
            with made_here(call):
                yield
        finally:
            self.running.remove(call)

    def _refused(self) -> bool:
        """Whether something was refused for want of a login since we were let in: some servers let everybody in first."""
        return self._auth is not None and self._auth.n_refused > self._let_in

    def _refusal(self, said: str) -> str:
        name = self.config.name
        if "back-channel" in said and not self._legacy:
            self._legacy = True
            self.lost()
            return (
                f"{name} asked something in a way that its connection does not carry. It is being connected to in the older"
                " way now: call the tool once more in a moment."
            )
        return f"{name} says: {one_line(said, 1_000)}"

    async def _stay(self) -> None:
        n_failed, waits = 0, self._around.waits
        try:
            self._stands("starting")
            await asyncio.sleep(HELD)
            while n_failed <= len(waits):
                began = time.monotonic()
                self._stands("starting")
                standing, why = await self._live()
                n_failed = 1 if time.monotonic() - began > BACKOFF[-1] else n_failed + 1
                if standing == "login" or n_failed > len(waits):
                    self._stands(standing, why)
                    return
                if self._legacy and n_failed == 1:
                    continue
                seconds = waits[n_failed - 1]
                self._stands("failed", f"{why} It is tried again in {seconds:g} s.")
                await asyncio.sleep(seconds)
        finally:
            self.client = None

    async def _live(self) -> tuple[Standing, str]:
        """One connection from its beginning to its end; how it stands then, and why. Raises CancelledError only."""
        self._over.clear()
        self._stale.clear()
        auth = None
        try:
            await asyncio.to_thread(_imported)
            from claw_lsp.adapters.mcp.reaching import reached

            around = self._around
            it = reached(self.config, around.store, around.environment, around.folder, self.say, self.lost)
            async with it as way:
                auth = way.auth
                await self._connected(way)
            why = "It ended."
        except TimeoutError:
            why = f"It did not come up within {self._start:g} s."
        except BaseExceptionGroup as group:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from None
            why = f"{_said(group)}."
        except Exception as error:
            # See `calling`.
            why = f"{_said(error)}."
        finally:
            self.client = None
        if auth is not None and (auth.needs_login or self._refused()):
            return "login", f"It wants a login: `claw-lsp mcp login {self.config.name}`, or claw.mcp."
        if self.config.transport == "stdio" and self._log and why in ("It ended.", "Connection closed."):
            why = f"It ended; the last it said: {self._log[-1]}."
        return "failed", why

    async def _connected(self, way: Reached) -> None:
        from claw_lsp.adapters.mcp.talking import client_of

        self._auth, self._let_in = way.auth, 0
        client = client_of(way.streams, self, legacy=self._legacy)
        ended = asyncio.create_task(self._over.wait())
        entered = asyncio.timeout(self._start)
        try:
            async with entered:
                await client.__aenter__()
            self._let_in = way.auth.n_refused if way.auth else 0
            try:
                self.client = client
                await self._offers(client, {"tools", "resources", "prompts"})
                await self._until_over(client, ended)
            finally:
                self.client = None
                await client.__aexit__(None, None, None)
        finally:
            ended.cancel()

    async def _until_over(self, client: Client, ended: asyncio.Task[bool]) -> None:
        from claw_lsp.adapters.mcp.talking import listening

        listens = asyncio.create_task(listening(client, self.heard))
        try:
            while not self._over.is_set():
                woken = asyncio.create_task(self._wake.wait())
                try:
                    await asyncio.wait((woken, ended), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    woken.cancel()
                self._wake.clear()
                stale, self._stale = self._stale, set()
                if stale and not self._over.is_set():
                    await self._offers(client, stale)
        finally:
            listens.cancel()
            await asyncio.gather(listens, return_exceptions=True)

    async def _offers(self, client: Client, what: set[str]) -> None:
        """Ask what it offers of these, and take it over into the view. A list that it does not give is an empty one."""
        from claw_lsp.adapters.mcp import shaping
        from claw_lsp.adapters.mcp.talking import tell_roots

        if "roots" in what:
            await tell_roots(client)
        can, name, view = client.server_capabilities, self.config.name, self._view
        if "tools" in what and can.tools is not None:
            found = await self._all("tools", client.list_tools)
            shaped = shaping.tools(name, self.prefix, found, self.say)
            view = replace(view, tools=await self._around.seen.compared(self.config, shaped))
        if "resources" in what and can.resources is not None:
            found = shaping.resources(name, await self._all("resources", client.list_resources))
            patterns = await self._all("resource_templates", client.list_resource_templates)
            view = replace(view, resources=(*found, *shaping.templates(name, patterns)))
        if "prompts" in what and can.prompts is not None:
            view = replace(
                view, prompts=shaping.prompts(name, self.prefix, await self._all("prompts", client.list_prompts))
            )
        self._view = replace(view, protocol=client.protocol_version, instructions=(client.instructions or "")[:2_000])
        if self._refused():
            self.lost()
        else:
            self._stands("up")

    async def _all(self, field: str, fetch: Callable[..., Awaitable[Any]]) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(ANSWER):
                for _ in range(PAGES):
                    page = await fetch(cursor=cursor)
                    found += getattr(page, field)
                    cursor = page.next_cursor
                    if not cursor or len(found) >= MOST:
                        break
        except (TimeoutError, ValueError, _mcp_error()) as error:
            self.say(f"It did not say which {field} it has: {_said(error)}.")
        return found[:MOST]

    def _stands(self, standing: Standing, why: str = "") -> None:
        offered = self._view if standing == "up" else ServerView(self.config, standing)
        self._view = replace(offered, standing=standing, why=redacted(why))
        self._around.changed()


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    """What a variable says in milliseconds; the default where it is not there or no such number."""
    said = environment.get(name, "").strip()
    return int(said) / 1000 if said.isdecimal() and int(said) else default


def _mcp_error() -> type[Exception]:
    from mcp import MCPError

    return MCPError


def _said(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return one_line(str(error) or type(error).__name__, 300).rstrip(".")


def _imported() -> None:
    with importing():
        import_module("claw_lsp.adapters.mcp.talking")
        import_module("claw_lsp.adapters.mcp.shaping")
        import_module("claw_lsp.adapters.mcp.reaching")
        # What the SDK holds a structured answer against; it reads files at its first use (mcp 2.3).
        import_module("jsonschema").Draft202012Validator.check_schema({"type": "object"})
