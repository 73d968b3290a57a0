"""Laws of compaction, over random scripts of a model whose window is always full: every request is one that the API takes, the
log follows from itself, and no word of the person is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.compacting import Kept, by_itself, head, shortened, threshold
from claw_lsp.core.fold import after, fold
from claw_lsp.core.prompt import request
from claw_lsp.core.recover import recover
from claw_lsp.core.step import Rest, next_step
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import compact, run_turn
from claw_lsp.facts.event import Compacted, CompactionFailed, Entry, Event, TurnEnded, UserSpoke
from claw_lsp.facts.fault import ContextFull, ModelError
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.testing.fakes import MemoryLog
from claw_lsp.testing.scripted_model import says
from tests.laws.test_turn_laws import (
    FACTS,
    Interrupting,
    assert_valid,
    choices,
    hands,
    replies,
    said_aside,
    spoken,
    started,
)
from tests.replay import assert_replays

scripts = st.lists(
    st.lists(st.one_of(replies(), st.just(ContextFull("it is too long"))), max_size=5), min_size=1, max_size=4
)


def words(number: int) -> UserSpoke:
    text = f"wish number {number}"
    return spoken(number).model_copy(update={"text": text, "blocks": ({"type": "text", "text": text},)})


async def played(
    turns: Sequence[Sequence[Reply | ModelError]],
    answers: list[str],
    asides: Sequence[Event | None],
    at: int,
    by_hand: bool,
) -> tuple[MemoryLog, list[Request]]:
    """A session that is compacted at so many tokens, and once more by hand behind each turn where that is wanted."""
    log = MemoryLog()
    session = Session(log)
    session.write(started())
    requests: list[Request] = []
    for number, turn in enumerate(turns):
        model = Interrupting(session, asides, turn)
        its = replace(
            hands(model, answers), settings=Settings(compact_window=at, max_output_tokens=1), compact_prompt="Notes!"
        )
        ended = await run_turn(session, words(number).model_copy(update={"compact_at": at}), its)
        assert ended.run == f"r{number}"
        if by_hand and session.state.messages:
            await compact(session, "the tests", its)
        requests += model.requests
    return log, requests


def run(
    turns: Sequence[Sequence[Reply | ModelError]],
    answers: list[str],
    asides: Sequence[Event | None],
    at: int,
    by_hand: bool,
):
    return asyncio.run(played(turns, answers, asides, at, by_hand))


@settings(max_examples=80, deadline=None)
@given(scripts, choices(), said_aside(), st.sampled_from([1, 60, 200]), st.booleans())
def test_however_often_a_session_is_compacted_every_request_is_valid_and_the_log_follows_from_itself(
    turns: list[list[Reply | ModelError]], answers: list[str], asides: list[Event | None], at: int, by_hand: bool
) -> None:
    log, requests = run(turns, answers, asides, at, by_hand)
    for it in requests:
        assert_valid(it)
    state = assert_replays(it.event for it in log.entries)
    assert isinstance(next_step(state), Rest)
    assert_valid(request(after(state, words(99)), FACTS, 1000))


@settings(max_examples=60, deadline=None)
@given(scripts, choices(), st.sampled_from([1, 60, 200]))
def test_every_word_of_the_person_is_in_the_prompt_after_any_compaction(
    turns: list[list[Reply | ModelError]], answers: list[str], at: int
) -> None:
    log, _ = run(turns, answers, (), at, True)
    state = fold(it.event for it in log.entries)
    told = "\n".join(
        block.get("text", "") for it in request(after(state, words(99)), FACTS, 9).messages for block in it["content"]
    )
    for number in range(len(turns)):
        assert told.count(f"wish number {number}") == 1


@settings(max_examples=60, deadline=None)
@given(scripts, choices(), st.data())
def test_a_log_with_compactions_that_is_cut_anywhere_goes_on(
    turns: list[list[Reply | ModelError]], answers: list[str], data: st.DataObject
) -> None:
    log, _ = run(turns, answers, (), 60, True)
    events = [it.event for it in log.entries]
    state = fold(events[: data.draw(st.integers(1, len(events)))])
    closed = fold(recover(state), state)
    assert_valid(request(after(closed, words(99)), FACTS, 1000))


@settings(max_examples=40, deadline=None)
@given(scripts, choices())
def test_the_facts_of_compaction_survive_the_way_through_json_and_cost_what_was_paid(
    turns: list[list[Reply | ModelError]], answers: list[str]
) -> None:
    log, requests = run(turns, answers, (), 60, True)
    for entry in log.entries:
        assert Entry.model_validate_json(entry.model_dump_json()) == entry
    found = [it.event for it in log.entries if isinstance(it.event, Compacted | CompactionFailed)]
    spent = [it.event for it in log.entries if hasattr(it.event, "usage") and it.event.kind != "turn_ended"]
    state = fold(it.event for it in log.entries)
    assert sum(it.output_tokens for it in state.usage.values()) == sum(it.usage.output_tokens for it in spent)
    assert all(it.summary or not it.head for it in found if isinstance(it, Compacted))
    assert len(requests) >= len(turns)


@given(st.integers(1, 2_000_000), st.integers(1, 200_000), st.integers(1, 1_000_000))
def test_a_session_is_compacted_before_its_window_is_full(context: int, most: int, window: int) -> None:
    facts = ModelFacts(id="m", context=context, max_output=most)
    wanted = Settings(compact_window=window)
    at = threshold(facts, wanted)
    assert 0 <= at <= 0.8 * min(context, window)
    assert at + min(32_000, most) <= context or at <= 0.4 * context + 1
    assert by_itself(facts, wanted) == at
    assert by_itself(facts, Settings(auto_compact=False)) is None


@given(st.text(max_size=300), st.integers(2, 200))
def test_what_is_shortened_keeps_its_ends(text: str, most: int) -> None:
    short = shortened(text, most)
    if len(text) <= most:
        assert short == text
    else:
        assert short.startswith(text[: most // 2])
        assert short.endswith(text[-(most // 2) :])


async def test_a_window_that_is_full_again_at_once_ends_the_turn_with_a_sentence() -> None:
    """Three compactions one soon after the other are enough."""
    session = Session(MemoryLog())
    session.write(started())
    looks = [says("", (f"c{n}", "Look", {"how": "a"})) for n in range(4)]
    model = Interrupting(session, (), [it for look in looks for it in (look, says("Still looking."))])
    summaries = Settings(compact_window=2, max_output_tokens=1)
    ended = await run_turn(
        session,
        words(0).model_copy(update={"compact_at": 1}),
        replace(hands(model, []), settings=summaries, compact_prompt="Notes!"),
    )
    assert ended.stopped == "failed"
    assert "was compacted 3 times and is full again at once" in ended.why
    assert sum(isinstance(it.event, Compacted) for it in session.entries) == 3


def test_a_prompt_that_a_hook_took_out_is_not_in_what_the_person_said() -> None:
    refused = Hooked(event="UserPromptSubmit", decision="deny", erases=True)
    state = fold([started(), words(0), TurnEnded(run="r0", stopped="done"), words(1), refused])
    opening = head(state, Kept(""), "Notes.", 10_000, len(state.messages))
    assert "wish number 0" in str(opening)
    assert "wish number 1" not in str(opening)
