"""The command that shows what is told of how to work here: instruction files, and the agent's notes."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.memory import FILE
from claw_lsp.core.memory_page import Remembered, why, written
from claw_lsp.core.policy import notes as places
from claw_lsp.engine.session import Session
from claw_lsp.facts.fault import BadRequest, ToolError
from claw_lsp.facts.instructions import Around, Instructions
from claw_lsp.lsp.arguments import MemoryArguments
from claw_lsp.lsp.commands.permissions import short
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import uri_of


@command("claw.memory", MemoryArguments, slash=True)
async def memory(door: Door, args: MemoryArguments, request: RequestId | None) -> Answer:
    """Show the instruction files and notes in force, and why each holds. With `file` that one is opened: a path or its end,
    or MEMORY.md for the notes about this workspace."""
    session = await door.looked_at(args.session)
    it = await _remembered(door, session)
    if args.file is not None:
        return await _opened(door, it, args.file)
    text = written(it, lambda path: short(door, path), uri_of)
    answer: Answer = {
        "session": session.id if session else None,
        "files": [_json(one) for one in (*it.begins, *it.came)],
        "notes": [{"path": path, "waiting": n} for path, n in it.notes],
        "notices": list(it.notices),
        "text": text,
    }
    if request is None:
        return answer  # The chat shows the text itself.
    path = await door.views.write(session.id if session else "workspace", "memory.md", text)
    return answer | {"path": path, "shown": await door.views.show(path)}


async def _remembered(door: Door, session: Session | None) -> Remembered:
    home = door.home_for(None)
    folder = (session.state.roots[0] if session.state.roots else session.state.cwd) if session else home.folder
    settings = await door.settings_in(folder)
    around = Around(folder, session.state.roots if session else home.roots, settings, home.open_texts())
    found = await door.house.guidance.beginning(around)
    known = {it.path for it in found.files}
    came = await door.house.guidance.again(
        [it for it in (session.state.instructed if session else ()) if it not in known], around
    )
    kept = (
        places.everywhere(door.house.claw_home),
        places.here(folder, door.house.claw_home, settings.memory_directory),
    )
    notes = tuple(f"{it}/{FILE}" for it in kept if settings.auto_memory)
    waiting = [it.hunk.path for found_in in door.review.shown().values() for it in found_in if it.proposed]
    return Remembered(
        found.files,
        came,
        (*found.waiting, *found.notices),
        tuple((it, waiting.count(it)) for it in notes),
        frozenset(
            [it.path for it in (*found.files, *came) if door.buffers.get(it.path) and await _dirty(door, it.path)]
        ),
    )


async def _dirty(door: Door, path: str) -> bool:
    try:
        return (await door.workspace.read(path)).dirty
    except ToolError:
        return False


async def _opened(door: Door, it: Remembered, wanted: str) -> Answer:
    """Show the file whose path ends so; of several the most specific. Raises BadRequest."""
    paths = [*(one.path for one in (*it.begins, *it.came)), *(path for path, _ in it.notes)]
    found = [path for path in paths if path == wanted or path.endswith(f"/{wanted.lstrip('/')}")]
    if not found:
        raise BadRequest(f"file: expected one that is in force (claw.memory lists them), found {wanted!r}")
    path = found[-1]
    if not any(one.path == path for one in (*it.begins, *it.came)):
        n = dict(it.notes)[path]
        waits = f" {n} of what Claw proposed for it waits for your answer (claw.apply)." if n else ""
        return {"path": path, "shown": False, "text": f"There is no {path} yet.{waits}"}
    return {"path": path, "shown": await door.views.show(path), "text": path}


def _json(it: Instructions) -> dict[str, Any]:
    return {
        "path": it.path,
        "uri": uri_of(it.path),
        "origin": it.origin,
        "why": why(it),
        "characters": len(it.text),
        "by": it.by or None,
        "paths": list(it.paths),
    }
