"""What the command line does about MCP servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.mcp.config import configured
from claw_lsp.adapters.mcp.files import McpFiles
from claw_lsp.adapters.mcp.looking import looked_at
from claw_lsp.adapters.settings import MANAGED, load, managed
from claw_lsp.app.house import logins_kept, logins_of, mcp_sources, trust_record
from claw_lsp.app.world import World
from claw_lsp.core.mcp.names import servers as named
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import Configured, ServerConfig


@dataclass(frozen=True, slots=True)
class Folder:
    """The servers of one folder, for one command."""

    world: World
    path: str

    @property
    def files(self) -> McpFiles:
        return McpFiles(mcp_sources(self.world))

    def read(self) -> Configured:
        """What is configured. Reads the disk."""
        world = self.world
        settings = load(
            home=world.home,
            claw_home=world.claw_home,
            folder=self.path,
            command_line=world.command_line,
            editor={},
            policy=managed(MANAGED),
        ).settings
        return configured(mcp_sources(world), self.path, settings)

    async def looked_at(self, seconds: float, name: str | None = None) -> Configured:
        """How each server is that may be started, or the one of that name: all are connected to, side by side, and left."""
        found = await asyncio.to_thread(self.read)
        usable = [it.config for it in found.servers if it.standing == "waiting"]
        wanted, prefixes = [it for it in usable if name in (None, it.name)], named(it.name for it in usable)
        world = self.world
        looks = [
            looked_at(it, prefixes[it.name], logins_kept(world), world.environment, self.path, seconds) for it in wanted
        ]
        now = {it.config.name: it for it in await asyncio.gather(*looks)}
        return Configured(tuple(now.get(it.config.name, it) for it in found.servers), found.problems)

    async def approve(self, name: str) -> str:
        """Say yes to an entry of the folder's .mcp.json as it stands. Raises ClawError."""
        record = trust_record(self.world, SystemClock())
        sought = await record.sought(self.path)
        items = [it for it in (*sought.waiting, *sought.refused) if it.what == f"MCP server {name}"]
        if not items:
            raise ClawError(f"No server {name} of a .mcp.json waits for your yes here (claw-lsp mcp list).")
        await record.trust(self.path, items)
        return f"{name} is approved as it stands in {items[0].path}; changed, it asks again."

    async def login(self, name: str, visit: Callable[[str], Awaitable[None]], secret: str | None) -> str:
        """Log in to a server; `secret` is that of the entry's client id, kept from now on. Raises ClawError."""
        config, logins = await self._named(name), logins_of(self.world)
        if secret:
            await logins.keep_secret(config, secret)
        return await logins.login(config, visit)

    async def logout(self, name: str) -> str:
        """Forget a login. Raises ClawError."""
        config = await self._named(name)
        gone = await logins_of(self.world).logout(config)
        return f"The login to {name} is forgotten." if gone else f"There was no login to {name}."

    async def _named(self, name: str) -> ServerConfig:
        found = (await asyncio.to_thread(self.read)).servers
        for it in found:
            if it.config.name == name:
                if it.standing in ("unapproved", "refused", "failed"):
                    raise ClawError(f"{name}: {it.why}")
                return it.config
        names = ", ".join(it.config.name for it in found) or "none"
        raise ClawError(f"There is no server {name} here; there are: {names}.")
