"""Matchers of hooks: they mean what `re` means by the same pattern, and no pattern takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.hooks.regex import BadPattern, compiled, found

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\d", "_", r"\b", "^", "$", r"\.", "-"])
PATTERNS = st.recursive(
    ATOMS,
    lambda it: st.one_of(
        st.tuples(it, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
        st.tuples(it, it).map("".join),
        st.tuples(it, it).map(lambda p: f"({p[0]}|{p[1]})"),
        it.map(lambda p: f"(?={p})"),
        it.map(lambda p: f"(?!{p})"),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.text("ab_-.1 ", max_size=12))
def test_a_pattern_means_what_re_means_by_it(pattern: str, text: str) -> None:
    assert found(pattern, text) is (re.search(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(.*)*(.*)*x", "((a{0,30}){0,30}){0,30}b", "(?:a?){500}a{500}"]
)
def test_patterns_that_hang_others_end(pattern: str) -> None:
    assert not found(pattern, "a" * 200 + "!")


@pytest.mark.parametrize(
    ("pattern", "text", "is_there"),
    [
        ("mcp__.*__write.*", "mcp__memory__write_file", True),
        ("^Notebook", "NotebookEdit", True),
        ("Edit|Write$", "Edited", True),
        ("[\\w-]+x", "a-x", True),
        ("[&&[]", "[", True),
        (r"[\[]", "\\", False),
        ("\\x41\\u0042", "AB", True),
        ("a{,2}", "a{,2}", True),
        ("[^]", "a", True),
        ("[]", "a", False),
        ("^Bash$", "BashOutput", False),
    ],
)
def test_what_javascript_reads_is_read(pattern: str, text: str, is_there: bool) -> None:
    assert found(pattern, text) is is_there


@pytest.mark.parametrize(
    "pattern", ["(", ")", "*a", "[", "a{3,1}", "\\1", "(?<x>a)", "\\", "\\q", "a" * 2_000, "(" * 600]
)
def test_what_is_no_pattern_says_so(pattern: str) -> None:
    with pytest.raises(BadPattern, match=r"\w"):
        compiled(pattern)
