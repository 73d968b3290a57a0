"""Hunks: taking them back leaves what the person would have had alone, whatever was typed between and in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.book import folded
from claw_lsp.core.corrections import corrections
from claw_lsp.core.hunks import Hunk, Ledger, Maker, edited, followed, inverse, settled, synced, undone
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.event import CallFinished, Entry, SessionStarted, UserSpoke
from claw_lsp.facts.reviewed import HunkKept, HunkUndone
from claw_lsp.facts.text import TextEdit, applied

PATH = "/w/a.py"
Draw = st.DataObject


@dataclass(eq=False)
class Cell:
    """One character; `hidden` when the agent took it out."""

    character: str
    agent: bool = False
    hidden: bool = False


@dataclass
class World:
    """The document twice: as the ledger follows it, and as cells that know who wrote them, which are the oracle.

    Every character but the line ends is unique, so that a comparison of texts can mean one thing only.
    """

    cells: list[Cell]
    ledger: Ledger
    n_characters: int
    prompt: int = 1
    log: list[Entry] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(it.character for it in self.visible)

    @property
    def visible(self) -> list[Cell]:
        return [it for it in self.cells if not it.hidden]

    @property
    def alone(self) -> str:
        """What the person would have without the agent."""
        return "".join(it.character for it in self.cells if not it.agent)

    def fresh(self, n: int) -> str:
        self.n_characters += n
        return "".join(chr(0x4E00 + self.n_characters - it) for it in range(n, 0, -1))

    def put(self, edit: TextEdit, *, agent: bool) -> None:
        """Make an edit in the cells: the agent hides what is not its own, the person takes out for good."""
        visible = self.visible
        gone = visible[edit.start : edit.end]
        at = self.cells.index(visible[edit.start]) if edit.start < len(visible) else len(self.cells)
        self.cells[at:at] = [Cell(it, agent=agent) for it in edit.new]
        for cell in gone:
            if agent and not cell.agent:
                cell.hidden = True
            else:
                self.cells.remove(cell)

    def types(self, edit: TextEdit) -> None:
        self.put(edit, agent=False)
        self.ledger = followed(self.ledger, (edit,))
        assert self.ledger.text == self.text

    def agent(self, edits: list[TextEdit], prompt: int) -> None:
        before = self.ledger.text
        after = applied(before, tuple(edits))
        for edit in reversed(edits):
            self.put(edit, agent=True)
        at = len(self.log)
        maker = Maker("s", f"p{prompt}", f"r{prompt}", f"c{at}", float(at))
        spoke = UserSpoke(run=f"r{prompt}", prompt_id=f"p{prompt}", text="do it", blocks=())
        done = CallFinished(
            call_id=f"c{at}", result=Result(content="", edited=(Edited(path=PATH, before=before, after=after),))
        )
        self.log += [Entry(n=1, at=at, event=spoke), Entry(n=1, at=at, event=done)]
        self.ledger = edited(self.ledger, before, after, maker)
        assert self.ledger.text == after == self.text


def world(draw: Draw) -> World:
    sizes = draw.draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    new = World([], Ledger(PATH, ""), 0)
    text = "".join(new.fresh(it) + "\n" for it in sizes)
    new.cells = [Cell(it) for it in text]
    new.ledger = Ledger(PATH, text)
    started = SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=())
    new.log = [Entry(n=1, at=0, event=started)]
    return new


def some_edit(draw: Draw, it: World, first: int, last: int) -> TextEdit:
    """An edit of some unique characters of one line, or a new line, between two offsets."""
    text = it.text
    start = end = draw.draw(st.integers(first, last))
    most = min(last, start + draw.draw(st.integers(0, 4)))
    while end < most and text[end] != "\n":
        end += 1
    n_new = draw.draw(st.integers(0 if end > start else 1, 3))
    at_line = start == end and (start == 0 or text[start - 1] == "\n")
    new = it.fresh(n_new) + ("\n" if at_line and draw.draw(st.booleans()) else "")
    return TextEdit(start, end, new)


def agent_acts(draw: Draw, it: World) -> None:
    edits: list[TextEdit] = []
    first = 0
    for _ in range(draw.draw(st.integers(1, 3))):
        if first > len(it.text):
            break
        edits.append(some_edit(draw, it, first, len(it.text)))
        first = edits[-1].end + 1
    it.prompt += draw.draw(st.integers(0, 1))
    it.agent(edits, it.prompt)


def free_spans(it: World) -> list[tuple[int, int]]:
    """The spans of the text that no window meets, its borders included."""
    taken = {at for hunk in it.ledger.hunks for at in range(hunk.start, hunk.end + 1)}
    free = [at for at in range(len(it.text) + 1) if at not in taken]
    spans: list[tuple[int, int]] = []
    for at in free:
        if spans and spans[-1][1] == at - 1:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans


def person_acts_elsewhere(draw: Draw, it: World) -> None:
    spans = free_spans(it)
    if spans:
        it.types(some_edit(draw, it, *draw.draw(st.sampled_from(spans))))


def person_acts_anywhere(draw: Draw, it: World) -> None:
    it.types(some_edit(draw, it, 0, len(it.text)))


def take_back(it: World, hunk: Hunk) -> bool:
    after = undone(it.ledger, hunk.id)
    assert (after is None) == (it.ledger.state(hunk) == "conflict")
    if after is None:
        return False
    it.ledger = after
    return True


def take_all_back(draw: Draw, it: World, between) -> list[Hunk]:
    """Every hunk in some order, those that others stand on again and again; what is left is in conflict."""
    while left := list(it.ledger.open):
        order = draw.draw(st.permutations(left))
        if sum(hunk in it.ledger.hunks and take_back(it, hunk) for hunk in order) == 0:
            return left
        between()
    return []


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_without_typing_in_hunks_taking_all_back_in_any_order_leaves_what_the_person_had_alone(draw: Draw) -> None:
    it = world(draw)
    for acts in draw.draw(st.lists(st.sampled_from([agent_acts, person_acts_elsewhere]), max_size=9)):
        acts(draw, it)
    assert take_all_back(draw, it, lambda: None) == []
    assert it.ledger.text == it.alone


BY_PERSON = 0
OF_THEIR_OWN = {ord(it): 0x4E00 + ord(it) for it in ascii_lowercase}
"""Each of these characters is a word, as the search makes them."""
FOUND = {
    "one prompt's insertion inside another's, taken out by a third": (
        "a\n",
        [
            (1, (0, 0, "b")),
            (BY_PERSON, (2, 2, "c")),
            (1, (1, 2, "")),
            (1, (0, 0, "d")),
            (2, (1, 1, "e")),
            (3, (1, 2, "")),
        ],
    ),
    "a deletion behind the end of another's window": (
        "a\nb\ncdefg\nhijkl\nmnop\n",
        [(1, (13, 14, ""), (21, 21, "q")), (BY_PERSON, (0, 0, "r")), (1, (6, 6, "s")), (2, (15, 16, ""))],
    ),
    "two deletions that meet once what stood between them is taken back": (
        "ab\n",
        [(1, (1, 1, "c")), (2, (0, 1, "")), (3, (1, 2, ""))],
    ),
    "a deletion before a window that others stand in, widened later": (
        "ab\ncd\ne\nf\n",
        [
            (BY_PERSON, (4, 4, "g")),
            (1, (7, 8, ""), (10, 10, "h")),
            (2, (3, 6, ""), (7, 7, "i")),
            (BY_PERSON, (0, 1, "")),
            (2, (2, 2, "j")),
        ],
    ),
    "a deletion that grew over the window it stood beside": (
        "a\n",
        [(1, (1, 1, "b")), (2, (0, 1, "")), (2, (0, 1, ""))],
    ),
    "a deletion left of a place where another prompt put something": (
        "ab\n",
        [(1, (1, 2, "")), (2, (1, 1, "c")), (3, (0, 1, ""))],
    ),
    "a deletion inside of a window, at its border": (
        "a\nb\n",
        [
            (1, (4, 4, "c")),
            (BY_PERSON, (0, 0, "d")),
            (1, (0, 1, "e")),
            (BY_PERSON, (2, 2, "fg")),
            (1, (1, 2, "h")),
            (2, (1, 3, "")),
            (3, (1, 2, "")),
        ],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_the_search_for_a_counterexample_once_found_is_taken_back_whole(name: str) -> None:
    text, acts = FOUND[name]
    text = text.translate(OF_THEIR_OWN)
    it = World([Cell(one) for one in text], Ledger(PATH, text), 0)
    for prompt, *edits in acts:
        made = [TextEdit(start, end, new.translate(OF_THEIR_OWN)) for start, end, new in edits]
        it.types(made[0]) if prompt == BY_PERSON else it.agent(made, prompt)
    full = it.ledger
    for order in permutations(hunk.id for hunk in full.hunks):
        it.ledger = full
        while it.ledger.open:
            left = (it.ledger.find(name) for name in order)
            assert sum(take_back(it, hunk) for hunk in left if hunk), "one at least can be taken back"
        assert it.ledger.text == it.alone


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_the_person_wrote_stays_whatever_is_taken_back(draw: Draw) -> None:
    it = world(draw)
    for acts in draw.draw(
        st.lists(st.sampled_from([agent_acts, person_acts_anywhere, person_acts_anywhere]), max_size=9)
    ):
        acts(draw, it)
    words = {cell.character for cell in it.visible if not cell.agent}
    take_all_back(draw, it, lambda: None)
    assert words - {"\n"} <= set(it.ledger.text)
    assert len(set(it.ledger.text) - {"\n"}) == len(it.ledger.text.replace("\n", ""))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_the_person_takes_back_by_hand_is_no_hunk_any_more(draw: Draw) -> None:
    it = world(draw)
    agent_acts(draw, it)
    before = it.ledger
    for hunk in before.open:
        (edit,) = inverse(hunk, before.text) or ()
        by_hand = followed(before, (edit,))
        assert hunk.id not in {one.id for one in by_hand.open}
        again = followed(by_hand, (TextEdit(edit.start, edit.start + len(edit.new), hunk.after),))
        assert {one.id for one in again.open} == {one.id for one in before.open}
        assert again.text == before.text


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_keeping_changes_no_text_and_no_other_hunk_that_stands_alone(draw: Draw) -> None:
    it = world(draw)
    for acts in draw.draw(st.lists(st.sampled_from([agent_acts, person_acts_elsewhere]), min_size=1, max_size=6)):
        acts(draw, it)
    for hunk in it.ledger.open:
        kept = settled(it.ledger, hunk.id, "kept")
        assert kept.text == it.ledger.text
        assert kept.settled[hunk.id].state == "kept"
        left = {one.id for one in it.ledger.hunks if one is not hunk and hunk not in it.ledger.upon(one)}
        assert {one.id for one in kept.hunks} == left
    ids = [hunk.id for hunk in it.ledger.hunks]
    assert len(set(ids)) == len(ids)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_ledger_made_again_from_the_log_and_the_text_is_the_one_that_lived(draw: Draw) -> None:
    it = world(draw)
    steps = st.sampled_from(["agent", "person", "keep", "undo"])
    for step in draw.draw(st.lists(steps, min_size=1, max_size=9)):
        hunks = it.ledger.open
        if step == "agent":
            agent_acts(draw, it)
        elif step == "person":
            person_acts_elsewhere(draw, it)
        elif hunks:
            hunk = draw.draw(st.sampled_from(hunks))
            if step == "keep":
                it.ledger = settled(it.ledger, hunk.id, "kept")
                it.log.append(Entry(n=1, at=0, event=HunkKept(hunk=hunk.id, path=PATH)))
            elif take_back(it, hunk):
                it.log.append(Entry(n=1, at=0, event=HunkUndone(hunk=hunk.id, path=PATH)))
            # The cells know nothing of decisions: from here on the text is what it is.
            it.cells = [Cell(character) for character in it.ledger.text]
    if PATH in (ledgers := folded(it.log).ledgers):
        again = synced(ledgers[PATH], it.ledger.text)
        assert set(again.settled) == set(it.ledger.settled)
        assert [(one.id, one.before, one.after) for one in again.hunks] == [
            (one.id, one.before, one.after) for one in it.ledger.hunks
        ]
        # Where the person typed must be told from the texts alone, so one hunk more may count as touched; none less.
        untouched = [one for one in it.ledger.hunks if not one.touched(it.ledger.text)]
        assert all(one in untouched for one in again.hunks if not one.touched(again.text))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_folding_a_log_in_two_halves_is_folding_it_once(draw: Draw) -> None:
    it = world(draw)
    for acts in draw.draw(st.lists(st.sampled_from([agent_acts, person_acts_anywhere]), max_size=6)):
        acts(draw, it)
    at = draw.draw(st.integers(0, len(it.log)))
    assert folded(it.log[at:], folded(it.log[:at])) == folded(it.log)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_correction_is_told_once_and_never_grows_without_bound(draw: Draw) -> None:
    it = world(draw)
    for acts in draw.draw(st.lists(st.sampled_from([agent_acts, person_acts_anywhere]), max_size=8)):
        acts(draw, it)
    book = folded(it.log).with_ledger(it.ledger)
    found = corrections(book)
    log = list(found.by_hand)
    log += [found.note] if found.note else []
    again = corrections(folded([Entry(n=1, at=0, event=event) for event in log], book))
    assert (again.by_hand, again.note) == ((), None)
    assert found.note is None or len(found.note.text) < 7000
