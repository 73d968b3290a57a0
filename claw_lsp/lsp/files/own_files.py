"""Completion, hover and code actions in claw-lsp's own files, in whatever editor sends them. In all others nothing is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from claw_lsp.core.files.json_tree import read, spot
from claw_lsp.core.files.kinds import Kind, kind_of
from claw_lsp.core.files.values import Known, behavior
from claw_lsp.core.files.why import in_short
from claw_lsp.core.json_edit import Keys
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.actions import QUICKFIX, Action, command
from claw_lsp.lsp.along import unsaved
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.commands.permissions import standing, time_of
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.questions import flat

if TYPE_CHECKING:
    from claw_lsp.core.files.check import Flaw
    from claw_lsp.core.files.language import Hover, Offer

Json = dict[str, Any]

_KINDS = {"key": 10, "value": 12}
"""LSP's CompletionItemKind: Property and Value."""


class OwnFiles:
    """Every method takes the document as it is now, and answers None where it is none of ours."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def completion(self, path: str, at: Position) -> Awaitable[Json] | None:
        buffer, kind = self._ours(path)
        return self._completed(buffer, kind, at) if buffer is not None and kind is not None else None

    def hover(self, path: str, at: Position) -> Awaitable[Json | None] | None:
        buffer, kind = self._ours(path)
        return self._hovered(buffer, kind, at) if buffer is not None and kind is not None else None

    def actions(self, path: str, first: int, last: int) -> list[Action]:
        """What can be done about these lines: what was probably meant instead of what is wrong, why a rule decided so, and
        what waits for a yes."""
        buffer, kind = self._ours(path)
        if buffer is None or kind is None:
            return []
        start, end = buffer.index.span(first)[0], buffer.index.span(last)[1]
        found = [it for it in self._door.settings_files.flaws(path) if it.start <= end and it.end >= start and it.meant]
        fixes = [self._fix(it, buffer) for it in found] if self._door.powers.document_changes else []
        return [*fixes, *self._about(kind, buffer, start, end)]

    def _ours(self, path: str) -> tuple[Buffer | None, Kind | None]:
        kind = kind_of(path, self._door.house.claw_home)
        return (self._door.buffers.get(path) if kind else None), kind

    async def _completed(self, buffer: Buffer, kind: Kind, at: Position) -> Json:
        offset = buffer.index.offset(*at, self._door.buffers.encoding)
        text, known = buffer.text, await self._known(buffer)
        offers = await asyncio.to_thread(_complete, kind, text, offset, known)
        if buffer.text != text:
            return {"isIncomplete": True, "items": []}
        return {"isIncomplete": False, "items": [self._item(it, n, buffer) for n, it in enumerate(offers)]}

    async def _hovered(self, buffer: Buffer, kind: Kind, at: Position) -> Json | None:
        offset = buffer.index.offset(*at, self._door.buffers.encoding)
        text, known = buffer.text, await self._known(buffer)
        found = await asyncio.to_thread(_hover, kind, text, offset, known)
        if found is None or buffer.text != text:
            return None
        said = found.text
        if found.rule and kind == "settings":
            rules = await standing(self._door, await self._door.looked_at(None))
            why_not = await self._why_not(buffer)
            said += "\n\n" + in_short(rules.rules, found.rule, _behavior(text, found), buffer.path, time_of, why_not)
        shown = to_lsp.text_range(buffer.index, found.start, found.end, self._door.buffers.encoding)
        return {"contents": {"kind": "markdown", "value": said}, "range": shown}

    async def _why_not(self, buffer: Buffer) -> str:
        """Why a rule that stands here may not count."""
        if await unsaved((buffer.path,), self._door.workspace):
            return "the file is not saved so"
        sought = await self._door.trusting.look(self._door.home_for(buffer.uri).folder)
        if sought.standing == "refused" or any(it.path == buffer.path for it in (*sought.waiting, *sought.refused)):
            return "what the files of this folder allow counts once you said that you trust them (claw.trust)"
        return "such a rule is not believed from this file, or the file is none of this folder's (claw.permissions)"

    async def _known(self, buffer: Buffer) -> Known:
        """What may be named here, as things are now."""
        door = self._door
        home = door.home_for(buffer.uri)
        in_force = await door.house.settings(home.folder, door.section)
        settings = in_force.settings
        configured = await door.house.entries.read(home.folder, settings)
        of_servers = (it.called for it in door.house.servers.tools(home.folder))
        return Known(
            tools=(*door.house.tools(settings), *of_servers),
            models=door.house.models(settings),
            servers=tuple(it.config.name for it in configured.servers),
        )

    def _item(self, it: Offer, n: int, buffer: Buffer) -> Json:
        encoding = self._door.buffers.encoding
        said = {"documentation": {"kind": "markdown", "value": it.documentation}} if it.documentation else {}
        return {
            "label": it.label,
            "kind": _KINDS[it.kind],
            "sortText": f"{n:04}",
            # What stands there begins with a quote where one was typed, and editors compare with that.
            "filterText": json.dumps(it.label) if buffer.text[it.start : it.start + 1] == '"' else it.label,
            "textEdit": {"range": to_lsp.text_range(buffer.index, it.start, it.end, encoding), "newText": it.insert},
            **({"detail": it.detail} if it.detail else {}),
            **said,
        }

    def _fix(self, it: Flaw, buffer: Buffer) -> Action:
        there = to_lsp.text_range(buffer.index, it.start, it.end, self._door.buffers.encoding)
        edit = to_lsp.versioned_edit(buffer.uri, buffer.version, [{"range": there, "newText": it.meant}])
        return {"title": flat(f"Claw: Write {it.meant}", 120), "kind": QUICKFIX, "edit": edit}

    def _about(self, kind: Kind, buffer: Buffer, start: int, end: int) -> list[Action]:
        root = read(buffer.text) if kind in ("settings", "mcp") else None
        if root is None:
            return []
        found: list[Action] = []
        for keys in _ways(buffer.text, kind):
            at, to = spot(root, keys)
            if not (at <= end and to >= start and to):
                continue
            if kind == "mcp":
                name = str(keys[-1])
                views = {
                    it.config.name: it for it in self._door.house.servers.views(self._door.home_for(buffer.uri).folder)
                }
                if name in views and views[name].standing in ("unapproved", "refused"):
                    title = flat(f"Claw: Approve {name}", 120)
                    found.append(_action(title, "claw.mcp", server=name, do="approve"))
            else:
                rule = str(json.loads(buffer.text[at:to]))
                given = {"rule": rule, "behavior": behavior(keys), "file": buffer.path, "to": "why"}
                found.append(_action(flat(f"Claw: Why did {rule} decide so?", 120), "claw.permissions", **given))
        return found


def _complete(kind: Kind, text: str, offset: int, known: Known) -> tuple[Offer, ...]:
    # Imported when one of these files is looked at: the forms of all of them are built then.
    from claw_lsp.core.files.language import complete

    return complete(kind, text, offset, known)


def _hover(kind: Kind, text: str, offset: int, known: Known) -> Hover | None:
    from claw_lsp.core.files.language import hover

    return hover(kind, text, offset, known)


def _action(title: str, name: str, **given: Any) -> Action:
    return {"title": title, "kind": QUICKFIX, "command": command(name, title, **given)}


def _behavior(text: str, found: Hover) -> Any:
    """The list that a rule stands in."""
    root = read(text)
    ways = [it for it in _ways(text, "settings") if spot(root, it)[0] == found.start]
    return behavior(ways[0]) if ways else "allow"


def _ways(text: str, kind: Kind) -> list[Keys]:
    """The ways to every rule of a settings file, or to every server."""
    root = read(text)
    if root is None:
        return []
    if kind == "mcp":
        servers = next((it.value for it in root.entries if it.key is not None and it.key.value == "mcpServers"), None)
        return [("mcpServers", str(it.key.value)) for it in (servers.entries if servers else ()) if it.key is not None]
    under = next((it.value for it in root.entries if it.key is not None and it.key.value == "permissions"), None)
    lists = [
        it for it in (under.entries if under else ()) if it.key is not None and it.key.value in ("allow", "ask", "deny")
    ]
    return [
        ("permissions", str(it.key.value), n)
        for it in lists
        if it.key is not None and it.value is not None
        for n, one in enumerate(it.value.entries)
        if one.value is not None and one.value.kind == "text" and one.value.closed
    ]
