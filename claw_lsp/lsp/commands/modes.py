"""Commands about the model, the mode and the effort of a session."""

from __future__ import annotations

from uuid import uuid4

from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import ModeChanged, ModelChanged, Noted
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.facts.rule import Mode
from claw_lsp.lsp.arguments import EffortArguments, ModeArguments, ModelArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId

TOLD = {
    Mode.DEFAULT: "The person left the mode before: what the rules do not allow is asked again.",
    Mode.ACCEPT_EDITS: "The person switched to acceptEdits: edits inside the workspace need no question now.",
    Mode.PLAN: "The person switched to plan mode: look and think, change nothing, and present the plan with ExitPlanMode.",
    Mode.BYPASS: "The person switched to bypassPermissions: nearly nothing is asked now. Take the more care.",
}


@command("claw.model", ModelArguments, slash=True)
async def model(door: Door, args: ModelArguments, request: RequestId | None) -> Answer:
    """Show or pick the model: opus, sonnet, haiku or a full id."""
    session = await door.last_session(args.session)
    settings = await door.settings_in(door.home_for(None).folder)
    if args.model is not None:
        facts = door.house.facts_of(args.model, settings)
        if session is None:
            door.model = args.model
        elif facts.id != session.state.model:
            await door.write(session, ModelChanged(model=facts.id))
        return {"session": session.id if session else None, "model": facts.id, "known": facts.price is not None}
    name = session.state.model if session else door.house.facts_of(door.model or settings.model, settings).id
    return {"session": session.id if session else None, "model": name}


@command("claw.effort", EffortArguments, slash=True)
async def effort(door: Door, args: EffortArguments, request: RequestId | None) -> Answer:
    """Show or pick how much the model thinks."""
    session = await door.last_session(args.session)
    if args.effort is not None:
        if session is None:
            raise BadRequest("effort: there is no session yet; start one, or set effortLevel in the settings")
        await door.write(session, ModelChanged(effort=args.effort))
    chosen = args.effort or (session.state.effort if session else None)
    return {"session": session.id if session else None, "effort": chosen}


@command("claw.mode", ModeArguments, slash=True)
async def mode(door: Door, args: ModeArguments, request: RequestId | None) -> Answer:
    """Show or pick the permission mode. bypassPermissions is asked for, and holds once that is answered with yes."""
    session = await door.last_session(args.session)
    if args.mode is None:
        return {
            "session": session.id if session else None,
            "mode": (session.state.mode if session else door.mode) or Mode.DEFAULT,
        }
    if session is None:
        if args.mode is Mode.BYPASS:
            raise BadRequest("mode: bypassPermissions is given to a session, and there is none yet")
        door.mode = args.mode
    elif args.mode is Mode.BYPASS and session.state.mode is not Mode.BYPASS:
        question = bypass_question(session)
        door.later(ask_for_bypass(door, session, question), "asking for bypassPermissions")
        return {"session": session.id, "mode": session.state.mode, "question": question.id}
    else:
        await switch(door, session, args.mode)
    return {"session": session.id if session else None, "mode": args.mode}


async def switch(door: Door, session: Session, mode: Mode) -> None:
    """The mode is another from now on, and the model is told."""
    if session.state.mode is not mode:
        await door.write(session, ModeChanged(mode=mode))
        await door.write(session, Noted(text=TOLD[mode]))


async def ask_for_bypass(door: Door, session: Session, question: Question | None = None) -> None:
    """Ask whether nearly nothing should be asked any more; only an explicit yes switches."""
    settings = await door.settings_in(session.state.cwd)
    if settings.disable_bypass:
        door.messages.say(2, "Claw: bypassPermissions is switched off by the settings.")
        return
    answer = await door.questions.ask(question or bypass_question(session))
    if answer.choice == ONCE:
        await switch(door, session, Mode.BYPASS)


def bypass_question(session: Session) -> Question:
    title = "Let Claw run commands and change files without asking, until this session ends?"
    call = Call(id=f"mode-{uuid4()}", name="", input={})
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
