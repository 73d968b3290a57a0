"""The files where MCP servers are configured: read, entries put in and taken out, servers switched off and on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Literal, cast

from claw_lsp.adapters.mcp.config import OURS, McpSources, configured, local_folders
from claw_lsp.adapters.mcp.entries import examined
from claw_lsp.adapters.settings.files import locked, read_text, write_whole
from claw_lsp.adapters.settings.seeking import mcp_files
from claw_lsp.core import json_edit
from claw_lsp.core.redaction import secret_in
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import Configured
from claw_lsp.facts.settings import Settings

Place = Literal["local", "project", "user"]
"""The scopes that a person writes to."""

_OFF = "disabledMcpServers"


class McpFiles:
    """Fills the port Entries. Adding, removing and switching move nothing else in a file; what is not async blocks."""

    def __init__(self, sources: McpSources) -> None:
        self._sources = sources
        self._home = Path(sources.claw_home)
        self._lock = Lock()

    async def read(self, folder: str, settings: Settings) -> Configured:
        return await asyncio.to_thread(configured, self._sources, folder, settings)

    async def switch(self, folder: str, server: str, *, on: bool) -> None:
        await asyncio.to_thread(self._switch, folder, server, on=on)

    def add(self, place: Place, folder: str, name: str, entry: Mapping[str, Any]) -> str:
        """Put an entry in; the path of the file. Raises ClawError for one that is there already or could not be used."""
        if not name or not all(it.isascii() and (it.isalnum() or it in "-_") for it in name):
            raise ClawError(f"{name!r} is no name for a server: take letters, digits, - and _.")
        data = {"mcpServers": {name: entry}}
        if wrong := [it.message for it in examined(json.dumps(data), "") if it.message.endswith("left out.")]:
            raise ClawError(wrong[0].removeprefix("mcpServers.").removesuffix(" This server is left out."))
        if place == "project" and (kind := secret_in(json.dumps(entry))):
            raise ClawError(
                f"The entry holds what looks like {kind}, and .mcp.json is for everybody: write ${{VARIABLE}} in its place,"
                " or add the server with --scope local."
            )
        path, keys = self._where(place, folder)[0]
        with self._lock, locked(self._home, "mcp.lock"):
            if name in _object(path, keys):
                raise ClawError(f"{path} has a server {name} already; remove it first: claw-lsp mcp remove {name}")
            _write(path, lambda text: json_edit.put(text, (*keys, name), dict(entry)))
        return str(path)

    def remove(self, place: Place | None, folder: str, name: str) -> str:
        """Take an entry out, from wherever it stands; the path of the file. Raises ClawError for none, and for several."""
        places: tuple[Place, ...] = (place,) if place else ("local", "project", "user")
        with self._lock, locked(self._home, "mcp.lock"):
            there = [(it, path, keys) for it in places for path, keys in self._where(it, folder)]
            there = [it for it in there if name in _object(it[1], it[2])]
            if not there:
                where = f" of scope {place}" if place else ""
                raise ClawError(
                    f"No server {name}{where} stands in our own file or a .mcp.json; `claw-lsp mcp list` says where servers stand."
                )
            scopes = list(dict.fromkeys(it[0] for it in there))
            if len(scopes) > 1:
                raise ClawError(f"{name} is configured more than once: say --scope {' or --scope '.join(scopes)}.")
            _, path, keys = there[0]
            _write(path, lambda text: json_edit.removed(text, (*keys, name)))
        return str(path)

    def _switch(self, folder: str, name: str, *, on: bool) -> None:
        path = self._home / OURS
        with self._lock, locked(self._home, "mcp.lock"):
            lists = [("projects", it) for it in local_folders(folder)]
            off = [keys for keys in lists if name in _names(_object(path, keys).get(_OFF))]
            if on and not off:
                raise ClawError(
                    f"{name} was not switched off by you in {path}: a setting or ~/.claude.json rules it out; change it there."
                )
            for keys in off if on else [] if off else lists[:1]:
                names = [it for it in _names(_object(path, keys).get(_OFF)) if it != name]
                after = names if on else [*names, name]
                _write(path, partial(json_edit.put, keys=(*keys, _OFF), value=after))

    def _where(self, place: Place, folder: str) -> list[tuple[Path, tuple[str, ...]]]:
        """The files of a scope, and where in them the servers stand; the first is where a new one goes."""
        if place == "project":
            return [(it, ("mcpServers",)) for it in mcp_files(folder)]
        ours = self._home / OURS
        if place == "user":
            return [(ours, ("mcpServers",))]
        return [(ours, ("projects", it, "mcpServers")) for it in local_folders(folder)]


def _object(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """What stands there, nothing where nothing does. Raises ClawError for a file that is broken."""
    text = read_text(path) or ""
    try:
        found: Any = json_edit.parsed(text)
    except ClawError as error:
        raise ClawError(f"{path}: {error}") from None
    for key in keys:
        found = cast("dict[str, Any]", found).get(key) if isinstance(found, dict) else None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _names(found: Any) -> list[str]:
    return [it for it in cast("list[Any]", found) if isinstance(it, str)] if isinstance(found, list) else []


def _write(path: Path, edit: Callable[[str], str]) -> None:
    """Change a file in one step. What is the person's own is for their eyes; a .mcp.json is as it was."""
    try:
        after = edit(read_text(path) or "")
    except ClawError as error:
        raise ClawError(f"{path}: {error}") from None
    shared = path.name == ".mcp.json"
    mode = path.stat().st_mode & 0o777 if shared and path.exists() else 0o644 if shared else 0o600
    write_whole(path, after, mode)
