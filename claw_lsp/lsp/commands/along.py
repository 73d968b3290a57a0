"""What goes with a prompt by itself: shown, and switched off or on for one chat."""

from __future__ import annotations

from claw_lsp.core.state import State
from claw_lsp.core.surroundings import OFF
from claw_lsp.facts.fault import ClawError
from claw_lsp.lsp.arguments import AlongArguments
from claw_lsp.lsp.chat.offers import sent_along_notices
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.along", AlongArguments, slash=True)
async def along(door: Door, args: AlongArguments, request: RequestId | None) -> Answer:
    """Show what goes with a prompt by itself: where you are in the editor. `off` and `on` switch it for this chat, until the
    server ends; the setting `sendAlong` switches it for all."""
    session = await door.looked_at(args.session)
    if session is None:
        line = await line_of(door, "")
        return {"session": None, "line": line, "text": f"Along with a prompt goes: {line or OFF}."}
    if args.along == "off":
        door.around.off.add(session.id)
    elif args.along == "on":
        door.around.off.discard(session.id)
    if args.along is not None:
        door.around.changed()
    line = await line_of(door, session.id)
    on = not door.around.switched_off(session.id, await door.settings_of(session))
    if args.along == "on" and not on:
        return {"session": session.id, "along": "off", "line": line, "text": "The setting `sendAlong` is off."}
    text = f"Along with a prompt goes: {line or OFF}."
    return {"session": session.id, "along": "on" if on else "off", "line": line, "text": text}


async def line_of(door: Door, session: str) -> str:
    """One line on what would go with a prompt in a session, or in a new one for "". Raises ClawError."""
    found = await door.looked_at(session) if session else None
    settings = await door.settings_of(found)
    if found is not None:
        return await door.around.line(found.state, settings)
    home = door.home_for(None)
    return await door.around.line(State(cwd=home.folder, roots=home.roots, mode=settings.mode), settings)


async def noticed(door: Door) -> None:
    """Show it of every chat that is open, in a client that shows no lenses."""
    lines = {it.uri: sent_along_notices(it, await shown(door, it.session)) for it in door.chats.in_sight()}
    door.notices.show_along({uri: found for uri, found in lines.items() if found})


async def shown(door: Door, session: str) -> str:
    """The line, for a chat that shows it from now on; "" where its session cannot be read."""
    try:
        line = door.around.shown[session] = await line_of(door, session)
    except ClawError:
        return ""
    return line
