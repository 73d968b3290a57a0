"""Laws of taking steps back: over any history of the agent and the person, typed lines stay, and redo undoes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.rewinding import Back, Content, Step, content, places, restored, rewound_step, taken_back
from claw_lsp.core.rewinding import data as written
from claw_lsp.facts.checkpoint import Kept
from claw_lsp.facts.text import TextEdit, applied

LINES = st.lists(st.sampled_from("abcdef"), max_size=8).map(lambda it: "".join(f"{line}\n" for line in it))
CONTENTS = st.none() | st.builds(Content, LINES, st.sampled_from(["file", "executable"]))
HISTORIES = st.lists(CONTENTS, min_size=2, max_size=6)


def steps_of(history: list[Content | None]) -> list[Step]:
    return [Step("/f", was, left) for was, left in zip(history, history[1:], strict=False)]


@given(HISTORIES)
def test_all_steps_taken_back_give_what_was_and_a_redo_what_is(history: list[Content | None]) -> None:
    now = Back(history[-1])
    for step in reversed(steps_of(history)):
        made = taken_back(now, step)
        assert not isinstance(made, str)
        now = made
    assert now == Back(history[0])
    redone = rewound_step(restored("/f", history[-1], now.now))
    assert taken_back(now, redone) == Back(history[-1])


@given(HISTORIES, st.data())
def test_a_line_that_the_person_typed_is_never_lost(history: list[Content | None], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(history) - 1))
    now = history[-1]
    if now is None:
        return
    lines = now.text.splitlines(keepends=True)
    at = min(at, len(lines))
    it = Back(Content("".join([*lines[:at], "MINE\n", *lines[at:]]), now.mode))
    for step in reversed(steps_of(history)):
        made = taken_back(it, step)
        assert not isinstance(made, str)
        it = made
        assert it.now is not None
        assert "MINE\n" in it.now.text
    if it.wished is not None and it.now is not None:
        left = places(it.now.text, it.wished)
        wanted = tuple(TextEdit(one.start, one.end, one.wanted) for one in left)
        assert left
        assert applied(it.now.text, wanted) == it.wished


@given(st.binary(max_size=40), st.sampled_from(["file", "executable", "link"]))
def test_any_bytes_are_written_back_as_they_were(data: bytes, mode: str) -> None:
    kept = Kept(data, mode)  # pyright: ignore[reportArgumentType]
    known = content(kept)
    assert known is not None
    assert written(known) == data
