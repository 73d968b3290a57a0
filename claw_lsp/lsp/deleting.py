"""A file that the agent made and that is empty again: it goes, where the client can delete it and nobody's words are in it."""

from __future__ import annotations

from collections.abc import Iterable

from claw_lsp.facts.fault import HostError, NoSuchFile, ToolError
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.echo import same
from claw_lsp.lsp.uris import filelike

LARGEST = 1_000_000
"""Bytes of a file that is looked at before it is deleted."""


async def cleared(door: Door, path: str, ours: Iterable[str]) -> str:
    """Delete a file whose text is empty, if the disk too holds nothing, or one of these texts of ours. What came of it in a
    sentence; "" for a file that is not empty, or not there."""
    try:
        if not filelike(path) or (await door.workspace.read(path)).text.strip():
            return ""
        kept = (await door.workspace.read_bytes(path, LARGEST)).decode()
    except (ToolError, UnicodeDecodeError):
        return ""
    name = path.rsplit("/", 1)[-1]
    harmless = not kept.strip() or any(same(kept.rstrip(), it.rstrip()) for it in ours)
    if harmless and door.powers.deletes and await _deleted(door, path):
        return f"{name}, which held nothing else, was deleted."
    return f"{name} is empty now; delete it if you do not want it."


async def _deleted(door: Door, path: str) -> bool:
    """Whether the file is gone after the client was asked to delete it; its word is not enough."""
    delete = {"kind": "delete", "uri": door.hunks.uri(path), "options": {"ignoreIfNotExists": True}}
    try:
        params = {"label": "Claw: delete an empty file", "edit": {"documentChanges": [delete]}}
        await door.editor.ask("workspace/applyEdit", params)
        await door.workspace.read_bytes(path, LARGEST)
    except NoSuchFile:
        return True
    except (HostError, ToolError):
        return False
    return False
