"""What the model is told of servers' tools, and what it finds: bounded, and never the same twice."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.fold import after
from claw_lsp.core.mcp.offering import found, offering, searched, spec
from claw_lsp.core.mcp.seeing import compared, why_asked
from claw_lsp.core.prompt import request
from claw_lsp.core.state import State
from claw_lsp.facts.mcp import ServerTool
from claw_lsp.facts.offered import ToolSpec
from claw_lsp.facts.usage import ModelFacts

SEARCH = ToolSpec(name="ToolSearch", description="", input_schema={"type": "object", "properties": {}})


def tool(server: str, name: str, description: str = "") -> ServerTool:
    return ServerTool(server=server, name=name, called=f"mcp__{server}__{name}", description=description)


def test_five_hundred_tools_are_told_of_in_a_bounded_message() -> None:
    told = offering((), frozenset(), [tool("big", f"tool_{n}", "x" * 5_000) for n in range(500)])
    assert told is not None
    assert len(told.text) < 1_500 and "470 others" in told.text
    assert max(len(it.description) for it in told.tools) < 2_400


def test_what_is_told_once_is_not_told_again_and_what_went_away_is() -> None:
    tools = [tool("db", "query"), tool("web", "get")]
    told = offering((), frozenset(), tools)
    assert told is not None
    state = after(State(tools=(SEARCH,)), told)
    assert offering(state.tools, state.gone, tools) is None
    away = offering(state.tools, state.gone, tools[:1])
    assert away is not None and away.gone == ("mcp__web__get",)
    state = after(state, away)
    assert [it.name for it in state.there] == ["ToolSearch", "mcp__db__query"]
    assert offering(state.tools, state.gone, tools[:1]) is None
    back = offering(state.tools, state.gone, tools)
    assert back is not None and [it.name for it in back.tools] == ["mcp__web__get"]
    assert after(state, back).gone == frozenset()


def test_tools_are_found_by_words_in_names_before_descriptions_and_by_name() -> None:
    specs = [spec(it) for it in (tool("db", "drop", "query nothing"), tool("db", "query", "ask"), tool("web", "get"))]
    assert [it.name for it in found("query", specs, 5)] == ["mcp__db__query", "mcp__db__drop"]
    assert [it.name for it in found("query +drop", specs, 5)] == ["mcp__db__drop"]
    assert [it.name for it in found("select:mcp__web__get, mcp__db__drop,nope", specs, 1)] == [
        "mcp__web__get",
        "mcp__db__drop",
    ]
    assert found("zebra", specs, 5) == ()
    assert found("query", [SEARCH], 5) == ()


NAMES = st.sampled_from([tool(server, name) for server in "ab" for name in ("x", "y", "z")])


@given(st.lists(st.lists(NAMES, unique_by=lambda it: it.called), max_size=8))
def test_whatever_comes_and_goes_the_tools_and_messages_of_a_prefix_only_grow(times: list[list[ServerTool]]) -> None:
    state, facts = State(tools=(SEARCH,)), ModelFacts(id="m")
    before = request(state, facts, 100)
    for now in times:
        if (told := offering(state.tools, state.gone, now)) is None:
            continue
        state = after(state, told)
        then = request(state, facts, 100)
        assert then.tools[: len(before.tools)] == before.tools
        assert {it.name for it in state.there if it.deferred} == {it.called for it in now}
        assert len(json.dumps(then.messages)) >= len(json.dumps(before.messages))
        before = then


@pytest.mark.parametrize(
    ("wish", "n_tools", "expected"),
    [
        ("", 1, True),
        ("true", 1, True),
        ("false", 900, False),
        (" OFF ", 900, False),
        ("auto", 1, False),
        ("auto", 900, True),
        ("auto:100", 900, False),
        ("auto:0", 1, True),
        ("auto:many", 1, True),
    ],
)
def test_the_environment_says_when_tools_are_searched_for(wish: str, n_tools: int, expected: bool) -> None:
    tools = [tool("big", f"tool_{n}", "x" * 400) for n in range(n_tools)]
    assert searched(wish, tools, 200_000) is expected


def test_a_tool_that_asks_for_it_is_told_whole_at_once_and_all_are_where_none_is_searched_for() -> None:
    always = tool("db", "query").model_copy(update={"always_load": True})
    told = offering((), frozenset(), [always, tool("db", "drop")])
    assert told is not None and {it.name: it.deferred for it in told.tools} == {
        "mcp__db__query": False,
        "mcp__db__drop": True,
    }
    told = offering((), frozenset(), [always, tool("db", "drop")], all_deferred=False)
    assert told is not None and not any(it.deferred for it in told.tools)
    assert "ToolSearch" not in told.text


TOOLS = st.lists(
    st.builds(
        lambda name, digest: tool("db", name).model_copy(update={"digest": digest}),
        st.sampled_from("abc"),
        st.sampled_from(("1", "2")),
    ),
    unique_by=lambda it: it.called,
)


@given(TOOLS, TOOLS)
def test_exactly_the_tools_that_are_not_as_they_were_seen_are_asked_about(
    seen: list[ServerTool], now: list[ServerTool]
) -> None:
    found = compared({it.called: it.digest for it in seen}, now)
    assert [it.model_copy(update={"unlike": ""}) for it in found] == now
    before = {it.called: it for it in seen}
    for it in found:
        known = before.get(it.called)
        assert it.unlike == ("new" if known is None else "" if known.digest == it.digest else "changed")
        assert bool(why_asked(it)) is bool(it.unlike)
