"""Commands about the model, the mode and the effort of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

from claw_lsp.core.hooks import occasions
from claw_lsp.core.models import effort_said, refused
from claw_lsp.core.modes import SWITCHED, forbidden
from claw_lsp.core.render import tokens
from claw_lsp.engine.hooking import fire
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import ModeChanged, ModelChanged, Noted
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.lsp.arguments import EffortArguments, ModeArguments, ModelArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.shim import Item
from claw_lsp.lsp.transport.messages import RequestId

_ASKS = "mode-"
"""How the call ids of questions about a mode begin."""


@command("claw.model", ModelArguments, slash=True)
async def model(door: Door, args: ModelArguments, request: RequestId | None) -> Answer:
    """Show or pick the model: opus, sonnet, haiku or a full id. Without `model` a shim's list offers them."""
    session = await door.last_session(args.session)
    settings = await door.settings_of(session)
    now = session.state.model if session else door.house.facts_of(door.model or settings.model, settings).id
    wanted = args.model
    if wanted is None and request is not None:
        wanted = await one_of(door, "Claw: which model?", _models(door, settings, now))
    if wanted is None:
        return {"session": session.id if session else None, "model": now}
    facts = door.house.facts_of(wanted, settings)
    if refusal := refused(facts.id, settings):
        raise BadRequest(f"model: {refusal}")
    if session is None:
        door.model = wanted
    elif facts.id != session.state.picked:
        await _switch(door, session, settings, facts.id)
    answer: Answer = {"session": session.id if session else None, "model": facts.id}
    warning = door.house.unknown(facts.id, settings)
    level = session.state.effort if session else door.effort or settings.effort
    said = [it for it in (warning, effort_said(level, facts) if level else "") if it]
    return answer | {"known": not warning} | ({"text": "\n\n".join((f"model: {facts.id}", *said))} if said else {})


async def _switch(door: Door, session: Session, settings: Settings, to: str) -> None:
    """Another model, unless a hook refuses it. Raises BadRequest."""
    wired = door.house.alone(settings, partial(door.saw, session.id))
    before = session.state.picked
    answer = await fire(occasions.before_model(before, to), session, wired)
    if answer.blocked is not None:
        raise BadRequest(f"model: a hook keeps {before}: {answer.blocked}")
    await door.write(session, ModelChanged(model=to))
    await fire(occasions.after_model(before, to), session, wired)


@command("claw.effort", EffortArguments, slash=True)
async def effort(door: Door, args: EffortArguments, request: RequestId | None) -> Answer:
    """Show or pick how much the model thinks. Without `effort` a shim's list offers what the model knows."""
    session = await door.last_session(args.session)
    settings = await door.settings_of(session)
    now = session.state.effort if session else door.effort or settings.effort
    facts = door.house.facts_of(session.state.picked if session else door.model or settings.model, settings)
    wanted: str | None = args.effort
    if wanted is None and request is not None:
        items = [Item(it, it, picked=it == now) for it in facts.efforts]
        wanted = await one_of(door, "Claw: how much should the model think?", items)
    if wanted is not None and session is not None:
        await door.write(session, ModelChanged(effort=wanted))
    elif wanted is not None:
        door.effort = wanted
    answer: Answer = {"session": session.id if session else None, "effort": wanted or now}
    said = effort_said(wanted, facts) if wanted else ""
    return answer | ({"text": f"effort: {wanted}\n\n{said}"} if said else {})


@command("claw.mode", ModeArguments, slash=True)
async def mode(door: Door, args: ModeArguments, request: RequestId | None) -> Answer:
    """Show or pick the permission mode. bypassPermissions is asked for, and holds once that is answered with yes. Without
    `mode` a shim's list offers them."""
    session = await door.last_session(args.session)
    settings = await door.settings_of(session)
    wanted = args.mode
    if wanted is None:
        now = session.state.mode if session else door.mode or settings.mode
        items = _modes(now, settings, has_session=session is not None)
        picked = await one_of(door, "Claw: which permission mode?", items) if request is not None else None
        if picked is None:
            return {"session": session.id if session else None, "mode": now}
        wanted = Mode(picked)
    if refusal := forbidden(wanted, settings):
        raise BadRequest(refusal)
    if session is not None:
        return await _now_in(door, session, wanted)
    if wanted is Mode.BYPASS:
        raise BadRequest("mode: bypassPermissions is given to a session, and there is none yet")
    door.mode = wanted
    return {"session": None, "mode": wanted}


async def _now_in(door: Door, session: Session, wanted: Mode) -> Answer:
    """The session's mode is this from now on, or the question about it stands."""
    if wanted is not Mode.BYPASS or session.state.mode is Mode.BYPASS:
        if question := _asked(door, session):
            door.questions.answer(question.id, DENY, "")
        await switch(door, session, wanted)
        return {"session": session.id, "mode": wanted}
    question = _asked(door, session)
    if question is None:
        question = bypass_question(session)
        door.later(_ask(door, session, question), "asking for bypassPermissions")
        # The question stands before this answers, so that asking once more finds it.
        await asyncio.sleep(0)
    return {"session": session.id, "mode": session.state.mode, "question": question.id}


async def one_of(door: Door, title: str, items: Sequence[Item]) -> str | None:
    """The id the person picks from a shim's list; None where there is none, or where they closed it."""
    picked = await door.shim.picked(title, items)
    return picked[0] if picked else None


def _models(door: Door, settings: Settings, now: str) -> list[Item]:
    """The models there are, by their alias where they have one."""
    facts = {name: door.house.facts_of(name, settings) for name in door.house.models(settings)}
    aliased = {it.id for name, it in facts.items() if name != it.id}
    return [
        Item(name, name, _described(it, name), picked=it.id == now)
        for name, it in facts.items()
        if name != it.id or name not in aliased
    ]


def _described(facts: ModelFacts, name: str) -> str:
    window = f"{tokens(facts.context)} tokens"
    return window if name == facts.id else f"{facts.id} · {window}"


def _modes(now: Mode, settings: Settings, *, has_session: bool) -> list[Item]:
    offered = [it for it in Mode if not forbidden(it, settings) and (it is not Mode.BYPASS or has_session)]
    return [Item(it, it, MODES[it], picked=it is now) for it in offered]


MODES = {
    Mode.DEFAULT: "what the rules do not allow is asked",
    Mode.ACCEPT_EDITS: "edits inside the workspace need no question",
    Mode.PLAN: "it looks and thinks, and changes nothing",
    Mode.AUTO: "a small model decides most of what would be asked",
    Mode.BYPASS: "nearly nothing is asked; you are asked whether that shall be",
    Mode.DONT_ASK: "what would be asked is refused",
}


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
