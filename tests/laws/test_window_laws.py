"""Laws of the context meter: the parts add up to what was counted, and whatever is dropped, the API takes the next request."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.fold import after, fold
from claw_lsp.core.prompt import request
from claw_lsp.core.state import State
from claw_lsp.core.window import Part, dropping, scaled, window
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.event import SessionStarted, TurnEnded
from claw_lsp.facts.request import Reply
from claw_lsp.facts.usage import Price
from tests.laws.test_turn_laws import FACTS, assert_valid, choices, run, said_aside, scripts, spoken

PRICE = Price(input=4, output=20, cache_read=0.2)
parts = st.lists(st.builds(Part, st.text(), st.just("notes"), st.text(), st.integers(0, 10**7)), max_size=30)


def played(turns: list[list[Reply]], answers: list[str], asides: list) -> State:
    return fold(it.event for it in run(turns, answers, asides))


def sent(state: State) -> str:
    return json.dumps(request(after(state, spoken(99)), FACTS, 1000).messages)


@given(parts, st.integers(0, 10**7))
def test_the_parts_add_up_to_what_was_counted_and_keep_their_order(found: list[Part], total: int) -> None:
    new = scaled(found, total)
    assert [(it.id, it.name) for it in new] == [(it.id, it.name) for it in found]
    assert all(it.tokens >= 0 for it in new)
    if any(it.tokens for it in found):
        assert sum(it.tokens for it in new) == total


@given(scripts, choices(), said_aside(), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_everything_that_is_sent_is_in_the_meter(
    turns: list[list[Reply]], answers: list[str], asides: list, asked: int
) -> None:
    state = played(turns, answers, asides)
    found = window(state, FACTS, None, asked)
    assert sum(it.tokens for it in found.parts) == found.used == asked
    results = [it["tool_use_id"] for one in state.messages for it in one["content"] if it["type"] == "tool_result"]
    assert [it.id for it in found.parts if it.id.startswith("call:")] == [f"call:{it}" for it in results]
    ids = [it.id for it in found.parts if it.id]
    assert len(ids) == len(set(ids))
    assert all(it.covers <= found.used for it in found.parts)
    assert all(it.covers for it in window(state, FACTS, None, None).parts if it.id.startswith("turn:"))


@given(scripts, choices(), said_aside(), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_dropped_the_api_takes_the_next_request_and_the_persons_words_stay(
    turns: list[list[Reply]], answers: list[str], asides: list, data: st.DataObject
) -> None:
    state = played(turns, answers, asides)
    ids = [it.id for it in window(state, FACTS, None, None).parts if it.id]
    gone = data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []
    new = after(state, Dropped(items=tuple(gone)))
    assert new.prefix == state.prefix + 1
    assert_valid(request(after(new, spoken(99)), FACTS, 1000))
    assert all(json.dumps(it.text)[1:-1] in sent(new) for it in new.said if it.prompt_id)
    assert not any(
        it.id in gone and it.tokens > 60 for it in window(new, FACTS, None, None).parts if it.kind == "results"
    )


@given(scripts, choices(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_dropped_during_a_turn_holds_when_it_has_ended(
    turns: list[list[Reply]], answers: list[str], data: st.DataObject
) -> None:
    events = [it.event for it in run(turns, answers)]
    at = data.draw(st.integers(1, len(events)))
    before = fold(events[:at])
    dropped = after(before, Dropped(items=("call:nowhere", "block:77.3", "turn:none", "tool:None")))
    if before.turn is not None:
        assert dropped.messages == before.messages
    assert_valid(request(after(fold(events[at:], dropped), spoken(99)), FACTS, 1000))


@given(scripts, choices(), st.data())
@settings(max_examples=40, deadline=None)
def test_what_dropping_costs_is_never_less_than_nothing(
    turns: list[list[Reply]], answers: list[str], data: st.DataObject
) -> None:
    state = played(turns, answers, [])
    before = window(state, FACTS, None, None)
    ids = [it.id for it in before.parts if it.id]
    gone = data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []
    it = dropping(before, window(after(state, Dropped(items=tuple(gone))), FACTS, None, None), PRICE)
    assert it.freed >= 0
    assert it.once is not None and it.once >= 0
    assert dropping(before, before, None).once is None


def test_a_file_of_instructions_is_an_item_and_can_be_dropped_whatever_stands_in_it() -> None:
    first = "/w/CLAW.md (project):\n````\nBe brief.\n```\n/w/OTHER.md (project):\nx\n```\n````"
    text = f"where you are\n\n{first}\n\n/w/B.md (user):\n```\nb\n```"
    start = SessionStarted(
        session="s", cwd="/w", roots=("/w",), model="m", system="s", tools=(), context=text,
        instructions={"/w/CLAW.md": "1", "/w/OTHER.md": "2", "/w/B.md": "3"},
    )  # fmt: skip
    state = fold([start, spoken(0)])
    found = [it.id for it in window(state, FACTS, None, None).parts if it.kind == "instructions"]
    assert found == ["file:/w/CLAW.md", "file:/w/B.md"]
    turned = fold([start, spoken(0), TurnEnded(run="r0", stopped="done")])
    new = after(turned, Dropped(items=("file:/w/CLAW.md",)))
    left = json.dumps(new.pending or new.messages[0]["content"])
    assert "Be brief" not in left and "/w/B.md (user)" in left and "where you are" in left
