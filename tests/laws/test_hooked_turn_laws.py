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
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import run_turn
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.hook import FIRED, Hook, HookRan
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.testing.fakes import MemoryLog
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
