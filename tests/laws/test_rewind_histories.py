"""Rewinds over random histories of several files: of turns with edits and commands, and of a person beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.reverting import reverting, traced
from claw_lsp.core.rewinding import Changing, Step, all_taken_back, changings, content, restored, rewound_step, steps
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.checkpoint import Checkpointed, Kept, RewindBegun, Taken
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, Event, SessionStarted, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, Reverted

PATHS = ("/w/a", "/w/b", "/w/c")
Draw = st.DataObject
Files = dict[str, str]


@dataclass
class World:
    """Files, the log of what happened to them, and the checkpoints that it names. Every line that anybody writes is new."""

    files: Files
    log: list[Entry] = field(default_factory=list[Entry])
    checkpoints: dict[str, Files] = field(default_factory=dict[str, Files])
    typed: list[str] = field(default_factory=list[str])
    left: dict[str, str] = field(default_factory=dict[str, str])
    n_lines: int = 0

    def happens(self, event: Event) -> None:
        self.log.append(Entry(n=len(self.log) + 1, at=float(len(self.log)), event=event))

    def line(self, who: str) -> str:
        self.n_lines += 1
        return f"{who}{self.n_lines}\n"

    def keeps(self, prompt_id: str, when: str) -> None:
        name = f"{prompt_id}-{when}"
        self.checkpoints[name] = dict(self.files)
        self.happens(Checkpointed(prompt_id=prompt_id, when=when, taken=Taken(checkpoint=name)))  # pyright: ignore[reportArgumentType]

    def ends(self, it: Changing) -> Iterator[dict[str, Kept]]:
        """What is read of the checkpoints around a turn."""
        sides = [self.checkpoints.get(name, {}) for name in (it.before, it.after)]
        edited = {one.path for one in it.edits}
        paths = {path for path in {*sides[0], *sides[1]} if path in edited or sides[0].get(path) != sides[1].get(path)}
        return ({path: Kept(side[path].encode()) for path in paths if path in side} for side in sides)

    def rewinds(self, prompt_id: str) -> RewindBegun:
        """As the command does, where no file is open."""
        changed = changings(self.log, prompt_id)
        assert changed is not None
        every = [step for it in changed for step in steps(it, *self.ends(it))]
        return self.takes_back(RewindBegun(rewind=f"w{len(self.log)}", prompt_id=prompt_id), every)

    def redoes(self, begun: RewindBegun) -> None:
        again = begun.model_copy(update={"redo": True, "files": ()})
        self.takes_back(again, [rewound_step(it) for it in begun.files])

    def takes_back(self, begun: RewindBegun, every: Sequence[Step]) -> RewindBegun:
        now = {it.path: content(_kept(self.files.get(it.path))) for it in every}
        back, self.left = all_taken_back(every, now)
        made = [restored(path, now[path], it.now) for path, it in back.items() if it.now != now[path]]
        for it in made:
            _put(self.files, it.path, it.after)
        begun = begun.model_copy(update={"files": tuple(made)})
        self.happens(begun)
        return begun

    def reverts(self, prompt_id: str) -> None:
        for path, trace in traced(self.log, prompt_id).items():
            it = reverting(trace, self.files.get(path, ""))
            if it.edits and path in self.files:
                before, self.files[path] = self.files[path], it.text
                edits = tuple((one.start, one.end, one.new) for one in it.edits)
                fact = Reverted(
                    revert=f"v{len(self.log)}", prompt_id=prompt_id, path=path, before=before, after=it.text
                )
                self.happens(fact.model_copy(update={"edits": edits, "left": it.left}))


def _kept(text: str | None) -> Kept | None:
    return None if text is None else Kept(text.encode())


def _put(files: Files, path: str, text: str | None) -> None:
    if text is None:
        files.pop(path, None)
    else:
        files[path] = text


def with_a_line(draw: Draw, text: str, line: str, *, instead: bool) -> str:
    lines = text.splitlines(keepends=True)
    at = draw.draw(st.integers(0, len(lines)))
    return "".join([*lines[:at], line, *lines[at + instead :]])


def turn(draw: Draw, world: World) -> None:
    """A prompt whose turn edits, or runs commands that do anything to files."""
    id_ = f"p{len(world.log)}"
    world.happens(UserSpoke(run=id_, prompt_id=id_, text="do it", blocks=()))
    world.keeps(id_, "before")
    for n in range(draw.draw(st.integers(1, 3))):
        path, other = draw.draw(st.permutations(PATHS))[:2]
        what = draw.draw(st.sampled_from(["edit", "edit", "change", "create", "delete", "rename"]))
        text = world.files.get(path)
        if what == "edit":
            after = with_a_line(draw, text or "", world.line("agent"), instead=draw.draw(st.booleans()))
            edited = Edited(path=path, before=text or "", after=after, created=text is None)
            world.files[path] = after
            world.happens(CallFinished(call_id=f"{id_}-{n}", result=Result(content="", edited=(edited,))))
            continue
        world.happens(CallJudged(call_id=f"{id_}-{n}", decision="allow", by="person", reach="run"))
        match what:
            case "change" if text is not None:
                world.files[path] = with_a_line(draw, text, world.line("run"), instead=draw.draw(st.booleans()))
            case "create":
                world.files[path] = world.line("run")
            case "rename" if text is not None:
                world.files[other] = world.files.pop(path)
            case _:
                world.files.pop(path, None)
        world.happens(CallFinished(call_id=f"{id_}-{n}", result=Result(content="")))
    world.keeps(id_, "after")


def person(draw: Draw, world: World) -> None:
    """Types a line of their own somewhere."""
    if world.files:
        path = draw.draw(st.sampled_from(sorted(world.files)))
        line = world.line("person")
        world.files[path] = with_a_line(draw, world.files[path], line, instead=False)
        world.typed.append(line)


def history(draw: Draw, *, typing: bool) -> tuple[World, dict[str, Files]]:
    """Some turns, and the files as they were before each."""
    world = World({path: f"1{path}\n2{path}\n3{path}\n" for path in PATHS[:2]})
    world.happens(SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()))
    there: dict[str, Files] = {}
    for _ in range(draw.draw(st.integers(1, 4))):
        there[f"p{len(world.log)}"] = dict(world.files)
        turn(draw, world)
        if typing and draw.draw(st.booleans()):
            person(draw, world)
    return world, there


@given(st.data())
def test_a_rewind_to_any_prompt_gives_the_files_of_then_and_a_redo_those_of_now(draw: Draw) -> None:
    world, there = history(draw, typing=False)
    now = dict(world.files)
    prompt = draw.draw(st.sampled_from(sorted(there)))
    begun = world.rewinds(prompt)
    assert (world.files, world.left) == (there[prompt], {})
    world.redoes(begun)
    assert (world.files, world.left) == (now, {})


@given(st.data())
def test_rewinds_one_behind_the_other_give_the_files_of_the_prompt_named_last(draw: Draw) -> None:
    world, there = history(draw, typing=False)
    for _ in range(draw.draw(st.integers(2, 3))):
        prompt = draw.draw(st.sampled_from(sorted(there)))
        at = dict(world.files)
        begun = world.rewinds(prompt)
        assert (world.files, world.left) == (there[prompt], {})
        if draw.draw(st.booleans()):
            world.redoes(begun)
            assert world.files == at


@given(st.data())
def test_a_revert_before_it_does_not_keep_a_rewind_from_the_files_of_then(draw: Draw) -> None:
    world, there = history(draw, typing=False)
    world.reverts(draw.draw(st.sampled_from(sorted(there))))
    first = min(there, key=lambda it: int(it[1:]))
    world.rewinds(first)
    assert (world.files, world.left) == (there[first], {})


@given(st.data())
def test_what_the_person_typed_stays_and_a_redo_gives_back_what_was(draw: Draw) -> None:
    world, there = history(draw, typing=True)
    person(draw, world)
    now = dict(world.files)
    mine = [(path, line) for path, text in now.items() for line in world.typed if line in text]
    last = [line for line in world.typed[-1:] if any(line in text for text in now.values())]
    begun = world.rewinds(draw.draw(st.sampled_from(sorted(there))))
    assert all(any(line in text for text in world.files.values()) for line in last)
    assert all(path in world.files or line not in last for path, line in mine)
    world.redoes(begun)
    assert world.files == now


@given(st.data())
def test_a_file_that_the_person_gave_another_name_is_taken_back_under_that(draw: Draw) -> None:
    world, there = history(draw, typing=False)
    if not world.files:
        return
    path = draw.draw(st.sampled_from(sorted(world.files)))
    world.files["/w/renamed"] = world.files.pop(path)
    world.happens(FileMoved(path=path, to="/w/renamed"))
    prompt = draw.draw(st.sampled_from(sorted(there)))
    world.rewinds(prompt)
    expected = {("/w/renamed" if it == path else it): text for it, text in there[prompt].items()}
    assert (world.files, world.left) == (expected, {})
