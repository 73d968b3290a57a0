"""The questions about calls: one for each, or one for many that are alike; and what an answer means beyond the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from claw_lsp.core.hooks.granting import Grant, grants, suggestions
from claw_lsp.core.policy import alike
from claw_lsp.core.policy.choosing import Asking, Standing, about_many, about_one
from claw_lsp.engine.session import Agreed, Session
from claw_lsp.facts.event import Event, ModeChanged, RuleAdded, RuleRemoved
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.plan import Inquiry, Plan, Reach
from claw_lsp.facts.question import ALWAYS, DENY, EACH, NEVER, ONCE, SESSION, Answer, Question
from claw_lsp.facts.rule import Behavior, Kept, Mode, Rule, Verdict
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Working
from claw_lsp.ports.person import Host
from claw_lsp.ports.rules import Memory


def standing(session: Session, scene: Scene) -> Standing:
    """What the calls of a session are judged by now."""
    state = session.state
    return Standing((*scene.settings.rules, *state.rules), state.mode, scene.ground, state.habits)


def inquiry(plan: Plan, asked: Inquiry, session: Session, scene: Scene) -> Question:
    """What a call itself asks."""
    question = _question(Asking(plan, asked.detail, asked.choices, ()), session, scene)
    return replace(question, title=asked.title, document=asked.document)


async def answered(
    plan: Plan, verdict: Verdict, others: Sequence[Plan], session: Session, scene: Scene, host: Host
) -> tuple[Question, Answer]:
    """The answer to this call and the question it was given to. `others` are the plans of calls behind it that would be
    asked about for the same reason: with enough of them one question is asked for all."""
    question = _question(about_one(plan, verdict, standing(session, scene)), session, scene)
    earlier = session.agreed.pop(plan.call.id, None)
    if earlier is not None and not verdict.firm and earlier.covers(plan):
        return replace(question, rules=()), earlier.answer
    if 1 + len(others) < alike.ENOUGH:
        return question, await host.ask(question)
    plans = (plan, *others)
    many = _question(about_many(plans, verdict, standing(session, scene)), session, scene)
    answer = await host.ask(many)
    if answer.choice == EACH:
        session.one_by_one.update(it.call.id for it in plans)
        return question, await host.ask(question)
    for it in others:
        session.agreed[it.call.id] = Agreed(answer if answer.choice == DENY else Answer(ONCE), alike.shown(it))
    return many, answer


async def widened(
    plan: Plan, question: Question, answer: Answer, session: Session, memory: Memory, host: Host
) -> tuple[Event, ...]:
    """The facts of an answer that reaches beyond this call. A mode that was chosen since it was asked stays as it is."""
    if answer.choice == SESSION and plan.reach is Reach.EDIT:
        return (ModeChanged(mode=Mode.ACCEPT_EDITS),) if session.state.mode is Mode.DEFAULT else ()
    if answer.choice == SESSION:
        return tuple(RuleAdded(rule=Rule(text=it, behavior="allow", source="this session")) for it in question.rules)
    if answer.choice not in (ALWAYS, NEVER) or not question.rules:
        return ()
    try:
        return await remembered(question.rules, _BEHAVIOR[answer.choice], session, memory)
    except ClawError as error:
        await host.heard(Working(plan.call.id, f"What you answered holds for this session only: {error}"))
        behavior = _BEHAVIOR[answer.choice]
        rules = (Rule(text=it, behavior=behavior, source="this session") for it in question.rules)
        return tuple(RuleAdded(rule=it) for it in rules)


async def remembered(
    rules: tuple[str, ...], behavior: Behavior, session: Session, memory: Memory, kept: Kept = "local"
) -> tuple[RuleAdded, ...]:
    """The facts of rules that are written into the settings of the session's home, or the person's own. Raises ClawError."""
    path = await memory.add_rules(_home(session), rules, behavior, kept)
    return tuple(RuleAdded(rule=Rule(text=it, behavior=behavior, source=path), stored_in=path) for it in rules)


async def granted(
    entries: Sequence[Mapping[str, Any]], session: Session, settings: Settings, memory: Memory
) -> tuple[Event, ...]:
    """The facts of what a hook lets hold beyond a call; rules that cannot be written hold for the session."""
    facts: list[Event] = []
    for it in grants(entries):
        facts += [ModeChanged(mode=it.mode)] if it.mode is not None else []
        facts += await _taken_back(it, session, settings, memory)
        if it.kept and it.added:
            with suppress(ClawError):
                texts = tuple(rule.text for rule in it.added)
                facts += await remembered(texts, it.added[0].behavior, session, memory, it.kept)
                continue
        facts += [RuleAdded(rule=rule) for rule in it.added]
    return tuple(facts)


async def _taken_back(grant: Grant, session: Session, settings: Settings, memory: Memory) -> list[Event]:
    """The facts of rules that hold no more: those of a file are taken out of it first."""
    file = memory.file(_home(session), grant.kept) if grant.kept else ""
    gone: list[Event] = []
    for rule in dict.fromkeys((*session.state.rules, *settings.rules)):
        written = file and file in (rule.file, rule.source)
        if not grant.takes(rule) or not (written or (not file and rule in session.state.rules)):
            continue
        with suppress(ClawError):
            if written:
                await memory.change_rule(file, rule.behavior, rule.text, None)
            gone.append(RuleRemoved(rule=rule))
    return gone


def suggested(plan: Plan, verdict: Verdict, session: Session, scene: Scene) -> list[dict[str, Any]]:
    """What the person's answers to this call would let hold beyond it, as hooks write it."""
    asking = about_one(plan, verdict, standing(session, scene))
    return suggestions(asking.rules, asking.choices, session.state.mode)


def _home(session: Session) -> str:
    return session.state.roots[0] if session.state.roots else session.state.cwd


_BEHAVIOR: dict[str, Behavior] = {ALWAYS: "allow", NEVER: "deny"}


def _question(asking: Asking, session: Session, scene: Scene) -> Question:
    return Question(
        id=str(uuid4()),
        session=session.id,
        run=scene.run,
        plan=asking.plan,
        title=asking.plan.title,
        detail=asking.detail,
        choices=asking.choices,
        path=asking.plan.paths[0].path if asking.plan.paths else None,
        rules=asking.rules,
    )
