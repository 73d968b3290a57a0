"""Whatever hooks say at every event of a turn: the log replays, every request is valid, and the turn ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.step import Rest, next_step
from claw_lsp.engine.hooking import IDLE
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import run_turn
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.hook import FIRED, Hook, HookRan
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.testing.fakes import FakeClock, MemoryLog
from tests.laws.test_turn_laws import Interrupting, assert_valid, choices, hands, replies, spoken, started
from tests.replay import assert_replays, bare

HOOKS = Settings(hooks=tuple(Hook(type="command", event=it, command=it) for it in sorted(FIRED)))


def answer(**fields: Any) -> HookRan:
    return HookRan(0, json.dumps(fields))


INPUTS = [{"how": "b"}, {"how": "fails"}, {"wrong": 1}]
ANSWERS = st.one_of(
    st.just(HookRan(0)),
    st.just(HookRan(0, "plain words")),
    st.just(HookRan(0, "{half")),
    st.just(HookRan(1, "", "oops")),
    st.just(HookRan(2, "", "no")),
    st.just(HookRan(None, fault="it hung")),
    st.just(answer(**{"continue": False, "stopReason": "enough"})),
    st.just(answer(**{"continue": False, "stopReason": ""})),
    st.just(answer(hookSpecificOutput={"additionalContext": "context", "sessionTitle": "title"})),
    st.just(answer(hookSpecificOutput={"additionalContext": " \n"})),
    st.just(answer(hookSpecificOutput={"updatedToolOutput": ""})),
    st.sampled_from(INPUTS).map(
        lambda it: answer(hookSpecificOutput={"permissionDecision": "allow", "updatedInput": it})
    ),
    st.sampled_from(["allow", "ask", "deny"]).map(lambda it: answer(hookSpecificOutput={"permissionDecision": it})),
    st.sampled_from(INPUTS).map(
        lambda it: answer(hookSpecificOutput={"decision": {"behavior": "allow", "updatedInput": it}})
    ),
    st.just(answer(hookSpecificOutput={"decision": {"behavior": "deny", "message": "no", "interrupt": True}})),
)


class AnyHooks:
    """Fills `Hooks`: says these one after the other, then nothing any more."""

    def __init__(self, answers: Sequence[HookRan]) -> None:
        self._answers = list(answers)

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        assert json.loads(given)["hook_event_name"] == hook.event
        await asyncio.sleep(0)
        return self._answers.pop(0) if self._answers else HookRan(0)

    async def keep(self, text: str) -> str:
        return ""


async def played(
    turns: Sequence[Sequence[Reply | ModelError]], answers: list[str], hooks: AnyHooks
) -> tuple[MemoryLog, list[Request]]:
    """The log of these turns, and every request that the model was sent."""
    log = MemoryLog()
    session = Session(log)
    session.write(started())
    requests: list[Request] = []
    for number, turn in enumerate(turns):
        model = Interrupting(session, (), turn)
        await run_turn(session, spoken(number), replace(hands(model, answers), hooks=hooks, settings=HOOKS))
        requests += model.requests
    await session.leave("other")
    return log, requests


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(replies(), max_size=4), min_size=1, max_size=3), choices(), st.lists(ANSWERS, max_size=30))
def test_whatever_hooks_say_the_log_replays_and_every_request_is_valid(
    turns: list[list[Reply | ModelError]], answers: list[str], said: list[HookRan]
) -> None:
    log, requests = asyncio.run(played(turns, answers, AnyHooks(said)))
    state = assert_replays(it.event for it in log.entries)
    assert isinstance(next_step(state), Rest)
    for it in requests:
        assert_valid(it)
    for before, now in zip(requests, requests[1:], strict=False):
        assert bare(now.messages)[: len(before.messages)] == bare(before.messages)


@settings(max_examples=30, deadline=None)
@given(st.lists(ANSWERS, min_size=1, max_size=1).map(lambda it: it * 400))
def test_a_hook_that_always_says_the_same_keeps_no_turn_for_ever(said: list[HookRan]) -> None:
    log, requests = asyncio.run(played([()], [], AnyHooks(said)))
    assert isinstance(next_step(assert_replays(it.event for it in log.entries)), Rest)
    assert len(requests) <= 9


class Noticed(AnyHooks):
    """Remembers what hooks were told."""

    def __init__(self) -> None:
        super().__init__(())
        self.told: list[dict[str, Any]] = []

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        self.told.append(json.loads(given))
        return HookRan(0)


class Waiting(FakeClock):
    """Sleeps until it is woken."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.woken.wait()


IDLE_HOOK = Hook(type="command", event="Notification", matcher="idle_prompt", command="note")


async def test_hooks_hear_that_a_session_waits_for_the_person_unless_they_went_on_meanwhile() -> None:
    session, clock, hooks = Session(MemoryLog()), Waiting(), Noticed()
    session.write(started())
    for number in (0, 1):
        model = Interrupting(session, (), ())
        with_hook = replace(hands(model, []), hooks=hooks, settings=Settings(hooks=(IDLE_HOOK,)), clock=clock)
        await run_turn(session, spoken(number), with_hook)
    async with asyncio.timeout(60):
        while len(clock.slept) < 2:
            await asyncio.sleep(0)
        assert hooks.told == []
        clock.woken.set()
        while not any(isinstance(it.event, Hooked) for it in session.entries):
            await asyncio.sleep(0)
    await session.leave("other")
    assert clock.slept == [IDLE, IDLE]
    assert [(it["notification_type"], it["message"]) for it in hooks.told] == [("idle_prompt", "Claw waits for you.")]
