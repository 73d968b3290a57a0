"""Commands about the model, the mode and the effort of a session."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from claw_lsp.core.modes import SWITCHED
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import ModeChanged, ModelChanged, Noted
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.facts.rule import Mode
from claw_lsp.lsp.arguments import EffortArguments, ModeArguments, ModelArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import BYPASS_FORBIDDEN, Door
from claw_lsp.lsp.transport.messages import RequestId

_ASKS = "mode-"
"""How the call ids of questions about a mode begin."""


@command("claw.model", ModelArguments, slash=True)
async def model(door: Door, args: ModelArguments, request: RequestId | None) -> Answer:
    """Show or pick the model: opus, sonnet, haiku or a full id."""
    session = await door.last_session(args.session)
    settings = await door.settings_of(session)
    if args.model is not None:
        facts = door.house.facts_of(args.model, settings)
        if session is None:
            door.model = args.model
        elif facts.id != session.state.model:
            await door.write(session, ModelChanged(model=facts.id))
        answer: Answer = {"session": session.id if session else None, "model": facts.id}
        warning = door.house.unknown(facts.id, settings)
        return answer | {"known": not warning} | ({"text": f"model: {facts.id}\n\n{warning}"} if warning else {})
    name = session.state.model if session else door.house.facts_of(door.model or settings.model, settings).id
    return {"session": session.id if session else None, "model": name}


@command("claw.effort", EffortArguments, slash=True)
async def effort(door: Door, args: EffortArguments, request: RequestId | None) -> Answer:
    """Show or pick how much the model thinks."""
    session = await door.last_session(args.session)
    if session is not None:
        if args.effort is not None:
            await door.write(session, ModelChanged(effort=args.effort))
        return {"session": session.id, "effort": args.effort or session.state.effort}
    door.effort = args.effort or door.effort
    settings = await door.settings_of(None)
    return {"session": None, "effort": door.effort or settings.effort}


@command("claw.mode", ModeArguments, slash=True)
async def mode(door: Door, args: ModeArguments, request: RequestId | None) -> Answer:
    """Show or pick the permission mode. bypassPermissions is asked for, and holds once that is answered with yes."""
    session = await door.last_session(args.session)
    settings = await door.settings_of(session)
    if args.mode is None:
        found = session.state.mode if session else door.mode or settings.mode
        return {"session": session.id if session else None, "mode": found}
    if args.mode is Mode.BYPASS and settings.disable_bypass:
        raise BadRequest(BYPASS_FORBIDDEN)
    if session is None:
        if args.mode is Mode.BYPASS:
            raise BadRequest("mode: bypassPermissions is given to a session, and there is none yet")
        door.mode = args.mode
    elif args.mode is Mode.BYPASS and session.state.mode is not Mode.BYPASS:
        question = _asked(door, session)
        if question is None:
            question = bypass_question(session)
            door.later(_ask(door, session, question), "asking for bypassPermissions")
            # The question stands before this answers, so that asking once more finds it.
            await asyncio.sleep(0)
        return {"session": session.id, "mode": session.state.mode, "question": question.id}
    else:
        if question := _asked(door, session):
            door.questions.answer(question.id, DENY, "")
        await switch(door, session, args.mode)
    return {"session": session.id if session else None, "mode": args.mode}


async def switch(door: Door, session: Session, mode: Mode) -> None:
    """The mode is another from now on, and the model is told."""
    if session.state.mode is not mode:
        await door.write(session, ModeChanged(mode=mode))
        await door.write(session, Noted(text=SWITCHED[mode]))


async def ask_for_bypass(door: Door, session: Session) -> None:
    """Ask whether nearly nothing should be asked any more; only an explicit yes switches. It is asked once at a time."""
    if _asked(door, session) is None:
        await _ask(door, session, bypass_question(session))


async def _ask(door: Door, session: Session, question: Question) -> None:
    answer = await door.questions.ask(question)
    if answer.choice == ONCE:
        await switch(door, session, Mode.BYPASS)


def _asked(door: Door, session: Session) -> Question | None:
    """The question about bypassPermissions that waits for its answer in this session."""
    waiting = (it for it in door.questions.pending if it.session == session.id)
    return next((it for it in waiting if it.plan.call.id.startswith(_ASKS)), None)


def bypass_question(session: Session) -> Question:
    title = "Let Claw run commands and change files without asking, until this session ends?"
    call = Call(id=f"{_ASKS}{uuid4()}", name="", input={})
    choices = (Choice(DENY, "Keep asking"), Choice(ONCE, "Stop asking (bypassPermissions)"))
    return Question(
        id=str(uuid4()),
        session=session.id,
        run="",
        plan=Plan(call=call, reach=Reach.PERSON, title=title),
        title=title,
        detail="Deny rules still hold, and so do the questions about files that say what Claw may do.",
        choices=choices,
    )
