"""A turn: the steps the core decides, performed one after the other until it says that the turn is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from claw_lsp.core.hooks import occasions
from claw_lsp.core.models import refused, stand_in
from claw_lsp.core.policy import egress
from claw_lsp.core.prompt import request
from claw_lsp.core.recover import INTERRUPTED
from claw_lsp.core.state import State
from claw_lsp.core.step import Compact, Consult, End, Judge, Perform, Refuse, Rest, next_step, repeated
from claw_lsp.engine import hooking
from claw_lsp.engine.compacting import made_shorter, wanted
from claw_lsp.engine.deadline import Deadline
from claw_lsp.engine.instructing import guide, refresh
from claw_lsp.engine.judging import decide
from claw_lsp.engine.keeping import before_change, keep_after
from claw_lsp.engine.limits import goes_on
from claw_lsp.engine.proposing import Proposing, waiting_note
from claw_lsp.engine.saving import saved_first
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call, Result, text_in
from claw_lsp.facts.compacted import Compacted, CompactionFailed, Trigger
from claw_lsp.facts.event import CallFinished, Event, ModelSpoke, SessionStarted, Stopped, TurnEnded, UserSpoke
from claw_lsp.facts.fault import ClawError, ContextFull, ModelError, ProcessError, ToolError
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.request import Reply
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Retrying, Signal, TextArrived, UsageReported, Working
from claw_lsp.facts.usage import ModelFacts, Usage, cost
from claw_lsp.ports.checkpoints import Checkpoints
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.guidance import Guidance
from claw_lsp.ports.hooks import Hooks
from claw_lsp.ports.model import Model
from claw_lsp.ports.person import Host
from claw_lsp.ports.rules import Assessor, Memory
from claw_lsp.ports.tools import Tool
from claw_lsp.ports.world import Clock

BUG = "Something in claw-lsp itself failed; the details are in its log. The session can go on."


@dataclass(frozen=True, slots=True)
class Hands:
    """What a turn works with. `facts_of` knows any model id; `home` is the person's home folder, `claw_home`
    our own. `reopened` is what a session would begin with now, `compact_prompt` asks the model for a summary.
    `newer` gives the settings that are in force now, in place of those of before, `offered`
    the tools that the model was not told of yet. `shows_replies`: people read replies in a document, and hooks may change what."""

    model: Model
    tools: Mapping[str, Tool]
    workspace: Workspace
    host: Host
    clock: Clock
    memory: Memory
    guidance: Guidance
    hooks: Hooks
    assessor: Assessor
    settings: Settings
    facts_of: Callable[[str], ModelFacts]
    home: str
    claw_home: str = ""
    checkpoints: Checkpoints | None = None
    reopened: Callable[[State], Awaitable[SessionStarted]] | None = None
    compact_prompt: str = ""
    newer: Callable[[Settings], Awaitable[Settings]] | None = None
    shows_replies: bool = False
    offered: Callable[[State], ToolsOffered | None] | None = None


async def run_turn(session: Session, spoken: UserSpoke, hands: Hands) -> TurnEnded:
    """Run one turn to its end: one that `session.begin` wrote and the caller showed, else begun here, once no other runs.

    However it ends, the log is closed by a TurnEnded; cancellation passes on. Raises LogError when the log cannot be
    written, and whatever is a bug of ours.
    """
    minutes = hands.settings.max_minutes
    deadline = Deadline(hands.host, None if minutes is None else 60 * minutes)
    hands = replace(hands, workspace=Proposing(hands.workspace, session, hands), host=deadline)
    async with session.in_turn:
        stopped: Stopped = "failed"
        why = BUG
        failure: ClawError | None = None
        turn = session.state.turn
        begun = () if turn is not None and turn.run == spoken.run else session.begin(spoken)
        try:
            for entry in begun:
                await hands.host.saw(entry)
            async with deadline:
                await refresh(session, hands)
                await hooking.greet(spoken, session, hands)
                while not isinstance(step := next_step(session.state), Rest):
                    hands = await _with_newer_settings(hands)
                    await _take(step, session, hands)
        except TimeoutError:
            if not deadline.over:
                raise
            stopped, why = "limit", f"The turn reached its limit of {minutes:g} minutes."
        except asyncio.CancelledError:
            stopped, why = "interrupted", INTERRUPTED
            raise
        except ClawError as error:
            stopped, why, failure = "failed", str(error), error
        finally:
            keep_after(spoken.prompt_id, session, hands)
            # Closed before anything is awaited, so that a second cancel cannot leave it open.
            for entry in session.end(spoken.run, stopped, why):
                await hands.host.saw(entry)
        if failure is not None:
            await hooking.failed(failure, session, hands)
        hooking.rests(session, hands)
        ended = session.ended(spoken.run)
        assert ended is not None
        return ended


async def compact(session: Session, focus: str, hands: Hands) -> Compacted | CompactionFailed:
    """Compact a session because the person wants it, once no turn runs. Raises LogError."""
    hands = replace(hands, workspace=Proposing(hands.workspace, session, hands))
    async with session.in_turn:
        return await _compact(session, hands, "manual", focus)


async def _compact(session: Session, hands: Hands, trigger: Trigger, focus: str) -> Compacted | CompactionFailed:
    """Make what the model is sent shorter, between two replies; what hooks say of it is heeded."""
    answer = await hooking.before_compaction(trigger, focus, session, hands)
    if (refused := answer.blocked) is not None:
        event: Compacted | CompactionFailed = CompactionFailed(trigger=trigger, why=f"a hook refused it: {refused}")
    else:
        minded = "\n".join(filter(None, (focus, answer.context)))
        event = await made_shorter(session, _scene(session, hands), hands, wanted(session, hands, trigger, minded))
    await _record(session, hands, event)
    if isinstance(event, Compacted):
        await hooking.after_compaction(trigger, event.summary, session, hands)
    return event


async def _take(step: Compact | Consult | Judge | Perform | Refuse | End, session: Session, hands: Hands) -> None:
    match step:
        case Consult():
            if hands.offered and (offered := hands.offered(session.state)):
                await _record(session, hands, offered)
            await _consult(session, hands)
        case Compact():
            await _compact(session, hands, "auto", "")
        case Judge(call):
            for event in await decide(call, session, hands.tools.get(call.name), _scene(session, hands), hands):
                await _record(session, hands, event)
        case Perform(calls):
            await _perform(calls, session, hands)
            if not session.state.calls:
                await hooking.after_calls(session, hands)
        case Refuse(call, reason):
            await _record(session, hands, CallFinished(call_id=call.id, result=_refused(reason)))
        case End(stopped, why, raised):
            if stopped in ("done", "refused") and await hooking.kept_going(session, hands):
                return
            if raised is not None and await goes_on(why, session, hands.host):
                await _record(session, hands, raised)
                return
            await _record(session, hands, _turn_ended(session, stopped, why))


async def _consult(session: Session, hands: Hands) -> None:
    facts = hands.facts_of(session.state.model)
    masked = hands.shows_replies and hooking.masks(hands)

    async def hear(signal: Signal) -> None:
        if isinstance(signal, TextArrived):
            session.keep(signal.text)
            if masked:
                return
        elif isinstance(signal, UsageReported):
            session.owes(signal.usage, cost(signal.usage, facts.price))
        elif isinstance(signal, Retrying):
            session.owes(Usage(), 0.0)
        await hands.host.heard(signal)

    if refusal := refused(facts.id, hands.settings):
        raise ModelError(refusal, reason="invalid_request")
    asked = request(session.state, facts, hands.settings.max_output_tokens)
    try:
        event = _spoken(await hands.model.consult(asked, hear), facts)
    except ContextFull as error:
        # As a model says it that noticed while it wrote: what follows is the core's to decide.
        full = Reply((), "model_context_window_exceeded", Usage(), facts.id, fault=str(error))
        event = _spoken(full, facts)
    except ModelError as error:
        other = stand_in(error, session.state, hands.settings.fallback_models)
        if other is None or not await hooking.may_stand_in(other, session, hands):
            raise
        await _record(session, hands, other)
        await hooking.stands_in(facts.id, other, session, hands)
        return
    if masked:
        await hooking.shown(event, session, hands)
    await _record(session, hands, event)


def _spoken(reply: Reply, facts: ModelFacts) -> ModelSpoke:
    return ModelSpoke(
        blocks=reply.blocks,
        stop_reason=reply.stop_reason,
        usage=reply.usage,
        model=facts.id,
        message_id=reply.message_id,
        cost=cost(reply.usage, facts.price),
        cut=reply.cut,
        fault=reply.fault,
    )


async def _perform(calls: tuple[Call, ...], session: Session, hands: Hands) -> None:
    """Each call's fact is written as soon as it is there; with several, one that fails ends the others."""
    await guide(plans := [session.planned[it.id][0] for it in calls], session, hands)
    await before_change(plans, session, hands)
    if len(calls) == 1:
        await _perform_one(calls[0], session, hands)
        return
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(_perform_one(call, session, hands))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def _perform_one(call: Call, session: Session, hands: Hands) -> None:
    plan, answers = session.planned.pop(call.id)
    scene = _scene(session, hands)
    began = hands.clock.monotonic()

    async def tell(line: str) -> None:
        await hands.host.heard(Working(call.id, line))

    try:
        note = await _before_running(session, hands) if plan.reach is Reach.RUN else ""
        result = await hands.tools[call.name].perform(plan, scene, hands.workspace, answers, tell)
        result = await hooking.with_tasks(call, _with_note(result, note), session, hands)
    except (ToolError, ProcessError) as error:
        result = Result(content=str(error), is_error=True, summary=str(error).split("\n", 1)[0])
    if result.is_error:
        result = _with_note(result, repeated(session.state, call))
    seconds = hands.clock.monotonic() - began
    result = await hooking.after_call(plan, result, seconds, session, scene, hands)
    private = plan.reach in (Reach.READ, Reach.RUN)
    met = egress.met(plan, scene.ground)
    finished = CallFinished(call_id=call.id, result=result, seconds=seconds, untrusted=met, private=private)
    await _record(session, hands, finished)
    if result.cwd is not None:
        hooking.notice(occasions.moved(scene.cwd, result.cwd), session, hands)


async def _before_running(session: Session, hands: Hands) -> str:
    """Before a command runs, the agent's edits are saved where that is wanted and possible; what it does not see is said."""
    return "\n".join(filter(None, (await _saved_first(hands), waiting_note(session))))


async def _saved_first(hands: Hands) -> str:
    if not (unsaved := await saved_first(hands.workspace, hands.settings)):
        return ""
    names = ", ".join(unsaved)
    return f"Note: edits in {names} are in the editor and not saved; the command saw the text on disk."


def _with_note(result: Result, note: str) -> Result:
    if not note or not isinstance(result.content, str):
        return result
    return result.model_copy(update={"content": f"{note}\n{result.content}"})


def _refused(reason: str) -> Result:
    return Result(content=reason, is_error=True, summary=reason.split("\n", 1)[0])


async def _with_newer_settings(hands: Hands) -> Hands:
    """The rules of a file that changed count from the next step on."""
    settings = await hands.newer(hands.settings) if hands.newer else hands.settings
    return hands if settings is hands.settings else replace(hands, settings=settings)


async def _record(session: Session, hands: Hands, event: Event) -> None:
    """Written first, shown second, acted on third."""
    await hands.host.saw(session.write(event))


def _turn_ended(session: Session, stopped: Stopped, why: str) -> TurnEnded:
    turn = session.state.turn
    assert turn is not None
    text = text_in(turn.last.blocks) if turn.last else ""
    return TurnEnded(run=turn.run, stopped=stopped, text=text, why=why, usage=dict(turn.usage), cost=turn.cost)


def _scene(session: Session, hands: Hands) -> Scene:
    state, settings = session.state, hands.settings
    if session.environment:
        settings = settings.model_copy(update={"env": {**settings.env, **session.environment}})
    return Scene(
        session=state.session,
        run=state.turn.run if state.turn else "",
        cwd=state.cwd,
        roots=(*state.roots, *hands.settings.add_dirs),
        home=hands.home,
        mode=state.mode,
        seen=state.seen,
        tasks=state.tasks,
        settings=settings,
        exposure=state.exposure,
        claw_home=hands.claw_home,
        rules=(*hands.settings.rules, *state.rules),
        tools=state.there,
    )
