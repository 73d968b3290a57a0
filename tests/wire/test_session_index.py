"""What lists show of sessions: kept beside each log, never believed against it; and how sessions are found and go."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.adapters.jsonl.archive import ALWAYS_KEPT
from claw_lsp.adapters.jsonl.index import Index
from claw_lsp.core.fold import fold
from claw_lsp.core.summary import Summary, summed
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.event import CallFinished, Entry, Event, ModelSpoke, SessionStarted, Steered, Titled, UserSpoke
from claw_lsp.facts.fault import LogError, SessionHeld
from claw_lsp.testing.fakes import FakeClock
from tests.wire.faulty_disk import FaultyFiles, read_only

DAY = 86_400.0
EDITED = Edited(path="/w/a", before="a", after="b")
EDIT = CallFinished(call_id="c", result=Result(content="", edited=(EDITED,)), recovered=True)


def spoke(text: str, prompt: str = "p") -> UserSpoke:
    return UserSpoke(run=prompt, prompt_id=prompt, text=text, blocks=({"type": "text", "text": text},))


def replied(text: str) -> ModelSpoke:
    return ModelSpoke(blocks=({"type": "text", "text": text},), stop_reason="end_turn")


EVENTS: tuple[Event, ...] = (
    SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()),
    spoke("  first words\nand more"),
    replied("Hello."),
    EDIT,
    spoke("second"),
    Titled(title="A title"),
    SessionStarted(session="s", cwd="/w", roots=("/w",), model="n", system="", tools=()),
    Titled(title=""),
)


def test_a_summary_of_a_part_and_then_the_rest_is_that_of_the_whole_and_agrees_with_the_state() -> None:
    entries = [Entry(n=n, at=float(n), event=it) for n, it in enumerate(EVENTS, 1)]
    for end in range(len(entries) + 1):
        whole = summed(entries[:end])
        for cut in range(end + 1):
            assert summed(entries[cut:end], summed(entries[:cut])) == whole
        state = fold(it.event for it in entries[:end])
        assert (whole.title, whole.model, whole.n_entries) == (state.title, state.model, end)
    assert summed(entries[:5]) == Summary(
        first_words="first words", model="m", updated=5.0, n_entries=5, n_turns=2, has_edits=True
    )


@pytest.mark.parametrize("n", [0, 60, 75])
def test_the_first_words_show_no_credential_and_no_half_of_one(n: int) -> None:
    key = "ghp_abcdefghijklmnopqrstuvwxyz012345"
    words = summed([Entry(n=1, at=1.0, event=spoke(f"{'x' * n} {key} and more"))]).first_words
    assert not any(key[:k] in words for k in range(4, len(key) + 1))


async def made(home: Path, *events: Event, folder: str = "/w", at: float = 1_000_000.0) -> Path:
    log = await JsonlArchive(home, FakeClock(at)).create(str(uuid4()), folder)
    for it in events:
        log.append(it)
    log.close()
    os.utime(log.path, (at, at))
    return Path(log.path)


def index_of(log: Path) -> Index:
    return Index.model_validate_json(log.with_suffix(".index").read_bytes())


async def titles(home: Path) -> list[str]:
    return [it.title for it in await JsonlArchive(home, FakeClock()).list("/w")]


async def test_a_list_writes_indexes_for_their_owner_alone_and_reads_no_log_again(tmp_path: Path) -> None:
    log = await made(tmp_path, *EVENTS[:2])
    assert await titles(tmp_path) == ["first words"]
    assert stat.S_IMODE(log.with_suffix(".index").stat().st_mode) == 0o600
    assert sorted(it.name for it in log.parent.iterdir()) == sorted([log.name, log.with_suffix(".index").name])
    # The middle of the log becomes nonsense in a way that size, time and ends do not tell: only the index can answer.
    long = await made(tmp_path, *EVENTS[:2], replied("x" * 4000), spoke("end " * 200))
    await titles(tmp_path)
    data, about = long.read_bytes(), long.stat()
    long.write_bytes(data.replace(b"x" * 4000, b'"' * 4000))
    os.utime(long, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert await titles(tmp_path) == ["first words", "first words"]


async def test_a_log_that_grew_is_read_only_where_it_grew(tmp_path: Path) -> None:
    log = await made(tmp_path, *EVENTS[:2], replied("x" * 4000), spoke("end " * 200))
    await titles(tmp_path)
    data = log.read_bytes()
    line = Entry(n=5, at=9.0, event=Titled(title="Grown")).model_dump_json().encode() + b"\n"
    log.write_bytes(data.replace(b"x" * 4000, b'"' * 4000) + line + b'{"n": 6, "torn')
    assert await titles(tmp_path) == ["Grown"]
    assert index_of(log).summary.n_entries == 5
    assert index_of(log).whole == len(data) + len(line)


async def test_an_index_that_is_missing_damaged_of_another_log_or_of_a_later_version_is_made_anew(
    tmp_path: Path,
) -> None:
    log = await made(tmp_path, *EVENTS[:2])
    other = await made(tmp_path, EVENTS[0], spoke("another log"))
    await titles(tmp_path)
    index, right = log.with_suffix(".index"), index_of(log)
    foreign = other.with_suffix(".index").read_bytes()
    wrong = Summary(title="wrong")
    forged = right.model_copy(update={"summary": wrong, "digest": "0"}).model_dump_json().encode()
    later = right.model_copy(update={"summary": wrong, "format": 99}).model_dump_json().encode()
    too_long = right.model_copy(update={"summary": wrong, "whole": 10**9}).model_dump_json().encode()
    for bad in (b"", b"{", b"[]", foreign, forged, later, too_long):
        index.write_bytes(bad)
        assert sorted(await titles(tmp_path)) == ["another log", "first words"]
        assert index_of(log) == right
    index.unlink()
    assert sorted(await titles(tmp_path)) == ["another log", "first words"]


async def test_r54_an_index_is_written_whole_or_not_at_all_and_lists_do_without(tmp_path: Path) -> None:
    log = await made(tmp_path, *EVENTS)
    for at in range(1, 10):
        files = FaultyFiles(at, read_only(), stays=True)
        assert [it.n_turns for it in await JsonlArchive(tmp_path, FakeClock(), files).list()] == [2]
        if log.with_suffix(".index").exists():
            assert index_of(log).summary.n_turns == 2
            break
    else:
        raise AssertionError("the index was never written")
    assert at > 2, "every call on the way was to fail once"


async def test_only_sessions_with_edits_that_nobody_holds_are_to_be_reviewed(tmp_path: Path) -> None:
    edited, _, held = [await made(tmp_path, *EVENTS[:n]) for n in (4, 2, 4)]
    await made(tmp_path, *EVENTS[:4], folder="/w/")
    archive = JsonlArchive(tmp_path, FakeClock())
    log, _, _ = await archive.open(held.stem)
    assert await archive.with_edits("/w", 20) == (edited.stem,)
    log.close()


async def test_words_are_found_in_what_was_said_whatever_their_case_newest_session_first(tmp_path: Path) -> None:
    old = await made(tmp_path, EVENTS[0], spoke("Where is the PARSER?", "p1"), replied("In a parser.py."), at=10.0)
    new = await made(tmp_path, EVENTS[0], spoke("x"), Steered(text="the parser!"), Titled(title="Parser"), at=20.0)
    await made(tmp_path, EVENTS[0], spoke("parser"), folder="/elsewhere")
    result = CallFinished(call_id="c", result=Result(content="the parser in a file"), recovered=True)
    await made(tmp_path, EVENTS[0], spoke("nothing of it"), result)
    found = await JsonlArchive(tmp_path, FakeClock()).search("parser", ["/w"])
    assert found.cut == ""
    told = [(it.session, [(one.who, one.prompt_id, one.excerpt) for one in some]) for it, some in found.sessions]
    assert told == [
        (new.stem, [("you", "p", "the parser!"), ("title", "p", "Parser")]),
        (old.stem, [("you", "p1", "Where is the PARSER?"), ("claude", "p1", "In a parser.py.")]),
    ]
    assert len((await JsonlArchive(tmp_path, FakeClock()).search("PARSER", ())).sessions) == 3


@pytest.mark.parametrize("words", ['say "so"', "back\\slash", "Über 🎉", "a\tb"])
async def test_words_that_json_writes_in_its_own_way_are_found_too(tmp_path: Path, words: str) -> None:
    await made(tmp_path, EVENTS[0], spoke(f"please {words.upper()}, now"))
    found = await JsonlArchive(tmp_path, FakeClock()).search(words, ["/w"])
    assert len(found.sessions) == 1


async def test_a_search_is_bounded_in_what_it_finds_and_says_what_it_left_out(tmp_path: Path) -> None:
    for _ in range(53):
        await made(tmp_path, EVENTS[0], *(spoke("needle " + "hay " * 100) for _ in range(9)))
    found = await JsonlArchive(tmp_path, FakeClock()).search("needle", ["/w"])
    assert (len(found.sessions), len(found.sessions[0][1])) == (50, 5)
    assert found.cut == "The 3 oldest sessions were not looked at."
    assert max(len(one.excerpt) for _, some in found.sessions for one in some) < 140


async def test_a_deleted_session_leaves_nothing_and_one_that_is_held_stays(tmp_path: Path) -> None:
    log, other = await made(tmp_path, *EVENTS), await made(tmp_path, *EVENTS)
    log.with_suffix(".partial").write_bytes(b"9\nsecret words")
    archive = JsonlArchive(tmp_path, FakeClock())
    await archive.list()
    held, _, _ = await archive.open(other.stem)
    with pytest.raises(SessionHeld, match="open in another editor"):
        await archive.delete(other.stem)
    held.close()
    await archive.delete(log.stem)
    assert [it.stem for it in log.parent.iterdir() if log.stem in it.name] == []
    assert other.exists()
    with pytest.raises(LogError, match="There is no session"):
        await archive.delete(log.stem)


async def test_a_session_that_cannot_be_deleted_is_told_and_can_be_deleted_again(tmp_path: Path) -> None:
    for at in range(1, 20):
        home = tmp_path / str(at)
        log = await made(home, *EVENTS)
        archive = JsonlArchive(home, FakeClock(), files := FaultyFiles(at, read_only(), stays=True))
        try:
            await archive.delete(log.stem)
        except LogError:
            files.heal()
            await archive.delete(log.stem)
        assert not log.exists()


async def test_r59_what_nobody_used_for_long_goes_once_a_day_and_never_what_is_held(tmp_path: Path) -> None:
    now = 100 * DAY
    old = await made(tmp_path, *EVENTS, at=now - 31 * DAY)
    held = await made(tmp_path, *EVENTS, at=now - 31 * DAY)
    young = await made(tmp_path, *EVENTS, at=now - 29 * DAY)
    clock = FakeClock(now)
    archive = JsonlArchive(tmp_path, clock)
    log, _, _ = await archive.open(held.stem)
    foreign = old.with_name("notes.jsonl")
    foreign.write_text("not ours")
    os.utime(foreign, (1, 1))
    assert await archive.expire(now - 30 * DAY) == (old.stem,)
    assert held.exists()
    assert young.exists()
    assert foreign.exists()
    log.close()
    os.utime(held, (now - 31 * DAY, now - 31 * DAY))
    clock.time += 0.9 * DAY
    assert await JsonlArchive(tmp_path, clock).expire(now - 30 * DAY) == (), "once a day, whoever asks"
    clock.time += 0.2 * DAY
    assert await archive.expire(now - 30 * DAY) == (held.stem,)
    assert young.exists()


async def test_r59_a_project_that_keeps_too_much_loses_what_was_used_longest_ago(tmp_path: Path) -> None:
    now = 100 * DAY
    logs = [await made(tmp_path, *EVENTS, at=now - n * DAY) for n in range(ALWAYS_KEPT + 4)]
    other = [await made(tmp_path, *EVENTS, folder="/other", at=now - n * DAY) for n in range(ALWAYS_KEPT)]
    size = logs[0].stat().st_size
    clock = FakeClock(now)
    archive = JsonlArchive(tmp_path, clock)
    held, _, _ = await archive.open(logs[-1].stem)
    os.utime(logs[-1], (now - 50 * DAY, now - 50 * DAY))
    room = size * (len(logs) - 2)
    assert await archive.trim(room) == (logs[-2].stem, logs[-3].stem), "the oldest that nobody has open"
    assert await archive.trim(0) == (), "once a day"
    held.close()
    clock.time += 1.1 * DAY
    assert await JsonlArchive(tmp_path, clock).trim(room) == (), "it fits"
    clock.time += 1.1 * DAY
    assert set(await archive.trim(0)) == {it.stem for it in (logs[-1], logs[-4])}, "never the last ones"
    assert [it.exists() for it in logs] == [True] * ALWAYS_KEPT + [False] * 4
    assert all(it.exists() for it in other)


async def test_r59_with_no_sessions_at_all_there_is_nothing_to_clean_up(tmp_path: Path) -> None:
    archive = JsonlArchive(tmp_path / "none", FakeClock())
    assert await archive.expire(1e12) == ()
    assert await archive.trim(0) == ()
