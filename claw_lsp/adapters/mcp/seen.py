"""How servers described their tools when the person first used them, in CLAW_HOME: what is described otherwise later asks anew."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from pydantic import TypeAdapter, ValidationError

from claw_lsp.adapters.settings.files import aside, locked, read_text, write_whole
from claw_lsp.core.mcp.seeing import compared
from claw_lsp.facts.fault import ClawError, ToolError
from claw_lsp.facts.mcp import ServerConfig, ServerTool

logger = logging.getLogger(__name__)

SERVERS = 500
"""As many are remembered, the last used ones."""
_FILE, _LOCK = "mcp-tools.json", "mcp-tools.lock"
_Seen = dict[str, dict[str, str]]
_RECORDS: TypeAdapter[_Seen] = TypeAdapter(_Seen)


class SeenTools:
    """Digests of tools by name, by the entry of their server. An entry that changed is another server, approved by itself.

    What is met first is taken as it is: it was approved, or written down, by the person. Where the file cannot be read or written,
    every tool is new.
    """

    def __init__(self, claw_home: str) -> None:
        self._home = Path(claw_home)
        self._lock = Lock()

    async def compared(self, config: ServerConfig, tools: tuple[ServerTool, ...]) -> tuple[ServerTool, ...]:
        """The tools, each with how it is unlike what the person saw."""
        return await asyncio.to_thread(self._compared, config, tools) if tools else ()

    async def saw(self, config: ServerConfig, tool: ServerTool) -> None:
        """The person said yes to this tool. Raises ToolError where that cannot be kept."""
        try:
            await asyncio.to_thread(self._keep, _entry(config), (tool,))
        except (OSError, ClawError) as error:
            raise ToolError(f"What you said yes to could not be kept in {self._home / _FILE}: {error}.") from error

    def _compared(self, config: ServerConfig, tools: tuple[ServerTool, ...]) -> tuple[ServerTool, ...]:
        entry = _entry(config)
        try:
            seen = self._read()
            if entry not in seen:
                self._keep(entry, tools)
                return tools
        except (OSError, ClawError):
            logger.warning("%s cannot be used; every MCP tool is asked about", self._home / _FILE, exc_info=True)
            return compared({}, tools)
        return compared(seen[entry], tools)

    def _keep(self, entry: str, tools: Iterable[ServerTool]) -> None:
        path = self._home / _FILE
        with self._lock, locked(self._home, _LOCK):
            try:
                seen = self._read()
            except ClawError:
                aside(path)
                seen = {}
            of_server = seen.pop(entry, {}) | {it.called: it.digest for it in tools}
            kept = dict([*seen.items(), (entry, of_server)][-SERVERS:])
            write_whole(path, json.dumps(kept, indent=1) + "\n", 0o600)

    def _read(self) -> _Seen:
        """What is kept. Raises ClawError for a file that is broken."""
        text = read_text(self._home / _FILE)
        if text is None or not text.strip():
            return {}
        try:
            return _RECORDS.validate_python(json.loads(text), strict=True)
        except (ValidationError, ValueError, RecursionError) as error:
            raise ClawError("Expected an object of servers, each with digests of its tools.") from error


def _entry(config: ServerConfig) -> str:
    return f"{config.name} {config.digest}"
