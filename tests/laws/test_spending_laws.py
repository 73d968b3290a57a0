"""Whatever a session paid for, models, agents and turns add up to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.spending import AGENT, JUDGE, TITLES, lines, spending
from claw_lsp.facts.call import Result
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, Event, ModelSpoke, Titled, UserSpoke
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.usage import Price, Usage

PRICES = {
    "big": Price(input=5.0, output=25.0, cache_read=0.5),
    "small": Price(input=1.0, output=5.0, cache_read=0.1),
    "unknown": None,
}
models = st.sampled_from(["big", "small"])
usages = st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9))
dollars = st.integers(0, 100).map(lambda it: it / 16)
side = st.dictionaries(models, usages.map(lambda it: it.model_dump()), max_size=2)
results = st.builds(Result, content=st.just(""), side_usage=side)
CALLS = (
    {"type": "tool_use", "id": "c1", "name": "WebFetch", "input": {"url": "x"}},
    {"type": "tool_use", "id": "c2", "name": "Agent", "input": {"subagent_type": "reviewer"}},
    {"type": "tool_use", "id": "c3", "name": "Agent", "input": {"subagent_type": "tester"}},
)
facts = st.one_of(
    st.builds(ModelSpoke, blocks=st.just(CALLS), model=models, usage=usages, cost=dollars),
    st.builds(Titled, title=st.just("t"), model=models, usage=usages, cost=dollars),
    st.builds(CallJudged, call_id=st.just("c1"), decision=st.just("allow"), by=st.just("classifier"), side_usage=side),
    st.builds(
        CallFinished,
        call_id=st.sampled_from(["c1", "c2", "c3", "c4"]),
        result=st.builds(Result, content=st.just(""), side_usage=side),
    ),
)
SPOKE = UserSpoke(run="r", prompt_id="p", text="go", blocks=())


def entries(*events: Event) -> list[Entry]:
    return [Entry(n=n, at=0.0, event=it) for n, it in enumerate(events, 1)]


@given(st.lists(facts, max_size=12))
def test_models_agents_and_turns_add_up_to_the_same(events: list[Event]) -> None:
    spent = spending(entries(SPOKE, *events), PRICES.get)
    by_model = sum(it or 0 for it in spent.models.values())
    assert sum(it.cost or 0 for it in spent.agents.values()) == pytest.approx(by_model)
    assert sum(it.cost or 0 for it in spent.turns) == pytest.approx(by_model)
    assert sum((it.usage for it in spent.agents.values()), Usage()) == sum(spent.usage.values(), Usage())


def test_side_work_and_each_agent_that_was_started_stand_on_their_own() -> None:
    usage = {"small": Usage(input_tokens=1_000_000).model_dump()}
    spent = spending(
        entries(
            SPOKE,
            ModelSpoke(blocks=CALLS, model="big", usage=Usage(input_tokens=10), cost=0.5),
            CallJudged(call_id="c1", decision="allow", by="classifier", side_usage=usage),
            *(CallFinished(call_id=it, result=Result(content="", side_usage=usage)) for it in ("c1", "c2", "c2", "c3")),
            Hooked(event="Stop", side_usage=usage),
            Titled(title="t", model="small", usage=Usage(input_tokens=20), cost=0.25),
        ),
        PRICES.get,
    )
    assert {name: (it.n_requests, it.cost) for name, it in spent.agents.items()} == {
        AGENT: (1, 0.5),
        JUDGE: (1, 1.0),
        "WebFetch": (1, 1.0),
        "Agent reviewer": (2, 2.0),
        "Agent tester": (1, 1.0),
        "hooks of Stop": (1, 1.0),
        TITLES: (1, 0.25),
    }
    assert "- Agent reviewer: $2.00 in 2 requests (2.0M new" in "\n".join(lines(spent))


def test_what_a_model_without_a_price_cost_is_said_to_be_unknown_where_it_was_used() -> None:
    usage = {"unknown": Usage(input_tokens=5).model_dump()}
    told = (
        ModelSpoke(blocks=CALLS, model="big", cost=0.5),
        CallFinished(call_id="c2", result=Result(content="", side_usage=usage)),
    )
    spent = spending(entries(SPOKE, *told), PRICES.get)
    assert {name: it.cost for name, it in spent.agents.items()} == {AGENT: 0.5, "Agent reviewer": None}
    assert "- Agent reviewer: cost unknown in 1 request" in "\n".join(lines(spent))
