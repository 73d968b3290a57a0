"""The law of the editor: whatever the person types while the agent edits, in whatever client, nothing typed is lost."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from editor_desk import NAMES, desk_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from claw_lsp.facts.fault import StaleDocument
from claw_lsp.facts.text import Change, TextEdit
from claw_lsp.lsp.editor import Patience

START = "def f(a):\r\n    return a\n\n😀 = 'x'\n\nlast(1)"
PATIENCE = Patience(answer=5, grace=0.05, echo=1, opening=0.5, look=0.02, attempts=8)


@dataclass(frozen=True)
class Round:
    """One edit of the agent's, and where (in thousandths of the text) the person types meanwhile."""

    start: int
    length: int
    while_planned: tuple[int, ...]
    on_the_way: tuple[int, ...]
    right_after: tuple[int, ...]


places = st.lists(st.integers(0, 1000), max_size=2).map(tuple)
rounds = st.builds(Round, st.integers(0, 1000), st.integers(0, 9), places, places, places)


def mark(number: int) -> str:
    """A character that nobody else writes."""
    return chr(0xE000 + number)


class Person:
    """Types a mark of its own at every opportunity, and knows all of them."""

    def __init__(self, desk, path):
        self.desk = desk
        self.path = path
        self.n_typed = 0

    def type(self, places):
        for place in places:
            self.n_typed += 1
            at = place * len(self.desk.editor.text(self.path)) // 1000
            self.desk.editor.type(self.path, at, mark(self.n_typed))


async def play(name: str, story: list[Round], folder: Path) -> None:
    path = str(folder / "raced.py")
    Path(path).write_bytes(START.encode())
    desk = desk_of(name, patience=PATIENCE)
    desk.editor.open(path)
    person = Person(desk, path)
    for number, one in enumerate(story):
        await play_round(desk, path, person, one, f"AGENT{number}")


async def play_round(desk, path, person, one, token):
    desk.editor.flush()
    document = await desk.workspace.read(path)
    start = one.start * len(document.text) // 1000
    end = min(len(document.text), start + one.length)
    if "\r\n" in (document.text[max(0, start - 1) : start + 1], document.text[max(0, end - 1) : end + 1]):
        return
    n_known = person.n_typed
    habits = desk.editor.quirks
    guarded = habits.stale != "made" and document.version != habits.unchecked
    change = Change(path, document, (TextEdit(start, end, token),))
    person.type(one.while_planned)
    waiting, after = [list(one.on_the_way)], [list(one.right_after)]
    desk.editor.before_edit = lambda _: person.type(waiting.pop() if waiting else ())
    desk.editor.after_edit = lambda _: person.type(after.pop() if after else ())
    try:
        applied = await desk.workspace.apply(change, token)
    except StaleDocument:
        applied = None
    desk.editor.flush()
    text = desk.editor.text(path)
    fresh = [mark(n) for n in range(n_known + 1, person.n_typed + 1)]
    assert [it for it in fresh if text.count(it) != 1] == []
    bare = text.translate(dict.fromkeys(map(ord, fresh)))
    if not guarded:
        # Without versions an edit may land in the middle of what is typed: that is mended, and said.
        assert bare.count(token) <= 1
    elif applied is None:
        assert bare.rstrip("\n") == document.text.rstrip("\n")
    else:
        assert bare.rstrip("\n") == change.after.rstrip("\n")
    assert desk.buffers.get(path).text == text


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(rounds, min_size=1, max_size=3))
@example(story=[Round(500, 3, (), (100,), ()), Round(500, 3, (500,), (), (900,))])
@example(story=[Round(500, 3, (), (499,), (505,))])
@example(story=[Round(0, 6, (), (), ()), Round(572, 0, (), (381, 605), ())])
def test_r24_nothing_the_person_types_is_lost_and_every_edit_is_made_once_or_not_at_all(name, story):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(name, story, Path(folder)))
