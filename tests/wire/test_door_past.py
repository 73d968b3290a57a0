"""Sessions of the past at the door: resumed, renamed, found, exported and deleted."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from uuid import uuid4

import pytest

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.facts.fault import LogError
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Json, Visit, edits, refused, visiting
from tests.wire.faulty_disk import FaultyFiles, full

NOWHERE = "11111111-2222-4333-8444-555555555555"


def logs_of(visit: Visit, session: str) -> list[Path]:
    return sorted((visit.home / "claw" / "projects").glob(f"*/{session}.*"))


def chat_text(visit: Visit, path: str) -> str:
    return visit.text(path) if path in visit.editor.paths() else Path(path).read_text("utf-8")


async def said_in_chat(visit: Visit, session: str, words: str) -> Json:
    """Send words from a session's chat document."""
    path = (await visit.command("claw.chat", session=session))["path"]
    if path not in visit.editor.paths():
        visit.editor.open(path, None, "markdown")
    end = len(visit.text(path))
    visit.editor.replace(path, end, end, words)
    return await visit.command("claw.send", uri=visit.uri(path))


@pytest.mark.parametrize("kept", [True, False], ids=["its file is there", "its file is gone"])
async def test_a_resumed_chat_is_the_same_text_byte_for_byte(tmp_path: Path, kept: bool) -> None:
    replies = (*edits(str(tmp_path / "ws" / "a.py"), "one", "two"), says("Done: *två* 🎉.\n\n- a\n- b"), says("Again."))
    async with visiting(tmp_path, *replies, auto="Allow") as visit:
        visit.open("a.py", "one\n", on_disk="one\n")
        begun = await visit.command("claw.chat", prompt="edit `it`\nplease")
        session, path = begun["session"], begun["path"]
        await visit.end(begun["run"])
        await visit.turn("claw.ask", session=session, prompt="and again")
        await visit.settle()
        before = chat_text(visit, path)
    if not kept:
        Path(path).unlink()
    async with visiting(tmp_path) as visit:
        answer = await visit.command("claw.resume", session=session)
        assert answer["session"] == session
        assert not kept or answer["path"] == path
        await visit.until(lambda: chat_text(visit, answer["path"]) == before)


async def test_a_session_is_resumed_by_how_its_id_begins_and_goes_on(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi Ada.")) as visit:
        begun = await visit.turn("claw.ask", prompt="I am Ada")
    async with visiting(tmp_path, says("Ada.")) as visit:
        answer = await visit.command("claw.resume", session=begun["session"][:8])
        assert answer["session"] == begun["session"]
        assert visit.requested("window/showDocument")[-1]["uri"].endswith(".md")
        await visit.turn("claw.ask", session=answer["session"], prompt="who am I?")
        assert "I am Ada" in str(visit.model.requests[-1].messages)


@pytest.mark.parametrize("command", ["claw.resume", "claw.delete", "claw.export", "claw.rename"])
@pytest.mark.parametrize("named", ["no-id", NOWHERE])
async def test_a_session_that_is_not_there_is_named_as_the_field(tmp_path: Path, command: str, named: str) -> None:
    async with visiting(tmp_path) as visit:
        more = {"title": "x"} if command == "claw.rename" else {}
        error = await refused(visit, command, session=named, **more)
        assert str(error).startswith("-32602: session: ")
        assert named in str(error)


async def test_a_title_is_given_by_command_and_from_the_chat_and_lists_show_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        begun = await visit.turn("claw.ask", prompt="hello")
        session = begun["session"]
        renamed = await visit.command("claw.rename", session=session, title="  The\nfirst ")
        assert renamed["title"] == "The ⏎ first"
        assert [it["title"] for it in (await visit.command("claw.sessions"))["sessions"]] == ["The ⏎ first"]
        answer = await said_in_chat(visit, session, "/rename Parser, at last")
        assert answer["text"] == "This session is called `Parser, at last`."
        assert [it["title"] for it in (await visit.command("claw.sessions"))["sessions"]] == ["Parser, at last"]
        assert "title: expected a few words" in str(await refused(visit, "claw.rename", session=session))


async def test_words_are_found_in_earlier_sessions_with_the_way_back_to_them(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("It is a Lexer."), says("No.")) as visit:
        first = await visit.turn("claw.ask", prompt="what is this?")
        await visit.turn("claw.ask", prompt="something else")
        found = await visit.command("claw.search", text="lexer")
        assert [(it["session"], it["title"]) for it in found["sessions"]] == [(first["session"], "what is this?")]
        assert [it["who"] for it in found["sessions"][0]["passages"]] == ["claude"]
        assert f"/resume {first['session']}" in found["text"]
        assert "Nobody said `unheard of`" in (await visit.command("claw.search", text="unheard of"))["text"]
        assert "text: " in str(await refused(visit, "claw.search"))


@pytest.mark.parametrize(("format_", "ending"), [("markdown", ".md"), ("html", ".html"), ("json", ".json")])
async def test_a_session_is_exported_from_its_chat_for_its_owner_alone(
    tmp_path: Path, format_: str, ending: str
) -> None:
    async with visiting(tmp_path, says("Hi Ada.")) as visit:
        session = (await visit.turn("claw.ask", prompt="I am Ada"))["session"]
        answer = await said_in_chat(visit, session, f"/export {format_}")
        path = Path(answer["text"].split("`")[1])
        assert (path.parent, path.suffix) == (visit.home / "claw" / "exports", ending)
        assert path.stat().st_mode & 0o777 == 0o600
        assert "Hi Ada." in path.read_text("utf-8")
        direct = await visit.command("claw.export", session=session, format=format_)
        assert (direct["path"], direct["shown"]) == (str(path), True)
    if format_ == "json":
        assert json.loads(path.read_text("utf-8"))["session"] == session


async def test_a_session_is_deleted_only_by_a_yes_and_takes_its_chat_along(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        begun = await visit.command("claw.chat", prompt="hello")
        session, path = begun["session"], begun["path"]
        await visit.end(begun["run"])
        await visit.settle()
        visit.editor.close(path)
        await visit.until(lambda: Path(path).is_file())
        asked = await visit.command("claw.delete", session=session)
        assert (await visit.command("claw.delete", session=session))["question"] == asked["question"], "once at a time"
        box = await visit.box()
        assert box.titles == ["Keep it", "Delete it"]
        box.pick("Keep it")
        await visit.until(lambda: not visit.server.door.questions.pending)  # type: ignore[union-attr]
        assert logs_of(visit, session)
        await visit.command("claw.delete", session=session)
        (await visit.box(1)).pick("Delete it")
        await visit.until(lambda: not logs_of(visit, session))
        await visit.until(lambda: not Path(path).exists())
        await visit.settle()
        assert any("was deleted" in it["message"] for it in visit.messages)
        assert (await visit.command("claw.sessions"))["sessions"] == []
        assert "There is no session" in str(await refused(visit, "claw.resume", session=session))


async def test_a_session_in_which_a_turn_runs_is_not_deleted(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("", ("c1", "Bash", {"command": "touch x"})), says("Done.")) as visit:
        begun = await visit.command("claw.ask", prompt="go")
        await visit.box()
        error = await refused(visit, "claw.delete", session=begun["session"])
        assert "a turn is running" in str(error)
        visit.boxes[0].pick("Deny")
        await visit.end(begun["run"])
        assert logs_of(visit, begun["session"])


async def test_a_turn_that_began_behind_the_question_keeps_its_session(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi."), says("", ("c1", "Bash", {"command": "touch x"}))) as visit:
        session = (await visit.turn("claw.ask", prompt="hello"))["session"]
        asked = await visit.command("claw.delete", session=session)
        begun = await visit.command("claw.ask", session=session, prompt="go")
        await visit.asked(2)
        await visit.command("claw.answer", question=asked["question"], choice="once")
        await visit.until(lambda: visit.hear() or any("was not deleted" in it["message"] for it in visit.messages))
        assert logs_of(visit, session)
        await visit.command("claw.stop", run=begun["run"])
        await visit.end(begun["run"])


async def cleaned_up(visit: Visit) -> None:
    """Wait until the server has looked for old sessions."""
    await visit.settle()
    cleaning = [it for it in asyncio.all_tasks() if it.get_name() == "deleting sessions that nobody used for long"]
    await asyncio.gather(*cleaning)


@pytest.mark.parametrize(("days", "left"), [(None, 0), (40, 1), (0, 1)])
async def test_r59_a_server_deletes_what_nobody_used_for_long_unless_that_is_off(
    tmp_path: Path, days: int | None, left: int
) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        session = (await visit.turn("claw.ask", prompt="hello"))["session"]
    (log,) = (it for it in logs_of(visit, session) if it.suffix == ".jsonl")
    month_ago = log.stat().st_mtime - 31 * 86_400
    os.utime(log, (month_ago, month_ago))
    (log.parent.parent / ".expired").unlink(missing_ok=True)
    if days is not None:
        (visit.home / "claw" / "settings.json").write_text(json.dumps({"cleanupPeriodDays": days}))
    hostile = {"initializationOptions": {"claw": {"cleanupPeriodDays": 1 if left else 9999}}}
    async with visiting(tmp_path, introduction=hostile) as visit:
        await cleaned_up(visit)
        assert log.exists() == bool(left)


async def test_r59_what_a_project_keeps_too_much_of_goes_and_the_person_is_told(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        session = (await visit.turn("claw.ask", prompt="hello"))["session"]
        (log,) = (it for it in logs_of(visit, session) if it.suffix == ".jsonl")
        (log.parent.parent / ".trimmed").unlink(missing_ok=True)
    much = json.dumps({"n": 90, "at": 1.0, "event": {"kind": "noted", "text": "x" * 200_000}}).encode() + b"\n"
    old = [log.with_name(f"{uuid4()}.jsonl") for _ in range(13)]
    for n, it in enumerate(old, 1):
        it.write_bytes(log.read_bytes() + much)
        os.utime(it, (log.stat().st_mtime - n * 60,) * 2)
    (visit.home / "claw" / "settings.json").write_text(json.dumps({"maxSessionMegabytes": 2}))
    async with visiting(tmp_path) as visit:
        await cleaned_up(visit)
        await visit.settle()
        said = [it["message"] for it in visit.messages]
    assert [it.exists() for it in old] == [True] * 9 + [False] * 4
    assert log.exists()
    assert said == ["Claw: 4 old sessions deleted, the oldest: a project keeps 2 MB of them (`maxSessionMegabytes`)."]


async def test_a_session_whose_first_fact_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        await cleaned_up(visit)
        n_begun = 0
        door = visit.server.door
        assert door is not None
        for at in range(1, 12):
            archive = JsonlArchive(visit.home / "claw", SystemClock(), FaultyFiles(at, full()))
            door.house.sessions._archive = archive  # type: ignore[attr-defined]
            try:
                (await door.session_for(None, None, None, None)).log.close()
                n_begun += 1
            except LogError:
                continue
        assert 11 - n_begun >= 4, "at least the folder, the file, its header and the first fact can fail"
        assert len(list((visit.home / "claw" / "projects").glob("*/*.jsonl"))) == n_begun
