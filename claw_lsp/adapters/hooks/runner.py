"""Fills the port `Hooks`: each kind of hook by its own adapter, and long texts into files."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from claw_lsp.adapters.hooks import command, http, prompt
from claw_lsp.adapters.private import make_private
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.processes import Processes

GRACE = 5.0
"""Seconds beyond its own limit after which a hook is given up, whatever keeps it."""


class HookRunner:
    """`environment` is the server's own: of it, headers of http hooks get what both the hook and the settings name. `small`
    is the model of a name, of none the small one; `folder` where texts go that are too long to be told."""

    def __init__(
        self,
        processes: Processes,
        environment: Mapping[str, str],
        small: Callable[[str], prompt.Small],
        text: str,
        folder: str,
    ) -> None:
        self._processes = processes
        self._environment = environment
        self._small = small
        self._text = text
        self._folder = Path(folder)

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        try:
            async with asyncio.timeout(seconds + GRACE):
                return await self._run(hook, given, seconds, place)
        except TimeoutError:
            return HookRan(None, fault=f"it took longer than {seconds:g} s and was given up")

    async def keep(self, text: str) -> str:
        return await asyncio.to_thread(self._keep, text)

    async def _run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        match hook.type:
            case "command":
                return await command.run(self._processes, hook, given, seconds, place)
            case "http":
                return await http.post(hook, given, seconds, place.settings, self._environment)
            case "prompt":
                return await prompt.ask(self._small(hook.model), self._text, hook, given, seconds)
            case "mcp_tool" | "agent":
                return HookRan(None, fault=f"claw-lsp does not run hooks of type {hook.type} yet")

    def _keep(self, text: str) -> str:
        path = self._folder / f"{secrets.token_hex(12)}.txt"
        try:
            make_private(self._folder)
            path.write_text(text, "utf-8", errors="replace")
            path.chmod(0o600)
        except OSError:
            return ""
        return str(path)
