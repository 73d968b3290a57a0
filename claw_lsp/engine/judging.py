"""The Judge step: plan the call, let the policy decide, and ask the person where it says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from claw_lsp.core.policy.egress import destinations
from claw_lsp.core.policy.judge import judge, offer
from claw_lsp.core.step import looking_ahead
from claw_lsp.engine.proposing import proposes
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import CallJudged, Event, ModeChanged, RuleAdded
from claw_lsp.facts.fault import ClawError, ToolError
from claw_lsp.facts.plan import Choice, Inquiry, Plan, Reach
from claw_lsp.facts.question import ALWAYS, DENY, ONCE, SESSION, Answer, Question
from claw_lsp.facts.rule import Mode, Rule, Verdict
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Working
from claw_lsp.ports import Host, Memory, Tool, Workspace


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
    def settings(self) -> Settings: ...


async def decide(call: Call, session: Session, tool: Tool | None, scene: Scene, hands: Asked) -> tuple[Event, ...]:
    """The facts of one decision, the last of them a CallJudged; what was planned is kept in the session."""
    if tool is None:
        return (_fault(call, f"There is no tool named {call.name!r}. Use one of the tools you were given."),)
    try:
        plan = await _planned(call, session, tool, scene, hands)
    except ValidationError as error:
        return (_fault(call, read_input_error(call.name, error)),)
    except ToolError as error:
        return (_fault(call, str(error)),)
    verdict = judge((*hands.settings.rules, *session.state.rules), session.state.mode, plan, scene.ground)
    if verdict.decision == "deny":
        return (_judged(plan, "deny", "rule" if verdict.rule else "mode", verdict, _denied(verdict.reason)),)
    if plan.changes and all(proposes(session, hands.settings, it.path) for it in plan.changes):
        # Applying it is the person's answer, so nothing is asked.
        session.planned[call.id] = (plan, ())
        return (_judged(plan, "allow", "review", verdict, "it waits as a proposal"),)
    answers: tuple[Answer, ...] = ()
    facts: tuple[Event, ...] = ()
    if verdict.decision == "ask" and plan.reach is not Reach.PERSON:
        answer = await hands.host.ask(_permission(plan, verdict, session, scene))
        if answer.choice == DENY:
            return (_refused_by(plan, verdict, answer),)
        facts = await _widened(plan, answer, session, hands)
        verdict = verdict.model_copy(update={"reason": answer.text})
    for inquiry in plan.inquiries:
        answers = (*answers, await hands.host.ask(_inquiry(plan, inquiry, session, scene)))
    if answers and all(it.by == "nobody" for it in answers):
        return (*facts, _refused_by(plan, verdict, answers[0]))
    for inquiry in _unsaved(plan, session, hands):
        answer = await hands.host.ask(_inquiry(plan, inquiry, session, scene))
        if answer.choice == DENY:
            return (*facts, _refused_by(plan, verdict, answer, inquiry))
        session.runs_unsaved = session.runs_unsaved or answer.choice == SESSION
        if answer.text.strip():
            said = [verdict.reason] if verdict.decision == "ask" and verdict.reason else []
            verdict = verdict.model_copy(update={"decision": "ask", "reason": " ".join([*said, answer.text])})
    session.planned[call.id] = (plan, answers)
    by = "person" if verdict.decision == "ask" or answers else _allowed_by(plan, verdict, session)
    return (*facts, _judged(plan, "allow", by, verdict, verdict.reason))


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
    if verdict.rule:
        return "rule"
    if plan.reach in (Reach.NOTHING, Reach.PERSON):
        return "reach"
    return "mode" if session.state.mode is Mode.BYPASS or plan.reach is Reach.EDIT else "reach"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _permission(plan: Plan, verdict: Verdict, session: Session, scene: Scene) -> Question:
    """A permission question. What is always asked, or asked by a rule, is allowed once at the most."""
    choices = [Choice(DENY, "Deny"), Choice(ONCE, "Allow once")]
    rule = None
    if _may_be_widened(plan, verdict, session, scene):
        rule = offer(plan)
        if plan.reach is Reach.EDIT:
            choices.append(Choice(SESSION, "Allow edits for this session"))
        elif rule:
            choices += [Choice(SESSION, "Allow for this session"), Choice(ALWAYS, f"Always allow {rule}")]
    return Question(
        id=str(uuid4()),
        session=session.id,
        run=scene.run,
        plan=plan,
        title=plan.title,
        detail=f"{plan.detail}\n\nAsked because {verdict.reason}."
        if plan.detail
        else f"Asked because {verdict.reason}.",
        choices=tuple(choices),
        path=plan.paths[0].path if plan.paths else None,
        rule=rule,
    )


def _may_be_widened(plan: Plan, verdict: Verdict, session: Session, scene: Scene) -> bool:
    """Whether a wider yes would change the verdict at all: tried on the policy itself."""
    if verdict.rule:
        return False
    if plan.reach is Reach.EDIT:
        return judge((), Mode.ACCEPT_EDITS, plan, scene.ground).decision == "allow"
    rule = offer(plan)
    if rule is None:
        return False
    return judge((Rule(text=rule, behavior="allow"),), session.state.mode, plan, scene.ground).decision == "allow"


async def _widened(plan: Plan, answer: Answer, session: Session, hands: Asked) -> tuple[Event, ...]:
    """The facts of a yes that reaches beyond this call. A mode that was chosen since it was asked stays as it is."""
    if answer.choice == SESSION and plan.reach is Reach.EDIT:
        return (ModeChanged(mode=Mode.ACCEPT_EDITS),) if session.state.mode is Mode.DEFAULT else ()
    rule = offer(plan)
    if rule is None or answer.choice not in (SESSION, ALWAYS):
        return ()
    if answer.choice == SESSION:
        return (RuleAdded(rule=Rule(text=rule, behavior="allow", source="this session")),)
    try:
        path = await hands.memory.add_rule(session.state.roots[0] if session.state.roots else session.state.cwd, rule)
    except ClawError as error:
        await hands.host.heard(Working(plan.call.id, f"The rule is kept for this session only: {error}"))
        path = None
    return (RuleAdded(rule=Rule(text=rule, behavior="allow", source=path or "this session"), stored_in=path),)


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


def _inquiry(plan: Plan, inquiry: Inquiry, session: Session, scene: Scene) -> Question:
    return Question(
        id=str(uuid4()),
        session=session.id,
        run=scene.run,
        plan=plan,
        title=inquiry.title,
        detail=inquiry.detail,
        choices=inquiry.choices,
        path=plan.paths[0].path if plan.paths else None,
        document=inquiry.document,
    )


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
