"""The MCP servers of all workspaces: which are connected for which folder, and what is asked of them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from claw_lsp.adapters.mcp.calls import elicits, progress
from claw_lsp.adapters.mcp.connection import ANSWER, Connection, Surroundings
from claw_lsp.adapters.mcp.keeping import kept_bytes
from claw_lsp.adapters.mcp.seen import SeenTools
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.core.mcp import names
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import ServerPrompt, ServerResource, ServerTool, ServerView, ToolAnswer
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.mcp import Asked, Entries
from claw_lsp.ports.tools import Tell

logger = logging.getLogger(__name__)

COMPLETION = 3.0
"""Seconds that suggestions may take: somebody is typing."""


@dataclass(slots=True)
class _Folder:
    """What holds for one folder: the views of all that is configured, and the connections of what may be started."""

    roots: tuple[str, ...] = ()
    views: tuple[ServerView, ...] = ()
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    n_behind: int = 0


class McpServers:
    """Fills the port Servers. `entries` says what is configured, `environment` is what programs may see a part of; in
    `claw_home` is kept what the person saw of tools, and what servers send and no model is shown."""

    def __init__(self, entries: Entries, store: LoginStore, environment: Mapping[str, str], claw_home: str) -> None:
        self._entries = entries
        self._store = store
        self._keep = partial(kept_bytes, Path(claw_home))
        self._seen = SeenTools(claw_home)
        self._environment = environment
        self._folders: dict[str, _Folder] = {}
        self._hear: list[Callable[[str], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def configure(self, folder: str, roots: tuple[str, ...], settings: Settings) -> None:
        it = self._folders.setdefault(folder, _Folder())
        if roots != it.roots:
            it.roots = roots
            for one in it.connections.values():
                one.roots_changed()
        it.n_behind += 1
        self._behind(self._configure(folder, it, settings))

    def views(self, folder: str) -> tuple[ServerView, ...]:
        it = self._folders.get(folder, _Folder())
        return tuple(
            it.connections[one.config.name].view if one.config.name in it.connections else one for one in it.views
        )

    def tools(self, folder: str) -> tuple[ServerTool, ...]:
        return tuple(tool for it in self.views(folder) if it.standing == "up" for tool in it.tools)

    def on_change(self, hear: Callable[[str], None]) -> None:
        self._hear.append(hear)

    async def settled(self, folder: str, names: Iterable[str], seconds: float) -> None:
        wanted = frozenset(names)
        it = self._folders.setdefault(folder, _Folder())
        try:
            async with asyncio.timeout(seconds):
                while it.n_behind or any(
                    one.standing in ("waiting", "starting")
                    for one in self.views(folder)
                    if not wanted or one.config.name in wanted
                ):
                    it.changed.clear()
                    await it.changed.wait()
        except TimeoutError:
            return

    async def saw(self, folder: str, tool: ServerTool) -> None:
        await self._connection(folder, tool.server).saw(tool)

    async def call(
        self, folder: str, tool: ServerTool, arguments: Mapping[str, Any], asked: Asked, tell: Tell
    ) -> ToolAnswer:
        connection = self._connection(folder, tool.server)
        async with connection.calling(asked, connection.patience) as client:
            hear = progress(tell, elicits(connection))
            answer = await client.call_tool(tool.name, dict(arguments), progress_callback=hear)
        from claw_lsp.adapters.mcp.shaping import contents

        structured = (
            "" if answer.structured_content is None else json.dumps(answer.structured_content, ensure_ascii=False)
        )
        blocks = await asyncio.to_thread(contents, answer.content, self._keep)
        return ToolAnswer(blocks, bool(answer.is_error), structured)

    async def read(self, folder: str, server: str, uri: str) -> tuple[Block, ...]:
        async with self._connection(folder, server).calling(None, ANSWER) as client:
            found = await client.read_resource(uri)
        from claw_lsp.adapters.mcp.shaping import resource

        return await asyncio.to_thread(lambda: tuple(resource(it, self._keep) for it in found.contents))

    async def resources(self, folder: str, server: str | None = None) -> tuple[ServerResource, ...]:
        if server is not None and (view := self._connection(folder, server).view).standing != "up":
            raise ToolError(f"The MCP server {server} is not connected ({view.standing}). {view.why}".strip())
        return tuple(one for it in self.views(folder) if server in (None, it.config.name) for one in it.resources)

    async def prompt(self, folder: str, prompt: ServerPrompt, arguments: Mapping[str, str]) -> tuple[Block, ...]:
        async with self._connection(folder, prompt.server).calling(None, ANSWER) as client:
            found = await client.get_prompt(prompt.name, dict(arguments))
        from claw_lsp.adapters.mcp.shaping import contents

        return await asyncio.to_thread(contents, [it.content for it in found.messages], self._keep)

    async def complete(
        self, folder: str, of: ServerPrompt | ServerResource, argument: str, value: str
    ) -> tuple[str, ...]:
        try:
            connection = self._connection(folder, of.server)
            async with connection.calling(None, COMPLETION) as client:
                import mcp_types as types

                if isinstance(of, ServerPrompt):
                    about = types.PromptReference(type="ref/prompt", name=of.name)
                else:
                    about = types.ResourceTemplateReference(type="ref/resource", uri=of.uri)
                found = await client.complete(about, {"name": argument, "value": value})
        except ToolError:
            return ()
        return tuple(found.completion.values)

    async def restart(self, folder: str, server: str) -> None:
        it = self._folders.get(folder)
        if it is None:
            return
        async with it.lock:
            if (old := it.connections.get(server)) is not None:
                await old.end()
                it.connections[server] = self._connect(folder, it, old)
        self._changed(folder)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        every = [one for it in self._folders.values() for one in it.connections.values()]
        self._folders.clear()
        await asyncio.gather(*(it.end() for it in every))

    async def _configure(self, folder: str, it: _Folder, settings: Settings) -> None:
        """Compare what is configured with what is connected. One after the other; the last word holds."""
        try:
            await self._take(folder, it, settings)
        finally:
            it.n_behind -= 1
            self._changed(folder)

    async def _take(self, folder: str, it: _Folder, settings: Settings) -> None:
        async with it.lock:
            found = await self._entries.read(folder, settings)
            wanted = {one.config.name: one.config for one in found.servers if one.standing == "waiting"}
            prefixes = names.servers(wanted)
            old = [
                one
                for name, one in it.connections.items()
                if one.config != wanted.get(name) or one.prefix != prefixes[name]
            ]
            for one in old:
                del it.connections[one.config.name]
            it.views = found.servers
            await asyncio.gather(*(one.end() for one in old))
            for name, config in wanted.items():
                if name not in it.connections:
                    around = self._surroundings(folder, it)
                    it.connections[name] = Connection(config, prefixes[name], around)

    def _connect(self, folder: str, it: _Folder, old: Connection) -> Connection:
        return Connection(old.config, old.prefix, self._surroundings(folder, it))

    def _surroundings(self, folder: str, it: _Folder) -> Surroundings:
        roots, changed = lambda: it.roots, lambda: self._changed(folder)
        return Surroundings(self._store, self._seen, self._environment, folder, roots, changed)

    def _connection(self, folder: str, server: str) -> Connection:
        it = self._folders.get(folder, _Folder())
        if (found := it.connections.get(server)) is not None:
            return found
        named = ", ".join(it.connections) or "none"
        raise ToolError(f"There is no MCP server named {server!r} to be used here; there is: {named}.")

    def _changed(self, folder: str) -> None:
        if (it := self._folders.get(folder)) is not None:
            it.changed.set()
        for hear in self._hear:
            hear(folder)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("what MCP servers are configured could not be taken over", exc_info=error)
