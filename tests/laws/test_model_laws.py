"""Laws of models that stand in: whatever fails and whenever, each request is valid and nothing is done twice."""

import asyncio
from collections import Counter
from dataclasses import replace as with_

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.fold import fold
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import run_turn
from claw_lsp.facts.event import CallFinished, ModelChanged, TurnEnded
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.settings import Settings
from tests.laws.test_turn_laws import (
    FACTS,
    Interrupting,
    MemoryLog,
    assert_valid,
    choices,
    hands,
    replies,
    spoken,
    started,
)
from tests.replay import assert_replays, bare

FALLBACK = ("second", "third", "scripted")
REASONS = ("overloaded", "model_not_found", "overloaded", "invalid_request")

faulty = st.sampled_from(REASONS).map(lambda it: ModelError("it failed", reason=it))
scripts = st.lists(st.lists(st.one_of(replies(), faulty), max_size=5), min_size=1, max_size=3)


async def played(turns: list[list[Reply | ModelError]], answers: list[str]) -> tuple[MemoryLog, list[list[Request]]]:
    """The log of these turns, and the requests of each."""
    log = MemoryLog()
    session = Session(log)
    session.write(started())
    asked: list[list[Request]] = []
    for number, turn in enumerate(turns):
        model = Interrupting(session, (), turn)
        them = with_(
            hands(model, answers),
            settings=Settings(fallback_models=FALLBACK),
            facts_of=lambda it: FACTS.model_copy(update={"id": it}),
        )
        await run_turn(session, spoken(number), them)
        asked.append(model.requests)
    return log, asked


@settings(max_examples=80, deadline=None)
@given(scripts, choices())
def test_whatever_stands_in_every_request_is_valid_and_every_turn_begins_with_what_was_picked(
    turns: list[list[Reply | ModelError]], answers: list[str]
) -> None:
    log, asked = asyncio.run(played(turns, answers))
    events = [it.event for it in log.entries]
    assert_replays(events)
    assert fold(events).model == "scripted"
    for requests in asked:
        assert requests[0].model == "scripted"
        for before, now in zip(requests, requests[1:], strict=False):
            if before.model == now.model:
                assert bare(now.messages)[: len(before.messages)] == bare(before.messages)
            else:
                assert not [block for it in now.messages for block in it["content"] if block["type"] == "thinking"]
        for it in requests:
            assert_valid(it)


@settings(max_examples=80, deadline=None)
@given(scripts, choices())
def test_no_model_is_asked_again_in_a_turn_in_which_it_failed_and_no_call_is_done_twice(
    turns: list[list[Reply | ModelError]], answers: list[str]
) -> None:
    log, _ = asyncio.run(played(turns, answers))
    finished = Counter(it.event.call_id for it in log.entries if isinstance(it.event, CallFinished))
    assert all(n == 1 for n in finished.values())
    gone: list[str] = []
    now = "scripted"
    for it in log.entries:
        match it.event:
            case ModelChanged(model=model) if it.event.why:
                assert model is not None
                gone.append(now)
                assert model not in gone
                now = model
            case TurnEnded():
                gone, now = [], "scripted"
            case _:
                pass
