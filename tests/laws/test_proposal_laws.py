"""Proposals: applying all of them in any order gives what was proposed over what was typed, dismissing them what was typed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.hunks import Ledger, followed, settled, undone
from claw_lsp.core.proposals import Proposals, after, overlaid, spots
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.event import CallFinished, Entry, SessionStarted, UserSpoke
from claw_lsp.facts.reviewed import ProposalApplied, ProposalDismissed
from claw_lsp.facts.text import TextEdit, applied

PATH = "/w/a.py"
Draw = st.DataObject


@dataclass
class World:
    """What is really there and what the session sees, each followed on its own; `wanted` is the oracle for the second."""

    text: str
    wanted: str
    proposals: Proposals
    n_characters: int = 0
    prompt: int = 1
    log: list[Entry] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return self.proposals.ledgers.get(PATH) or Ledger(PATH, self.text)

    def fresh(self, n: int) -> str:
        self.n_characters += n
        return "".join(chr(0x4E00 + self.n_characters - it) for it in range(n, 0, -1))

    def write(self, event) -> None:
        entry = Entry(n=len(self.log) + 1, at=float(len(self.log)), event=event)
        self.log.append(entry)
        self.proposals = after(self.proposals, entry)


def world(draw: Draw) -> World:
    sizes = draw.draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    new = World("", "", Proposals())
    new.text = new.wanted = "".join(new.fresh(it) + "\n" for it in sizes)
    new.write(SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()))
    return new


def some_edit(draw: Draw, it: World, text: str, first: int, last: int) -> TextEdit:
    """An edit of some unique characters of one line, or a new line, between two offsets."""
    start = end = draw.draw(st.integers(first, last))
    most = min(last, start + draw.draw(st.integers(0, 4)))
    while end < most and text[end] != "\n":
        end += 1
    n_new = draw.draw(st.integers(0 if end > start else 1, 3))
    at_line = start == end and (start == 0 or text[start - 1] == "\n")
    new = it.fresh(n_new) + ("\n" if at_line and draw.draw(st.booleans()) else "")
    return TextEdit(start, end, new)


def agent_proposes(draw: Draw, it: World) -> None:
    edits: list[TextEdit] = []
    first = 0
    for _ in range(draw.draw(st.integers(1, 3))):
        if first > len(it.wanted):
            break
        edits.append(some_edit(draw, it, it.wanted, first, len(it.wanted)))
        first = edits[-1].end + 1
    it.prompt += draw.draw(st.integers(0, 1))
    before, made = it.wanted, applied(it.wanted, tuple(edits))
    it.write(UserSpoke(run="r", prompt_id=f"p{it.prompt}", text="do it", blocks=()))
    change = Edited(path=PATH, before=before, after=made, proposed=True, beneath=it.text)
    it.write(CallFinished(call_id=f"c{len(it.log)}", result=Result(content="", edited=(change,))))
    it.wanted = made
    assert overlaid(it.ledger) == made
    assert it.ledger.text == it.text


def person_types_on_other_lines(draw: Draw, it: World) -> None:
    """The same, and the lines of the windows stay as they are: who sees only the text afterwards can tell what was typed."""
    person_types_elsewhere(draw, it, whole_lines=True)


def person_types_elsewhere(draw: Draw, it: World, *, whole_lines: bool = False) -> None:
    """Typing that meets no window, borders included; the oracle makes the same edit in what the session sees."""
    taken = {at for hunk in it.ledger.hunks for at in range(hunk.start, hunk.end + 1)}
    if whole_lines:
        firsts = [it.text.rfind("\n", 0, hunk.start) + 1 for hunk in it.ledger.hunks]
        lasts = [(it.text + "\n").find("\n", hunk.end) for hunk in it.ledger.hunks]
        taken = {at for first, last in zip(firsts, lasts, strict=True) for at in range(first, last + 1)}
    free = [at for at in range(len(it.text) + 1) if at not in taken]
    if not free:
        return
    first = last = draw.draw(st.sampled_from(free))
    while last + 1 in free:
        last += 1
    edit = some_edit(draw, it, it.text, first, last)
    shift = sum(
        len(one.text) - (one.hunk.end - one.hunk.start) for one in spots(it.ledger) if one.hunk.end < edit.start
    )
    it.text = applied(it.text, (edit,))
    it.wanted = applied(it.wanted, (replace(edit, start=edit.start + shift, end=edit.end + shift),))
    if PATH in it.proposals.ledgers:
        it.proposals = it.proposals.with_ledger(followed(it.ledger, (edit,)))
    assert it.ledger.text == it.text
    assert overlaid(it.ledger) == it.wanted


def person_types_anywhere(draw: Draw, it: World) -> None:
    edit = some_edit(draw, it, it.text, 0, len(it.text))
    it.text = applied(it.text, (edit,))
    if PATH in it.proposals.ledgers:
        it.proposals = it.proposals.with_ledger(followed(it.ledger, (edit,)))
    it.wanted = overlaid(it.ledger)


def person_answers_one(draw: Draw, it: World) -> None:
    if not it.ledger.open:
        return
    hunk = draw.draw(st.sampled_from(it.ledger.open))
    if draw.draw(st.booleans()):
        ledger = undone(it.ledger, hunk.id)
        if ledger is None:
            return
        it.write(ProposalApplied(hunk=hunk.id, path=PATH))
        it.text = it.ledger.text
        assert it.ledger == ledger
    else:
        it.write(ProposalDismissed(hunk=hunk.id, path=PATH))
        assert it.ledger.text == it.text
    it.wanted = overlaid(it.ledger)


def grown(draw: Draw, *acts) -> World:
    it = world(draw)
    for act in draw.draw(st.lists(st.sampled_from(acts), max_size=9)):
        act(draw, it)
    return it


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_applying_all_in_any_order_gives_what_the_session_saw(draw: Draw) -> None:
    it = grown(draw, agent_proposes, agent_proposes, person_types_elsewhere)
    ledger = it.ledger
    for hunk in draw.draw(st.permutations(ledger.open)):
        after_one = undone(ledger, hunk.id)
        assert after_one is not None
        ledger = after_one
    assert ledger.text == it.wanted
    assert ledger.open == ()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_dismissing_all_in_any_order_leaves_exactly_what_the_person_has(draw: Draw) -> None:
    it = grown(draw, agent_proposes, person_types_anywhere, person_answers_one)
    ledger = it.ledger
    for hunk in draw.draw(st.permutations(ledger.open)):
        ledger = settled(ledger, hunk.id, "kept")
    assert ledger.text == it.text == overlaid(ledger)
    assert ledger.open == ()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_each_answered_alone_leaves_the_others_as_they_were(draw: Draw) -> None:
    it = grown(draw, agent_proposes, agent_proposes, person_types_elsewhere)
    for hunk in it.ledger.open:
        left = settled(it.ledger, hunk.id, "kept")
        assert {one.id: one.before for one in left.open} == {
            one.id: one.before for one in it.ledger.open if one is not hunk
        }
        made = undone(it.ledger, hunk.id)
        assert made is not None
        assert overlaid(made) == it.wanted


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_the_person_wrote_is_never_lost_whatever_is_applied(draw: Draw) -> None:
    it = grown(draw, agent_proposes, person_types_anywhere, person_types_anywhere)
    proposed = {character for hunk in it.ledger.hunks for character in hunk.base}
    ledger = it.ledger
    for hunk in draw.draw(st.permutations(ledger.open)):
        now = ledger.find(hunk.id)
        if now is None:
            continue
        after_one = undone(ledger, hunk.id)
        assert (after_one is None) == (ledger.state(now) == "conflict")
        ledger = after_one or ledger
    # Characters are unique: what was typed and stood in no window when it was proposed is there still.
    assert set(it.text) - proposed - {"\n"} <= set(ledger.text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_proposals_made_again_from_the_log_give_the_session_the_same_text(draw: Draw) -> None:
    it = grown(draw, agent_proposes, agent_proposes, person_types_on_other_lines, person_answers_one)
    again = Proposals()
    for entry in it.log:
        again = after(again, entry)
    assert again.text(PATH, it.text) == it.wanted
    half = len(it.log) // 2
    parts = Proposals()
    for entry in it.log[:half]:
        parts = after(parts, entry)
    for entry in it.log[half:]:
        parts = after(parts, entry)
    assert parts == again


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_id_is_open_or_its_end_is_known(draw: Draw) -> None:
    it = world(draw)
    known: set[str] = set()
    for act in draw.draw(
        st.lists(st.sampled_from([agent_proposes, person_types_elsewhere, person_answers_one]), max_size=9)
    ):
        act(draw, it)
        known |= {hunk.id for hunk in it.ledger.open}
    for id_ in known:
        assert it.ledger.find(id_) is not None or id_ in it.ledger.settled
    ids = [hunk.id for hunk in it.ledger.hunks]
    assert len(set(ids)) == len(ids)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_letters_typed_on_to_a_word_that_is_to_be_replaced_are_never_glued_to_the_new_one(draw: Draw) -> None:
    word, new = draw.draw(st.text("abc", min_size=1, max_size=3)), draw.draw(st.text("xyz", min_size=1, max_size=3))
    typed = draw.draw(st.text("abc", min_size=1, max_size=3))
    at = draw.draw(st.sampled_from([2, 2 + len(word)]))
    change = Edited(path=PATH, before=f"= {word}\n", after=f"= {new}\n", proposed=True, beneath=f"= {word}\n")
    it = World(change.beneath, "", Proposals())
    it.write(CallFinished(call_id="c", result=Result(content="", edited=(change,))))
    ledger = followed(it.ledger, (TextEdit(at, at, typed),))
    (hunk,) = ledger.open
    assert ledger.state(hunk) == "conflict"
    assert overlaid(ledger) == ledger.text
