"""What is true of a door at a glance: the session used last, the turns in flight, what waits for the person."""

from __future__ import annotations

from claw_lsp.core import briefing
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import UserSpoke
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.events import Running, Status, Used


async def status_of(door: Door) -> Status:
    """The status now. Reads the settings in force, since they say which model a first session would have."""
    session = door.house.sessions.last
    settings = await door.settings_of(session)
    session = door.house.sessions.last
    facts = door.house.facts_of(session.state.model if session else door.model or settings.model, settings)
    waiting = [it.state for found in door.review.shown().values() for it in found]
    proposed = sum(it == "proposed" for it in waiting)
    runs = [Running(run=it.id, session=it.session, title=it.title, activity=it.activity) for it in door.runs.active()]
    return Status(
        session=session.id if session else None,
        title=title_of(session) if session else None,
        model=facts.id,
        mode=session.state.mode if session else door.mode or settings.mode,
        effort=session.state.effort if session else door.effort or settings.effort,
        context=Used(used=session.state.filled if session else 0, window=facts.context),
        cost=session.state.cost if session else 0.0,
        runs=tuple(runs),
        questions=len(door.questions.pending),
        hunks=len(waiting) - proposed,
        proposals=proposed,
    )


def title_of(session: Session) -> str | None:
    """What the session is called: its title, else its first prompt in a line; None before there is one."""
    if session.state.title:
        return session.state.title
    spoken = next((it.event.text for it in session.entries if isinstance(it.event, UserSpoke)), "")
    return briefing.title(spoken) or None
