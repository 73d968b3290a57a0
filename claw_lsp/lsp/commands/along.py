"""What goes with a prompt by itself: shown, and switched off or on for one chat."""

from __future__ import annotations

from claw_lsp.core.surroundings import OFF
from claw_lsp.facts.fault import ClawError
from claw_lsp.lsp.arguments import AlongArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.along", AlongArguments, slash=True)
async def along(door: Door, args: AlongArguments, request: RequestId | None) -> Answer:
    """Show what goes with a prompt by itself: where you are in the editor. `off` and `on` switch it for this chat, until the
    server ends; the setting `sendAlong` switches it for all."""
    session = await door.looked_at(args.session)
    if session is None:
        return {
            "session": None,
            "text": "There is no session yet; what goes along is shown above the prompt of a chat.",
        }
    if args.along == "off":
        door.around.off.add(session.id)
    elif args.along == "on":
        door.around.off.discard(session.id)
    if args.along is not None:
        door.surroundings_changed()
    line = await line_of(door, session.id)
    on = not door.around.switched_off(session.id, await door.settings_of(session))
    if args.along == "on" and not on:
        return {"session": session.id, "along": "off", "line": line, "text": "The setting `sendAlong` is off."}
    text = f"Along with a prompt goes: {line or OFF}."
    return {"session": session.id, "along": "on" if on else "off", "line": line, "text": text}


async def line_of(door: Door, session: str) -> str:
    """One line on what would go with a prompt in a session. Raises ClawError."""
    found = await door.looked_at(session)
    return await door.around.line(found.state, await door.settings_of(found)) if found else ""


async def shown(door: Door, session: str | None) -> str:
    """The same, for a chat that shows it from now on; "" where it belongs to no session that can be read."""
    if session is None:
        return ""
    try:
        line = door.around.shown[session] = await line_of(door, session)
    except ClawError:
        return ""
    return line
