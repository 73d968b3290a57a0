"""Laws of a new prefix: whatever is left out of what the model was sent, the next request is one that the API takes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.fold import after, back_to, begun, fold
from claw_lsp.core.prefix import replaced
from claw_lsp.core.prompt import request
from claw_lsp.core.state import State
from claw_lsp.facts.event import Instructed, ModelChanged, ModelSpoke, Steered, TurnEnded, UserSpoke
from claw_lsp.facts.request import Reply
from tests.laws.test_turn_laws import FACTS, assert_valid, choices, run, said_aside, scripts, spoken
from tests.replay import bare


def next_request_of(state: State):
    return request(after(state, spoken(99)), FACTS, 1000)


def thinks(state: State) -> bool:
    return any(block["type"] == "thinking" for it in state.messages for block in it["content"])


@given(scripts, choices(), said_aside(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_part_of_what_was_sent_can_begin_a_new_prefix(
    turns: list[list[Reply]], answers: list[str], asides: list, data: st.DataObject
) -> None:
    state = fold(it.event for it in run(turns, answers, asides))
    kept = data.draw(st.lists(st.booleans(), min_size=len(state.messages), max_size=len(state.messages)))
    new = begun(state, [it for it, stays in zip(state.messages, kept, strict=True) if stays])
    assert (new.prefix, thinks(new)) == (state.prefix + 1, False)
    assert_valid(next_request_of(new))


@given(scripts, choices(), st.data())
@settings(max_examples=60, deadline=None)
def test_in_the_midst_of_a_turn_a_new_prefix_keeps_the_calls_that_are_open(
    turns: list[list[Reply]], answers: list[str], data: st.DataObject
) -> None:
    events = [it.event for it in run(turns, answers)]
    at = data.draw(st.integers(1, len(events)))
    state = fold(events[:at])
    new = fold(events[at:], begun(state, state.messages))
    assert_valid(next_request_of(new))
    assert len(new.said) == len(fold(events).said)


@given(scripts, choices(), st.data())
@settings(max_examples=60, deadline=None)
def test_results_replaced_by_notes_leave_every_call_answered(
    turns: list[list[Reply]], answers: list[str], data: st.DataObject
) -> None:
    state = fold(it.event for it in run(turns, answers))
    ids = [it["tool_use_id"] for one in state.messages for it in one["content"] if it["type"] == "tool_result"]
    gone = data.draw(st.sets(st.sampled_from(ids))) if ids else set[str]()
    new = begun(state, replaced(state.messages, dict.fromkeys(gone, "[left out]")))
    assert_valid(next_request_of(new))
    left = [it["tool_use_id"] for one in new.messages for it in one["content"] if it.get("content") == "[left out]"]
    assert set(left) == gone


@given(scripts, choices(), said_aside(), st.data())
@settings(max_examples=60, deadline=None)
def test_going_back_to_a_prompt_leaves_what_was_sent_before_it(
    turns: list[list[Reply]], answers: list[str], asides: list, data: st.DataObject
) -> None:
    events = [it.event for it in run(turns, answers, asides)]
    state = fold(events)
    prompts = [it for it in events if isinstance(it, UserSpoke)]
    to = data.draw(st.sampled_from(prompts))
    back = back_to(state, to.prompt_id)
    assert back is not None
    before = fold(events[: events.index(to)])
    assert bare(back.messages) == bare(before.messages)
    assert (back.pending, back.prefix) == (before.pending, state.prefix + 1)
    assert [it.prompt_id for it in back.said] == [it.prompt_id for it in before.said]
    assert_valid(next_request_of(back))
    assert back_to(back, to.prompt_id) is None


@given(scripts, choices(), st.data())
@settings(max_examples=40, deadline=None)
def test_going_back_behind_a_new_prefix_leaves_what_was_sent_in_the_older_one(
    turns: list[list[Reply]], answers: list[str], data: st.DataObject
) -> None:
    events = [it.event for it in run(turns, answers)]
    to = data.draw(st.sampled_from([it for it in events if isinstance(it, UserSpoke)]))
    switched = after(begun(fold(events), ()), ModelChanged(model="other"))
    back = back_to(switched, to.prompt_id)
    assert back is not None
    assert not thinks(back)
    older = begun(fold(events[: events.index(to)]), fold(events[: events.index(to)]).messages)
    assert bare(back.messages) == bare(older.messages)
    assert_valid(next_request_of(back))


def test_what_was_said_while_a_turn_ran_is_known_and_is_no_prompt_to_go_back_to() -> None:
    state = fold([spoken(0), Steered(text="and this")])
    assert [(it.prompt_id, it.text) for it in state.said] == [("p0", "go"), ("", "and this")]
    assert back_to(state, "") is None


def test_who_goes_back_to_a_prompt_forgets_the_instructions_that_came_in_behind_it() -> None:
    reply, ended = ModelSpoke(blocks=({"type": "text", "text": "Hm."},), stop_reason="end_turn"), TurnEnded
    told = [Instructed(path=f"/p/{it}", text=it, digest=it) for it in ("a", "b")]
    first, second = spoken(0), spoken(1)
    facts = [told[0], first, reply, ended(run=first.run, stopped="done"), second, told[1], reply]
    state = fold([*facts, ended(run=second.run, stopped="done")])
    assert state.instructed == {"/p/a": "a", "/p/b": "b"}
    back = back_to(state, second.prompt_id)
    assert back is not None
    assert back.instructed == {"/p/a": "a"}
