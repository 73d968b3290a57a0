"""Fills the port `Hooks`: each kind of hook by its own adapter, and long texts into files."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.adapters.hooks import agent, command, http, mcp_tool, prompt
from claw_lsp.adapters.private import make_private
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.mcp import Servers
from claw_lsp.ports.processes import Processes

GRACE = 5.0
"""Seconds beyond its own limit after which a hook is given up, whatever keeps it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What hooks are run with. `environment` is the server's own: of it, headers of http hooks get what both the hook and the
    settings name. `small` is the model of a name, of none the small one, and `look` what an agent may look at from a place;
    `text` and `agent_text` are what they are told. Into `folder` go texts that are too long to be told."""

    processes: Processes
    environment: Mapping[str, str]
    servers: Servers
    small: Callable[[str], prompt.Small]
    look: agent.Look
    text: str
    agent_text: str
    folder: str


class HookRunner:
    """Runs each hook by what it is."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._folder = Path(means.folder)

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        try:
            async with asyncio.timeout(seconds + GRACE):
                return await self._run(hook, given, seconds, place)
        except TimeoutError:
            return HookRan(None, fault=f"it took longer than {seconds:g} s and was given up")

    async def keep(self, text: str) -> str:
        return await asyncio.to_thread(self._keep, text)

    async def _run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        means = self._means
        match hook.type:
            case "command":
                return await command.run(means.processes, hook, given, seconds, place, self._folder)
            case "http":
                return await http.post(hook, given, seconds, place.settings, means.environment)
            case "mcp_tool":
                return await mcp_tool.call(means.servers, hook, given, seconds, place)
            case "prompt":
                return await prompt.ask(means.small(hook.model), means.text, hook, given, seconds)
            case "agent":
                small, looking = means.small(hook.model), means.look(place)
                return await agent.ask(small, means.agent_text, hook, given, seconds, looking)

    def _keep(self, text: str) -> str:
        path = self._folder / f"{secrets.token_hex(12)}.txt"
        try:
            make_private(self._folder)
            path.write_text(text, "utf-8", errors="replace")
            path.chmod(0o600)
        except OSError:
            return ""
        return str(path)
