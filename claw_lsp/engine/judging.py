"""The Judge step: plan the call, let the policy decide, and ask the person where it says so."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from claw_lsp.core.hooks import occasions
from claw_lsp.core.hooks.saying import Said
from claw_lsp.core.policy.alike import fits
from claw_lsp.core.policy.automatic import may_judge, stopped
from claw_lsp.core.policy.egress import destinations
from claw_lsp.core.policy.hooks import answered as by_hook
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.state import State
from claw_lsp.core.step import alike_behind, looking_ahead
from claw_lsp.engine.asking import answered, granted, inquiry, standing, suggested, widened
from claw_lsp.engine.hooking import fire, notice
from claw_lsp.engine.proposing import proposes
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import CallJudged, Event
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Choice, Inquiry, Plan, Reach
from claw_lsp.facts.question import DENY, NEVER, ONCE, SESSION, Answer
from claw_lsp.facts.rule import Mode, Verdict
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.hooks import Hooks
from claw_lsp.ports.person import Host
from claw_lsp.ports.rules import Assessor, Memory
from claw_lsp.ports.tools import Tool


class Asked(Protocol):
    """What judging needs of a turn's hands."""

    @property
    def tools(self) -> Mapping[str, Tool]: ...
    @property
    def workspace(self) -> Workspace: ...
    @property
    def host(self) -> Host: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def assessor(self) -> Assessor: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def settings(self) -> Settings: ...


def _missing(name: str, state: State) -> str:
    if any(it.name == name for it in state.tools):
        return f"{name} cannot be called now: its MCP server is away. WaitForMcpServers waits for it; else do without."
    return f"There is no tool named {name!r}. Use one of the tools you were given."


async def decide(call: Call, session: Session, tool: Tool | None, scene: Scene, hands: Asked) -> tuple[Event, ...]:
    """The facts of one decision, the last of them a CallJudged; what was planned is kept in the session."""
    if tool is None:
        return (_fault(call, _missing(call.name, session.state)),)
    if session.state.turn is not None and session.state.turn.halted is not None:
        return (_fault(call, f"A hook stopped the turn before this call: {session.state.turn.halted}"),)
    try:
        plan = await _planned(call, session, tool, scene, hands)
        answer = await fire(occasions.before_call(plan, scene.ground), session, hands)
        if answer.input is not None and answer.blocked is None:
            changed = call.model_copy(update={"input": dict(answer.input)})
            plan = await tool.plan(changed, scene, hands.workspace)
    except ValidationError as error:
        return (_fault(call, read_input_error(call.name, error)),)
    except ToolError as error:
        return (_fault(call, str(error)),)
    if answer.blocked is not None and answer.decision != "deny":
        return (_fault(call, answer.blocked),)
    return await _decided(plan, session, replace(scene, hook=answer.verdict), hands)


async def _decided(plan: Plan, session: Session, scene: Scene, hands: Asked) -> tuple[Event, ...]:
    """What becomes of a plan, once hooks had their say."""
    call = plan.call
    verdict = judge(standing(session, scene).rules, session.state.mode, plan, scene.ground)
    if verdict.decision == "deny":
        return (_judged(plan, "deny", _denied_by(verdict), verdict, _denied(verdict.reason)),)
    if plan.changes and all(proposes(session, it.path, scene) for it in plan.changes):
        # Applying it is the person's answer, so nothing is asked.
        session.planned[call.id] = (plan, ())
        return (_judged(plan, "allow", "review", verdict, "it waits as a proposal"),)
    if verdict.decision == "allow" or plan.reach is Reach.PERSON:
        return await _inquired(plan, verdict, session, scene, hands)
    if session.state.mode is not Mode.AUTO or not may_judge(verdict, plan, scene.ground):
        return await _asked(plan, verdict, session, scene, hands)
    if stopped(session.state.refusals):
        reason = f"{verdict.reason}; auto mode refused too often and stopped judging (choose the mode again to go on)"
        return await _asked(plan, verdict.model_copy(update={"reason": reason}), session, scene, hands)
    past = (it.event for it in session.entries)
    opinion = await hands.assessor.assess(past, plan, verdict, scene.ground)
    match opinion.decision:
        case "allow":
            verdict = Verdict(decision="allow", reason=opinion.reason)
            *facts, judged = await _inquired(plan, verdict, session, scene, hands, by="classifier")
        case "deny":
            said = await fire(occasions.refused(plan, scene.ground, opinion.reason), session, hands)
            reason = (
                f"Not permitted: {opinion.reason}. You may try it once more."
                if said.retries
                else _denied(opinion.reason)
            )
            facts, judged = [], _judged(plan, "deny", "classifier", verdict, reason)
        case "ask":
            doubted = verdict.model_copy(update={"reason": f"{verdict.reason}; {opinion.reason}"})
            *facts, judged = await _asked(plan, doubted, session, scene, hands)
    return (*facts, judged.model_copy(update={"side_usage": opinion.usage, "side_cost": opinion.cost}))


async def _asked(plan: Plan, verdict: Verdict, session: Session, scene: Scene, hands: Asked) -> tuple[Event, ...]:
    """What the person says of a call, and of those like it behind it."""
    said = await fire(occasions.question(plan, scene.ground, suggested(plan, verdict, session, scene)), session, hands)
    if said.decision is not None and (facts := await _in_the_persons_place(plan, verdict, said, session, scene, hands)):
        return facts
    others = await _like(plan, verdict, session, scene, hands)
    notice(occasions.notified("permission_prompt", f"Claw asks: {plan.title}"), session, hands)
    question, answer = await answered(plan, verdict, others, session, scene, hands.host)
    facts = await widened(plan, question, answer, session, hands.memory, hands.host)
    offered = {"offered": question.rules if answer.by == "person" else ()}
    if answer.choice in (DENY, NEVER):
        return (*facts, _refused_by(plan, verdict, answer).model_copy(update=offered))
    verdict = verdict.model_copy(update={"reason": answer.text})
    *more, judged = await _inquired(plan, verdict, session, scene, hands)
    return (*facts, *more, judged.model_copy(update=offered))


async def _in_the_persons_place(
    plan: Plan, verdict: Verdict, said: Said, session: Session, scene: Scene, hands: Asked
) -> tuple[Event, ...]:
    """The facts of a call that PermissionRequest hooks answered: with another input it is judged anew. None where only the
    person may answer."""
    if said.input is not None and said.decision == "allow":
        changed = plan.call.model_copy(update={"input": dict(said.input)})
        try:
            plan = await hands.tools[plan.call.name].plan(changed, scene, hands.workspace)
        except ValidationError as error:
            return (_fault(plan.call, read_input_error(plan.call.name, error)),)
        except ToolError as error:
            return (_fault(plan.call, str(error)),)
        verdict = judge(standing(session, scene).rules, session.state.mode, plan, scene.ground)
    assert said.decision is not None
    verdict = by_hook(verdict, said.decision, said.reason)
    match verdict.decision:
        case "ask":
            return ()
        case "deny":
            return (_judged(plan, "deny", _denied_by(verdict), verdict, _denied(verdict.reason)),)
        case "allow":
            facts = await granted(said.grants, session, hands.settings, hands.memory)
            return (*facts, *await _inquired(plan, verdict, session, scene, hands))


async def _inquired(
    plan: Plan, verdict: Verdict, session: Session, scene: Scene, hands: Asked, by: str = ""
) -> tuple[Event, ...]:
    """The facts of a call that may run once the person answered what it asks itself."""
    answers: tuple[Answer, ...] = ()
    for it in plan.inquiries:
        answers = (*answers, await hands.host.ask(inquiry(plan, it, session, scene)))
    if answers and all(it.by == "nobody" for it in answers):
        return (_refused_by(plan, verdict, answers[0]),)
    for it in _unsaved(plan, session, hands):
        answer = await hands.host.ask(inquiry(plan, it, session, scene))
        if answer.choice == DENY:
            return (_refused_by(plan, verdict, answer, it),)
        session.runs_unsaved = session.runs_unsaved or answer.choice == SESSION
        if answer.text.strip():
            said = [verdict.reason] if verdict.decision == "ask" and verdict.reason else []
            verdict = verdict.model_copy(update={"decision": "ask", "reason": " ".join([*said, answer.text])})
    session.planned[plan.call.id] = (plan, answers)
    person = verdict.decision == "ask" or answers
    return (
        _judged(
            plan, "allow", "person" if person else by or _allowed_by(plan, verdict, session), verdict, verdict.reason
        ),
    )


async def _like(plan: Plan, verdict: Verdict, session: Session, scene: Scene, hands: Asked) -> list[Plan]:
    """The plans of the calls right behind this one that would be asked about for the same reason, as things are now."""
    if verdict.firm or plan.call.id in session.one_by_one or plan.call.id in session.agreed:
        return []
    found: list[Plan] = []
    rules = standing(session, scene).rules
    for call in alike_behind(session.state, plan.call):
        with suppress(ValidationError, ToolError):
            other = await hands.tools[call.name].plan(call, scene, hands.workspace)
            if fits((plan, *found), other) and judge(rules, session.state.mode, other, scene.ground) == verdict:
                found.append(other)
    return found


async def _planned(call: Call, session: Session, tool: Tool, scene: Scene, hands: Asked) -> Plan:
    """The plan of this call. Those of the calls behind it which only look are begun with it: most of the time goes by in
    other threads."""
    if call.id not in session.ahead:
        looking = looking_ahead(session.state) if tool.side_by_side else ()
        if len(looking) < 2:
            return await tool.plan(call, scene, hands.workspace)
        for it in (it for it in looking if it.name in hands.tools):
            session.ahead.begin(it.id, hands.tools[it.name].plan(it, scene, hands.workspace))
    return await session.ahead.take(call.id)


def read_input_error(tool: str, error: ValidationError) -> str:
    """The fields that were wrong, what was expected and what was found, for the model."""
    every = error.errors(include_url=False, include_context=False)
    # What contains something wrong is called wrong too, for lacking it; that would only confuse.
    faults = [it for it in every if not any(_inside(other, it) for other in every)]
    fields = [".".join(map(str, it["loc"])) or "input" for it in faults]
    lines = [f"- {field}: {_wrong(it)}" for field, it in zip(fields, faults, strict=True)]
    first = f"The input of {tool} is not valid ({', '.join(fields)}):"
    return "\n".join([first, *lines, "Call it again with these corrected."])


def _inside(fault: ErrorDetails, other: ErrorDetails) -> bool:
    n = len(other["loc"])
    return len(fault["loc"]) > n and fault["loc"][:n] == other["loc"]


def _wrong(fault: ErrorDetails) -> str:
    """What was expected and what was found."""
    match fault["type"]:
        case "missing":
            return "expected a value, found none"
        case "extra_forbidden":
            return f"there is no such field, found {_short(fault['input'])}"
        case _:
            return f"{fault['msg']}, found {_short(fault['input'])}"


def _allowed_by(plan: Plan, verdict: Verdict, session: Session) -> str:
    """Who allowed what nobody was asked about."""
    if verdict.rule or verdict.source == "hook":
        return "rule" if verdict.rule else "hook"
    if plan.reach in (Reach.NOTHING, Reach.PERSON):
        return "reach"
    return "mode" if session.state.mode is Mode.BYPASS or plan.reach is Reach.EDIT else "reach"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _unsaved(plan: Plan, session: Session, hands: Asked) -> tuple[Inquiry, ...]:
    """The question before a command runs on a disk that lacks the agent's edits; asked once where nobody can save."""
    setting, unsaved = hands.settings.save_before_run, hands.workspace.unsaved()
    if plan.reach is not Reach.RUN or not unsaved or setting == "ignore" or session.runs_unsaved:
        return ()
    if setting == "save" and hands.workspace.can_save:
        return ()
    names = ", ".join(path.rsplit("/", 1)[-1] for path in unsaved)
    choices = (
        Choice(DENY, "Do not run it"),
        Choice(ONCE, "I have saved: run it"),
        Choice(SESSION, "Run without saving, do not ask again"),
    )
    title = f"Save {names} first? The command reads the disk, and the agent's edits are only in the editor."
    return (Inquiry(title, "\n".join(unsaved), choices),)


def _refused_by(plan: Plan, verdict: Verdict, answer: Answer, inquiry: Inquiry | None = None) -> CallJudged:
    if answer.by == "nobody":
        reason = f"Not permitted: {verdict.reason}, and nobody is here to be asked. Go on without it."
        return _judged(plan, "deny", "nobody", verdict, reason)
    said = f" They said: {answer.text}" if answer.text else ""
    chose = f'"{inquiry.choices[0].title}"' if inquiry else "no"
    reason = (
        f"The person answered {chose}; it was not done.{said or ' Do not try it another way; ask, or go on without.'}"
    )
    return _judged(plan, "deny", "person", verdict, reason)


def _denied(reason: str) -> str:
    return f"Not permitted: {reason}. Do not try to reach the same another way."


def _denied_by(verdict: Verdict) -> str:
    return "rule" if verdict.rule else "hook" if verdict.source == "hook" else "mode"


def _fault(call: Call, reason: str) -> CallJudged:
    return CallJudged(call_id=call.id, decision="fault", by="plan", reason=reason, title=call.name)


def _judged(plan: Plan, decision: str, by: str, verdict: Verdict, reason: str) -> CallJudged:
    return CallJudged.model_validate(
        {
            "call_id": plan.call.id,
            "decision": decision,
            "by": by,
            "rule": verdict.rule,
            "reason": reason,
            "title": plan.title,
            "reach": plan.reach.value,
            "path": plan.paths[0].path if plan.paths else None,
            "hosts": tuple(filter(None, destinations(plan))) if by == "person" and decision == "allow" else (),
        }
    )
