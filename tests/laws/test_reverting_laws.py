"""Reverting a prompt: what is left is the history without it, and everything that anybody else wrote."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.reverting import Reverting, Step, reverting, traced
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.event import CallFinished, Entry, Event, SessionStarted, TurnEnded, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, Reverted
from claw_lsp.facts.text import TextEdit, applied

PATH = "/w/a.py"
Draw = st.DataObject


@dataclass
class History:
    """One file and its log. Every character but the line ends is unique, so that a comparison can mean one thing only."""

    text: str
    log: list[Entry] = field(default_factory=list)
    n_characters: int = 0
    n_prompts: int = 0
    typed: set[str] = field(default_factory=set)
    path: str = PATH
    reverted: bool = False

    def fresh(self, n: int) -> str:
        self.n_characters += n
        return "".join(chr(0x4E00 + self.n_characters - it) for it in range(n, 0, -1))

    def happens(self, event: Event) -> None:
        self.log.append(Entry(n=len(self.log) + 1, at=float(len(self.log)), event=event))

    def prompts(self) -> str:
        self.n_prompts += 1
        self.reverted = False
        id_ = f"p{self.n_prompts}"
        self.happens(UserSpoke(run=id_, prompt_id=id_, text="do it", blocks=()))
        return id_

    def edits(self, *edits: TextEdit) -> None:
        """The prompt under way edits the file."""
        before, self.text = self.text, applied(self.text, edits)
        result = Result(content="", edited=(Edited(path=self.path, before=before, after=self.text),))
        self.happens(CallFinished(call_id=f"c{len(self.log)}", result=result))

    def types(self, edit: TextEdit) -> None:
        self.text = applied(self.text, (edit,))
        self.typed |= set(edit.new) - {"\n"}

    def reverts(self, prompt_id: str) -> tuple[str, Reverting | None]:
        """Take a prompt back as the command does; the revert's id, and what came of it in the file."""
        id_ = f"v{len(self.log)}"
        self.reverted = True
        trace = traced(self.log, prompt_id).get(self.path)
        if trace is None:
            return id_, None
        it = reverting(trace, self.text)
        if it.edits or it.left:
            before, self.text = self.text, it.text
            edits = tuple((one.start, one.end, one.new) for one in it.edits)
            fact = Reverted(revert=id_, prompt_id=prompt_id, path=self.path, before=before, after=it.text)
            self.happens(fact.model_copy(update={"edits": edits, "left": it.left}))
        return id_, it


def history(draw: Draw, n_lines: int = 6) -> History:
    new = History("")
    sizes = draw.draw(st.lists(st.integers(1, 4), min_size=1, max_size=n_lines))
    new.text = "".join(new.fresh(it) + "\n" for it in sizes)
    new.happens(SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()))
    return new


def some_edit(draw: Draw, it: History, first: int = 0) -> TextEdit:
    """An edit of some characters of one line, of whole lines, or a new line, behind `first`."""
    start = draw.draw(st.integers(first, len(it.text)))
    end = draw.draw(st.integers(start, min(len(it.text), start + 8)))
    n_new = draw.draw(st.integers(0 if end > start else 1, 3))
    at_line = start == 0 or it.text[start - 1] == "\n"
    return TextEdit(start, end, it.fresh(n_new) + ("\n" if at_line and draw.draw(st.booleans()) else ""))


def prompt_acts(draw: Draw, it: History) -> None:
    # What a prompt did is taken back once its turn is over.
    if not it.n_prompts or it.reverted or draw.draw(st.booleans()):
        it.prompts()
    first, edits = 0, list[TextEdit]()
    for _ in range(draw.draw(st.integers(1, 3))):
        if first <= len(it.text):
            edits.append(some_edit(draw, it, first))
            first = edits[-1].end + 1
    it.edits(*edits)


def person_types(draw: Draw, it: History) -> None:
    it.types(some_edit(draw, it))


def somebody_reverts(draw: Draw, it: History) -> None:
    if it.n_prompts:
        it.reverts(f"p{draw.draw(st.integers(1, it.n_prompts))}")


def file_moves(draw: Draw, it: History) -> None:
    before, it.path = it.path, f"/w/{it.fresh(1)}.py"
    it.happens(FileMoved(path=before, to=it.path))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_without_a_prompt_the_text_is_that_of_the_history_without_it(draw: Draw) -> None:
    """Prompts and the person change lines of their own, with a line between that nobody changes."""
    it = history(draw, 1)
    owners = draw.draw(st.lists(st.sampled_from(["p1", "p2", "p3", "person"]), min_size=1, max_size=7))
    texts = {n: it.fresh(3) + "\n" for n in range(len(owners))}
    pillars = [it.fresh(2) + "\n" for _ in range(len(owners) + 1)]
    changes = {n: draw.draw(st.sampled_from(["word", "line", "gone", "above"])) for n in texts}
    new = {n: it.fresh(2) for n in texts}

    def now(done: set[int]) -> str:
        parts = [pillars[0]]
        for n, line in texts.items():
            if n in done:
                forms = {"word": line[0] + new[n] + line[2:], "line": new[n] + "\n", "gone": ""}
                line = forms.get(changes[n], new[n] + "\n" + line)
            parts += [line, pillars[n + 1]]
        return "".join(parts)

    it.text = now(set())
    order = draw.draw(st.permutations(list(texts)))
    done: set[int] = set()
    for n in order:
        before = it.text
        done.add(n)
        if owners[n] == "person":
            it.text = now(done)
            continue
        it.happens(UserSpoke(run=owners[n], prompt_id=owners[n], text="do it", blocks=()))
        it.text = now(done)
        edited = Edited(path=PATH, before=before, after=it.text)
        it.happens(CallFinished(call_id=f"c{len(it.log)}", result=Result(content="", edited=(edited,))))
    for prompt_id in draw.draw(st.permutations(["p1", "p2", "p3"])):
        _, came = it.reverts(prompt_id)
        done -= {n for n in texts if owners[n] == prompt_id}
        assert it.text == now(done)
        assert came is None or came.left == ()


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_the_person_typed_is_never_taken_out_and_nothing_is_there_twice(draw: Draw) -> None:
    it = history(draw)
    acts = [prompt_acts, prompt_acts, person_types, somebody_reverts, file_moves]
    for act in draw.draw(st.lists(st.sampled_from(acts), max_size=9)):
        act(draw, it)
    for n in range(1, it.n_prompts + 1):
        words = it.typed & set(it.text)
        it.reverts(f"p{n}")
        assert words <= set(it.text)
        plain = it.text.replace("\n", "")
        assert len(set(plain)) == len(plain)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_where_prompts_only_wrote_all_of_them_reverted_in_any_order_leave_the_beginning_or_a_place_to_decide(
    draw: Draw,
) -> None:
    """Also where they wrote into each other's words: the earlier one waits until the later one is reverted."""
    it = history(draw)
    first = it.text
    for _ in range(draw.draw(st.integers(0, 6))):
        if not it.n_prompts or it.reverted or draw.draw(st.booleans()):
            it.prompts()
        at = draw.draw(st.integers(0, len(it.text)))
        it.edits(TextEdit(at, at, it.fresh(draw.draw(st.integers(1, 3))) + draw.draw(st.sampled_from(["", "\n"]))))
        if draw.draw(st.integers(0, 4)) == 0:
            somebody_reverts(draw, it)
    order = draw.draw(st.permutations([f"p{n}" for n in range(1, it.n_prompts + 1)]))
    came: list[Reverting | None] = []
    for _ in order:
        came = [it.reverts(prompt_id)[1] for prompt_id in order]
    # Where words of both became one edit, the person is asked.
    assert it.text == first or any(one is not None and one.left for one in came)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_where_nobody_typed_reverting_from_the_newest_on_leaves_what_there_was_before_each(draw: Draw) -> None:
    it = history(draw)
    there = {"p1": it.text}
    for act in draw.draw(st.lists(st.sampled_from([prompt_acts, prompt_acts, file_moves]), max_size=8)):
        n_prompts, before = it.n_prompts, it.text
        act(draw, it)
        if it.n_prompts > n_prompts:
            there[f"p{it.n_prompts}"] = before
    for n in range(it.n_prompts, 0, -1):
        _, came = it.reverts(f"p{n}")
        assert it.text == there[f"p{n}"]
        assert came is None or came.left == ()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_revert_taken_back_at_once_leaves_the_text_there_was(draw: Draw) -> None:
    it = history(draw)
    for act in draw.draw(st.lists(st.sampled_from([prompt_acts, prompt_acts, person_types]), min_size=1, max_size=6)):
        act(draw, it)
    if not it.n_prompts:
        return
    before = it.text
    revert, _ = it.reverts(f"p{draw.draw(st.integers(1, it.n_prompts))}")
    it.reverts(revert)
    assert it.text == before


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_left_is_told_with_both_sides(draw: Draw) -> None:
    it = history(draw)
    for act in draw.draw(st.lists(st.sampled_from([prompt_acts, prompt_acts, person_types]), min_size=1, max_size=8)):
        act(draw, it)
    for n in range(1, it.n_prompts + 1):
        _, came = it.reverts(f"p{n}")
        for place in came.left if came else ():
            assert 0 <= place.start <= place.end <= len(it.text)
            assert it.text[place.start : place.end] != place.wanted
        spans = [(place.start, place.end) for place in came.left] if came else []
        assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_commands_did_between_edits_is_taken_back_with_them(draw: Draw) -> None:
    """A prompt changes lines of its own in turn by edits and by commands; a later prompt and the person change others."""
    it = history(draw, 1)
    kinds = draw.draw(st.lists(st.sampled_from(["edit", "command"]), min_size=1, max_size=5))
    lines = [it.fresh(3) + "\n" for _ in range(2 * len(kinds) + 3)]
    it.text = "".join(lines)
    id_ = it.prompts()
    ran: list[Step | None] = []
    for n, kind in enumerate(kinds):
        before, at = it.text, sum(map(len, lines[: 2 * n + 1]))
        edit = TextEdit(at, at + 2, it.fresh(2))
        if kind == "edit":
            it.edits(edit)
            ran.append(None)
        else:
            it.text = applied(before, (edit,))
            ran.append(Step(PATH, before, it.text, "", f"ran-{n}"))
    it.happens(TurnEnded(run=id_, stopped="done"))
    it.prompts()
    whole = it.text
    it.edits(TextEdit(len(whole) - 4, len(whole) - 2, it.fresh(2)))
    last = it.text[len(whole) - 4 :]
    it.types(TextEdit(0, 0, "typed\n"))
    came = reverting(traced(it.log, id_, {PATH: ran})[PATH], it.text)
    assert came.left == ()
    assert came.text == "typed\n" + "".join(lines)[: len(whole) - 4] + last
