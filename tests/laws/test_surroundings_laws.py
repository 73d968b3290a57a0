"""What goes along by itself: whatever the text of files is, it stays in its fence, on the person's one line, and is told once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.blocks import message, text_block
from claw_lsp.core.state import State
from claw_lsp.core.surroundings import HEADING, Surroundings, is_known, line, told
from claw_lsp.facts.language import Diagnostic

TEXTS = st.text(st.sampled_from("`a\n \r\t| -\u2028"), max_size=30)
NAMES = st.text(st.sampled_from("`ab/ ."), min_size=1, max_size=12)
COMPLAINTS = st.builds(Diagnostic, st.integers(1, 9), st.integers(1, 9), st.just("error"), TEXTS, st.just("x"))
FOUND = st.builds(
    Surroundings,
    path=NAMES,
    dirty=st.booleans(),
    lines=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
    selected=TEXTS,
    is_selection=st.booleans(),
    diagnostics=st.lists(COMPLAINTS, max_size=25).map(tuple),
    edited=st.lists(NAMES, max_size=3).map(tuple),
    opened=st.lists(NAMES, max_size=30).map(tuple),
)


@given(FOUND)
def test_nothing_that_stands_in_files_leaves_its_fence(it: Surroundings) -> None:
    heading, fence, *inside, last = told(it).split("\n")
    assert heading == HEADING
    assert set(fence) == {"`"}
    assert last == fence
    assert not any(one.strip("`") == "" and len(one) >= len(fence) for one in inside)
    assert fence not in "\n".join(inside)


@given(FOUND)
def test_a_long_list_says_how_much_is_left_out(it: Surroundings) -> None:
    left = len(it.opened) - 20
    assert (f"- … and {left} more" in told(it)) if left > 0 else True
    assert sum(one.startswith("- ") for one in told(it).splitlines()) <= 3 * 21


@given(FOUND)
def test_the_person_reads_one_line(it: Surroundings) -> None:
    assert len(line(it).splitlines()) == 1


@given(FOUND, FOUND)
def test_it_is_known_exactly_when_it_was_told_last(one: Surroundings, other: Surroundings) -> None:
    first, last = (text_block(told(it)) for it in (one, other))
    answer = message("assistant", (text_block("Ok."),))
    state = State(messages=(message("user", (first,)), answer), pending=(text_block("words"), last))
    assert is_known(told(other), state)
    assert is_known(told(one), state) == (told(one) == told(other))
    assert not is_known(told(one), State(pending=(text_block(HEADING[:9]),)))
