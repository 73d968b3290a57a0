"""Laws of the names of MCP tools: clean, short, unlike each other, the same in whatever order, of one server only."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.mcp.names import LONGEST, called, servers
from claw_lsp.core.policy.rules import of_server

_NAMES = st.lists(st.text(alphabet="aB_-. /ö", min_size=1, max_size=80), min_size=1, max_size=6, unique=True)


@given(_NAMES, _NAMES)
def test_names_are_clean_short_unlike_each_other_and_of_their_server(hosts: list[str], tools: list[str]) -> None:
    every = [(host, it) for host in servers(hosts).values() for it in called(host, tools).values()]
    assert len({it for _, it in every}) == len(hosts) * len(tools)
    for host, it in every:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", it)
        assert len(it) <= LONGEST
        assert of_server(it) == (f"mcp__{host}", it.removeprefix(f"mcp__{host}__"))


@given(_NAMES, st.randoms(use_true_random=False))
def test_a_name_does_not_hang_on_the_order_of_the_others(names: list[str], random: object) -> None:
    other = sorted(names, reverse=True)
    assert servers(names) == servers(other)
    assert called("s", names) == called("s", other)


def test_plain_names_stay_as_they_are_and_two_that_would_be_the_same_do_not() -> None:
    assert called("git", ["search", "a.b", "get-it"]) == {
        "search": "mcp__git__search",
        "a.b": "mcp__git__a_b",
        "get-it": "mcp__git__get-it",
    }
    assert len(set(called("git", ["a.b", "a b", "a_b"]).values())) == 3
    assert called("git", ["a.b", "a_b"])["a_b"] == "mcp__git__a_b"
