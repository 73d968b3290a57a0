"""Session logs on disk: whole lines only, one writer, nothing lost, nothing others can read."""

from __future__ import annotations

import os
import resource
import signal
import stat
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.core.fold import fold
from claw_lsp.core.policy.notes import slug
from claw_lsp.facts.event import Entry, ModelSpoke, Noted, SessionStarted, Titled, UserSpoke
from claw_lsp.facts.fault import LogError
from claw_lsp.testing.fakes import FakeClock

STARTED = SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="be good", tools=())
SPOKE = UserSpoke(run="r", prompt_id="p", text="fix it\nplease", blocks=({"type": "text", "text": "fix it"},))


def archive(folder: Path) -> JsonlArchive:
    return JsonlArchive(folder, FakeClock())


async def test_what_was_appended_is_read_back_with_number_and_time(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    written = [log.append(STARTED), log.append(SPOKE, durable=True), log.append(Noted(text="émoji 🎉 \u2028"))]
    log.close()
    again, entries, partial = await archive(tmp_path).open(id_)
    assert list(entries) == written
    assert [it.n for it in entries] == [1, 2, 3]
    assert partial == ""
    assert again.append(Titled(title="t")).n == 4
    again.close()


async def test_only_what_must_be_durable_waits_for_the_disk(tmp_path: Path) -> None:
    log = await archive(tmp_path).create(str(uuid4()), "/w")
    synced: list[str] = []

    def note(frame: object, what: str, called: object) -> None:
        if what == "c_call" and called is os.fsync:
            synced.append("fsync")

    sys.setprofile(note)
    try:
        log.append(STARTED)
        assert synced == []
        log.append(SPOKE, durable=True)
    finally:
        sys.setprofile(None)
    assert synced == ["fsync"] * 3, "the log, and once the two folders that name it"
    sys.setprofile(note)
    try:
        log.append(SPOKE, durable=True)
    finally:
        sys.setprofile(None)
    assert synced == ["fsync"] * 4
    log.close()


async def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        log = await archive(tmp_path).create(str(uuid4()), "/w")
        log.keep("shown")
    finally:
        os.umask(old)
    path = Path(log.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_suffix(".partial").stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    log.close()


async def test_a_second_writer_gets_a_clear_refusal(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    with pytest.raises(LogError, match="open in another editor"):
        await archive(tmp_path).open(id_)
    log.append(STARTED)
    assert [it.event.kind for it in await archive(tmp_path).read(id_)] == ["session_started"]
    log.close()
    again, _, _ = await archive(tmp_path).open(id_)
    again.close()


async def test_r55_a_log_cut_at_every_byte_keeps_every_whole_line_and_goes_on(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    entries = [log.append(STARTED), log.append(SPOKE), log.append(Noted(text="ü"))]
    path = Path(log.path)
    log.close()
    data = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(ends[0], len(data)):
        path.write_bytes(data[:cut])
        again, kept, _ = await archive(tmp_path).open(id_)
        whole = sum(end <= cut for end in ends) - 1
        assert list(kept) == entries[:whole]
        again.append(Titled(title="after"))
        again.close()
        assert len(await archive(tmp_path).read(id_)) == whole + 1


async def test_streamed_text_survives_until_its_fact_is_written_and_is_never_doubled(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    log.append(STARTED)
    log.append(SPOKE)
    log.keep("Hello ")
    log.keep("wörld")
    partial_path = Path(log.path).with_suffix(".partial")
    kept = partial_path.read_bytes()
    os.close(os.dup(0))  # the process would die here: nothing is closed
    log2 = await reopened_as_if_killed(tmp_path, log, id_)
    assert log2[2] == "Hello wörld"
    log2[0].append(ModelSpoke(blocks=({"type": "text", "text": "Hello wörld"},)))
    partial_path.write_bytes(kept)  # killed between the fact and the emptying
    log3 = await reopened_as_if_killed(tmp_path, log2[0], id_)
    assert log3[2] == ""
    log3[0].close()


async def test_the_text_of_a_reply_is_kept_after_the_replies_before_it(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    log.append(STARTED)
    log.append(SPOKE)
    log.keep("First, and ")
    log.append(ModelSpoke(blocks=({"type": "text", "text": "First, and finished."},)))
    log.keep("Second")
    again, _, partial = await reopened_as_if_killed(tmp_path, log, id_)
    assert partial == "Second"
    again.close()


async def reopened_as_if_killed(folder: Path, log: object, id_: str):
    """A kill -9 releases the lock and nothing else."""
    os.close(log._descriptor)  # type: ignore[attr-defined]
    return await archive(folder).open(id_)


async def test_folders_whose_names_are_written_alike_keep_their_sessions_apart(tmp_path: Path) -> None:
    one, other = str(uuid4()), str(uuid4())
    for id_, folder in ((one, "/w/a-b"), (other, "/w/a/b")):
        (await archive(tmp_path).create(id_, folder)).close()
    assert slug("/w/a-b") == slug("/w/a/b")
    assert [it.session for it in await archive(tmp_path).list("/w/a-b")] == [one]
    assert {it.session for it in await archive(tmp_path).list()} == {one, other}


async def test_r56_a_full_disk_is_told_and_the_log_stays_whole(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    log.append(STARTED)
    size = Path(log.path).stat().st_size
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        with pytest.raises(LogError, match="cannot be written"):
            log.append(Noted(text="x" * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert Path(log.path).stat().st_size == size
    assert log.append(Noted(text="there is room again")).n == 2
    log.close()
    assert len(await archive(tmp_path).read(id_)) == 2


@pytest.mark.parametrize("bad", ["../../etc/passwd", "x; touch p", "", "A" * 36, "{0}", "*"])
async def test_c23_only_uuids_reach_a_path(tmp_path: Path, bad: str) -> None:
    with pytest.raises(LogError, match="no session id"):
        await archive(tmp_path).open(bad)


async def test_r58_a_newer_format_and_a_damaged_line_are_told_and_left_alone(tmp_path: Path) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    log.append(STARTED)
    log.append(SPOKE)
    path = Path(log.path)
    log.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0].replace(b'"format": 1', b'"format": 99') + b"".join(lines[1:]))
    with pytest.raises(LogError, match="newer claw-lsp"):
        await archive(tmp_path).open(id_)
    path.write_bytes(lines[0] + b"{broken}\n" + lines[2])
    with pytest.raises(LogError, match="Line 2"):
        await archive(tmp_path).open(id_)
    assert path.read_bytes().count(b"\n") == 3
    assert await archive(tmp_path).list() == ()


async def test_lists_show_titles_newest_first_and_only_of_one_folder(tmp_path: Path) -> None:
    clock = FakeClock()
    store = JsonlArchive(tmp_path, clock)
    for number, folder in enumerate(["/w", "/w", "/other"]):
        log = await store.create(str(uuid4()), folder)
        log.append(STARTED)
        log.append(SPOKE)
        if number:
            log.append(Titled(title=f"title {number}"))
        log.close()
        clock.time += 10
    assert [it.title for it in await store.list("/w")] == ["title 1", "fix it"]
    assert len(await store.list()) == 3


def test_a_slug_is_one_name_and_long_folders_keep_their_end() -> None:
    assert slug("/home/u/my project") == "-home-u-my-project"
    assert len(slug("/x" * 300)) == 200


@given(st.text(alphabet=st.characters(exclude_categories=())))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_r18_any_text_even_half_a_character_survives(tmp_path: Path, text: str) -> None:
    id_ = str(uuid4())
    log = await archive(tmp_path).create(id_, "/w")
    log.append(STARTED)
    log.append(Noted(text=text))
    log.close()
    entries: tuple[Entry, ...] = await archive(tmp_path).read(id_)
    assert entries[1].event == Noted(text=text)
    assert fold(it.event for it in entries).pending[-1]["text"] == text
