"""The command that shows the hooks in force."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.hooks_page import Listed, listed, written
from claw_lsp.lsp.arguments import SessionArguments
from claw_lsp.lsp.commands.permissions import folder_of, short, time_of
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.hooks", SessionArguments, slash=True)
async def hooks(door: Door, args: SessionArguments, request: RequestId | None) -> Answer:
    """Show the hooks in force: where each comes from, whether it is trusted, and how it last ran in the session."""
    session = await door.looked_at(args.session)
    in_force = await door.house.settings(folder_of(door, session), door.section)
    them = listed(in_force.settings.hooks, session.entries if session else ())
    withheld = [it for it in in_force.withheld if ": hook " in it]
    problems = [str(it) for it in in_force.problems if it.message.startswith("hooks")]
    text = written(them, withheld, problems, lambda path: short(door, path), time_of)
    path = await door.views.write(session.id if session else "workspace", "hooks.md", text)
    return {
        "session": session.id if session else None,
        "hooks": [_json(it) for it in them],
        "withheld": withheld,
        "problems": problems,
        "path": path,
        "shown": request is not None and await door.views.show(path),
        "text": text,
    }


def _json(it: Listed) -> dict[str, Any]:
    hook = it.hook
    last = {"code": it.last.code, "seconds": it.last.seconds, "fault": it.last.fault, "at": it.at} if it.last else None
    return {
        "event": hook.event,
        "type": hook.type,
        "name": hook.name,
        "matcher": hook.matcher,
        "source": hook.source,
        "file": hook.file or None,
        "line": hook.line or None,
        "runs": it.n,
        "last": last,
        "never": it.never or None,
    }
