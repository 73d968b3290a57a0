"""Logs on a disk that fails and in a process that dies, at every call that changes a file and at every kind of fact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.core.fold import fold
from claw_lsp.core.fork import forked
from claw_lsp.core.recover import Partial, recover
from claw_lsp.core.step import Rest, next_step
from claw_lsp.facts.call import Result
from claw_lsp.facts.checkpoint import Checkpointed, Restored, RewindBegun, Rewound, Taken
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.event import (
    KINDS,
    CallFinished,
    CallJudged,
    Compacted,
    CompactionFailed,
    Entry,
    Event,
    Forked,
    Instructed,
    LimitRaised,
    ModeChanged,
    ModelChanged,
    ModelSpoke,
    Noted,
    Reopened,
    RuleAdded,
    RuleRemoved,
    SessionStarted,
    Steered,
    Titled,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.fault import LogError, SessionHeld
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.offered import ToolsOffered, ToolSpec
from claw_lsp.facts.reviewed import FileMoved, HunkKept, HunkUndone, ProposalApplied, ProposalDismissed, Reverted
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.testing.fakes import FakeClock
from tests.wire.faulty_disk import Died, FaultyFiles, broken, full, read_only

ID = "11111111-2222-4333-8444-555555555555"
SHOWN = "Looking at it"


def text(said: str) -> tuple[dict[str, Any], ...]:
    return ({"type": "text", "text": said},)


CALL = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls"}}
STORY: tuple[Event | str, ...] = (
    SessionStarted(session=ID, cwd="/w", roots=("/w",), model="m", system="s", tools=()),
    ModeChanged(mode=Mode.PLAN),
    ModelChanged(model="n"),
    Noted(text="note"),
    UserSpoke(run="r", prompt_id="r", text="go", blocks=text("go")),
    SHOWN,
    Steered(text="and quickly"),
    ModelSpoke(blocks=(*text(SHOWN), CALL), stop_reason="tool_use", model="n"),
    RuleAdded(rule=Rule(text="Bash(ls)", behavior="allow", source="session")),
    CallJudged(call_id="c1", decision="allow", by="person", reach="run"),
    CallFinished(call_id="c1", result=Result(content="a.py")),
    ToolsOffered(tools=(ToolSpec(name="mcp__a__b", description="b", input_schema={"type": "object"}),), text="More."),
    Instructed(path="/w/CLAW.md", text="Be brief."),
    RuleRemoved(rule=Rule(text="Bash(ls)", behavior="allow", source="session")),
    LimitRaised(max_turns=9),
    Hooked(event="PostToolUse", context="Formatted."),
    Checkpointed(prompt_id="r", when="after", taken=Taken(checkpoint="c0ffee")),
    CompactionFailed(trigger="manual", why="the model wrote no summary."),
    Compacted(trigger="manual", summary="It goes on.", head=text("It goes on."), kept=1, model="n"),
    ModelSpoke(blocks=text("Done."), stop_reason="end_turn", model="n"),
    TurnEnded(run="r", stopped="done", text="Done."),
    HunkKept(hunk="h", path="/w/a"),
    HunkUndone(hunk="h", path="/w/a"),
    ProposalApplied(hunk="h", path="/w/a"),
    ProposalDismissed(hunk="h", path="/w/a"),
    Reverted(revert="v", prompt_id="p", path="/w/a", before="1\n", after="2\n", edits=((0, 1, "2"),)),
    Dropped(items=("call:c1",)),
    RewindBegun(rewind="w", prompt_id="r", files=(Restored(path="/w/a", before="1", after=None),)),
    Rewound(rewind="w", prompt_id="r", what="both"),
    FileMoved(path="/w/a", to="/w/b"),
    Forked(origin=ID),
    Reopened(mode=Mode.DEFAULT, before=Mode.PLAN),
    Titled(title="t"),
    Unknown(kind="told_by_a_later_version"),
)
"""Every kind of fact once, and text that is streamed (a plain string)."""


def test_the_story_holds_every_kind_of_fact() -> None:
    assert {it.kind for it in STORY if not isinstance(it, str)} == {*KINDS, "told_by_a_later_version"}


async def told(folder: Path, files: FaultyFiles, told: list[Event | str]) -> None:
    """The story, as far as it comes; `told` is all that anybody could rely on."""
    log = await JsonlArchive(folder, FakeClock(), files).create(ID, "/w")
    for it in STORY:
        if isinstance(it, str):
            log.keep(it)
        else:
            log.append(it, durable=it.lasting)
        told.append(it)
    log.close()


async def n_calls(folder: Path, fault: BaseException) -> int:
    files = FaultyFiles(0, fault)
    await told(folder, files, [])
    return files.n_calls


async def holds(folder: Path, relied_on: list[Event | str]) -> None:
    """Another process finds everything that was relied on, in order, nothing but the one fact under way besides, closes
    what is open, and goes on."""
    if not relied_on and not list(folder.glob("projects/*/*.jsonl")):
        return
    try:
        log, entries, partial = await JsonlArchive(folder, FakeClock()).open(ID)
    except LogError:
        assert relied_on == []
        return
    facts = [it for it in relied_on if not isinstance(it, str)]
    assert [it.event for it in entries][: len(facts)] == facts
    assert len(entries) <= len(facts) + 1
    assert [it.n for it in entries] == list(range(1, len(entries) + 1))
    said = "".join(str(it.event.blocks) for it in entries if isinstance(it.event, ModelSpoke))
    assert SHOWN not in relied_on or SHOWN in said + partial
    assert not (SHOWN in said and partial)
    events = [it.event for it in entries]
    closing = recover(fold(events), Partial(partial))
    for event in closing:
        log.append(event)
    assert isinstance(next_step(fold([*events, *closing])), Rest)
    assert log.append(Titled(title="after")).n == len(entries) + len(closing) + 1
    log.close()
    assert (await JsonlArchive(folder, FakeClock()).read(ID))[-1].event == Titled(title="after")


async def test_r54_killed_at_every_call_that_changes_a_file_nothing_that_was_told_is_lost(tmp_path: Path) -> None:
    n = await n_calls(tmp_path / "whole", Died())
    assert n > 40
    for at in range(1, n + 1):
        folder, relied_on = tmp_path / str(at), list[Event | str]()
        files = FaultyFiles(at, Died())
        with pytest.raises(Died):
            await told(folder, files, relied_on)
        files.bury()
        await holds(folder, relied_on)


@pytest.mark.parametrize("fault", [full(), read_only(), broken()], ids=["full", "read-only", "broken"])
@pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
async def test_r56_a_disk_that_fails_at_any_call_is_told_and_nothing_is_lost(
    tmp_path: Path, fault: OSError, stays: bool
) -> None:
    for at in range(1, await n_calls(tmp_path / "whole", fault) + 1):
        folder, relied_on = tmp_path / str(at), list[Event | str]()
        files = FaultyFiles(at, fault, stays=stays)
        try:
            await told(folder, files, relied_on)
        except LogError as error:
            assert "cannot be written" in str(error)
            assert str(error).endswith(("kept.", "one that is."))
        files.bury()
        await holds(folder, relied_on)


async def test_r56_when_the_disk_is_well_again_the_same_log_goes_on_and_counts_on(tmp_path: Path) -> None:
    n = await n_calls(tmp_path / "whole", full())
    for at in range(1, n + 1):
        files = FaultyFiles()
        log = await JsonlArchive(tmp_path / str(at), FakeClock(), files).create(ID, "/w")
        files.arm(at, full(), stays=True)
        written: list[Entry] = []
        for it in STORY:
            if isinstance(it, str):
                continue
            try:
                written.append(log.append(it, durable=it.lasting))
            except LogError:
                files.heal()
                written.append(log.append(it, durable=it.lasting))
        log.close()
        assert list(await JsonlArchive(tmp_path / str(at), FakeClock()).read(ID)) == written


async def test_r56_a_fact_that_could_not_be_synced_does_not_count(tmp_path: Path) -> None:
    files = FaultyFiles()
    log = await JsonlArchive(tmp_path, FakeClock(), files).create(ID, "/w")
    size = Path(log.path).stat().st_size
    files.arm(2, broken())
    with pytest.raises(LogError, match="Look after that disk"):
        log.append(STORY[0], durable=True)  # type: ignore[arg-type]
    assert Path(log.path).stat().st_size == size
    assert log.append(Titled(title="t")).n == 1
    log.close()


async def test_text_that_was_shown_is_kept_when_its_session_is_closed_without_a_fact_for_it(tmp_path: Path) -> None:
    log = await JsonlArchive(tmp_path, FakeClock()).create(ID, "/w")
    log.append(STORY[0])  # type: ignore[arg-type]
    log.keep(SHOWN)
    log.close()
    again, _, partial = await JsonlArchive(tmp_path, FakeClock()).open(ID)
    assert partial == SHOWN
    again.close()


def later_log(folder: Path) -> Iterator[bytes]:
    """A log as a later version of the same format may write it."""
    yield json.dumps({"format": 1, "session": ID, "folder": "/w", "created": 1.0, "colour": "red"}).encode()
    started = {**STORY[0].model_dump(mode="json"), "mood": "good"}  # type: ignore[union-attr]
    yield json.dumps({"n": 1, "at": 1.0, "event": started, "by": "v9"}).encode()
    spoke = {"kind": "user_spoke", "run": "r", "prompt_id": "r", "text": "go", "blocks": [], "mood": "bad"}
    yield json.dumps({"n": 2, "at": 2.0, "event": spoke}).encode()
    yield json.dumps({"n": 3, "at": 3.0, "event": {"kind": "dreamt", "of": {"sheep": [1, None]}}}).encode()


def write_later_log(folder: Path) -> Path:
    path = folder / "projects" / "-w" / f"{ID}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(line + b"\n" for line in later_log(folder)))
    return path


async def test_r64_facts_and_fields_of_a_later_version_are_read_gone_on_with_and_kept(tmp_path: Path) -> None:
    path = write_later_log(tmp_path)
    before = path.read_bytes()
    archive = JsonlArchive(tmp_path, FakeClock())
    log, entries, _ = await archive.open(ID)
    dreamt = entries[2].event
    assert isinstance(dreamt, Unknown)
    assert dreamt.model_dump() == {"kind": "dreamt", "of": {"sheep": [1, None]}}
    assert fold(it.event for it in entries[:2]) == fold(it.event for it in entries)
    log.append(Titled(title="t"))
    log.close()
    assert path.read_bytes().startswith(before)
    fork = forked(entries, str(uuid4()), None)
    copy = await archive.copy(str(uuid4()), ID, entries)
    copy.close()
    lines = [json.loads(it) for it in Path(copy.path).read_bytes().splitlines()]
    assert (lines[1]["by"], lines[1]["event"]["mood"], lines[2]["event"]["mood"]) == ("v9", "good", "bad")
    assert lines[3]["event"] == {"kind": "dreamt", "of": {"sheep": [1, None]}}
    assert [it.event.kind for it in fork.entries] == ["session_started", "forked"]


async def test_r58_a_known_kind_with_fields_that_do_not_fit_is_damage_and_not_the_future(tmp_path: Path) -> None:
    path = write_later_log(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"run": "r"', b'"ran": "r"'))
    with pytest.raises(LogError, match="Line 3"):
        await JsonlArchive(tmp_path, FakeClock()).open(ID)


def test_r60_a_lock_is_of_a_process_and_not_of_its_number(tmp_path: Path) -> None:
    """Where the kernel cannot lock, the note beside the log decides."""
    from claw_lsp.adapters.jsonl import lock

    files, path = FaultyFiles(), tmp_path / "x.jsonl"
    note = path.with_suffix(".lock")
    lock.take_by_note(files, path)
    holder = json.loads(note.read_bytes())
    with pytest.raises(SessionHeld, match=rf"process {holder['pid']}"):
        lock.take_by_note(files, path)
    for gone in ({"start": "1"}, {"boot": "another"}, {"pid": 2**22 + 1}):
        note.write_text(json.dumps(holder | gone))
        lock.take_by_note(files, path)
        assert json.loads(note.read_bytes()) == holder
    note.write_bytes(b"")
    lock.take_by_note(files, path)


async def test_r57_who_holds_a_session_is_said_and_the_note_goes_with_the_lock(tmp_path: Path) -> None:
    log = await JsonlArchive(tmp_path, FakeClock()).create(ID, "/w")
    note = Path(log.path).with_suffix(".lock")
    with pytest.raises(SessionHeld, match=rf"\(process {json.loads(note.read_bytes())['pid']}\)"):
        await JsonlArchive(tmp_path, FakeClock()).open(ID)
    log.close()
    assert not note.exists()
