"""The command that makes what the model is sent of a session shorter."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from claw_lsp.core.render import compacted_line
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import compact as compact_session
from claw_lsp.facts.compacted import Compacted
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.lsp.arguments import CompactArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import ERROR, INFO
from claw_lsp.lsp.runs import Run
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.compact", CompactArguments, slash=True)
async def compact(door: Door, args: CompactArguments, request: RequestId | None) -> Answer:
    """Make a session shorter: a summary stands for what was said, your own words and the task list stay. `focus` is what it is
    to mind in particular. While a turn runs it waits for its end."""
    session = await door.last_session(args.session)
    if session is None or not (session.state.messages or session.state.turn):
        raise BadRequest("session: there is nothing to compact yet")
    waits = session.in_turn.locked()
    door.later(_compact(door, session, args.focus.strip()), "compacting a session")
    text = "It is compacted as soon as its turn has ended." if waits else "It is being compacted."
    return {"session": session.id, "waits": waits, "text": text}


async def _compact(door: Door, session: Session, focus: str) -> None:
    run = Run(id=str(uuid4()), session=session.id, title="compacting", action="compact")
    bar = door.progress.begin(run.id, "Claw: compacting a session")
    said = "not compacted"
    task = asyncio.current_task()
    assert task is not None
    door.runs.beside[run.id] = task
    try:
        settings = await door.settings_of(session)
        hands = door.house.hands(door.workspace, door.host(run, bar), settings, door.home_of(session))
        event = await compact_session(session, focus, hands)
        said = compacted_line(event)
        door.messages.say(INFO if isinstance(event, Compacted) else ERROR, f"Claw: {said}")
    except ClawError as error:
        door.messages.say(ERROR, f"Claw: the session was not compacted: {error}")
    finally:
        door.runs.beside.pop(run.id, None)
        bar.end(said)
        door.events.touched()
