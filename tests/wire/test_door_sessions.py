"""Sessions at the door: which one a command means, how long its log is held, where it lives."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.sessions import HELD, Sessions
from claw_lsp.facts.event import SessionStarted, Titled, UserSpoke
from claw_lsp.facts.fault import SessionHeld
from claw_lsp.facts.rule import Mode
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Json, Visit, edits, refused, visiting

NO_FOLDER: Json = {"rootUri": None, "rootPath": None, "workspaceFolders": None}


def open_logs() -> int:
    """How many session logs this process holds open."""
    found = 0
    for it in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{it}").endswith(".jsonl")
        except OSError:
            continue
    return found


def logs(visit: Visit) -> JsonlArchive:
    """The logs, as another process would open them: a lock is held against other descriptors, our own too."""
    return JsonlArchive(visit.home / "claw", SystemClock())


async def test_logs_of_idle_sessions_are_let_go_and_taken_again(tmp_path: Path) -> None:
    n = HELD + 4
    async with visiting(tmp_path, *(says(f"Reply {it}.") for it in range(n + 1))) as visit:
        before = open_logs()
        begun = [await visit.turn("claw.ask", prompt=f"question {it}") for it in range(n)]
        assert open_logs() - before <= HELD + 1
        first = begun[0]["session"]
        elsewhere, _, _ = await logs(visit).open(first)
        elsewhere.append(Titled(title="Named elsewhere"))
        elsewhere.close()
        await visit.turn("claw.ask", prompt="and on", session=first)
        assert "question 0" in str(visit.model.requests[-1].messages)
        assert "title" in " ".join(visit.kinds(first))
        assert open_logs() - before <= HELD + 1


async def opening(id_: str, home: Home, chosen: Chosen) -> SessionStarted:
    return SessionStarted(session=id_, cwd=home.folder, roots=home.roots, model="m", system="s", tools=())


async def asking(folder: str) -> Mode:
    return Mode.DEFAULT


async def test_the_log_of_a_session_whose_turn_runs_is_never_let_go(tmp_path: Path) -> None:
    home = Home("/w", ("/w",))
    sessions = Sessions(JsonlArchive(tmp_path, SystemClock()), opening, asking)
    busy = await sessions.start(home, Chosen())
    busy.begin(UserSpoke(run="r", prompt_id="p", text="go", blocks=({"type": "text", "text": "go"},)))
    later = [await sessions.start(home, Chosen()) for _ in range(HELD + 1)]
    assert busy.log.held
    assert [it.log.held for it in later] == [False, *[True] * HELD]
    assert await sessions.look(busy.id) is busy
    sessions.close()


async def test_a_session_looked_for_twice_at_once_is_one_object(tmp_path: Path) -> None:
    earlier = Sessions(JsonlArchive(tmp_path, SystemClock()), opening, asking)
    id_ = (await earlier.start(Home("/w", ("/w",)), Chosen())).id
    earlier.close()
    sessions = Sessions(JsonlArchive(tmp_path, SystemClock()), opening, asking)
    one, other = await asyncio.gather(sessions.look(id_), sessions.resume(id_))
    assert one is other
    sessions.close()


async def test_a_log_that_was_let_go_is_written_again_unless_somebody_else_went_on(tmp_path: Path) -> None:
    archive = JsonlArchive(tmp_path, SystemClock())
    id_ = "11111111-2222-4333-8444-555555555555"
    log = await archive.create(id_, "/w")
    log.close()
    assert not log.held
    log.append(Titled(title="one"))
    log.close()
    other, entries, _ = await archive.open(id_)
    assert [it.n for it in entries] == [1]
    with pytest.raises(SessionHeld, match="open in another editor"):
        log.append(Titled(title="two"))
    other.append(Titled(title="three"))
    other.close()
    with pytest.raises(SessionHeld, match="went on in another editor"):
        log.append(Titled(title="two"))
    assert not log.held


async def test_with_no_folder_open_nothing_is_read_unasked_and_the_chat_is_kept_aside(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "diary.txt").write_text("dear diary\n")
    reading = says("", ("c1", "Read", {"file_path": str(home / "diary.txt")}))
    async with visiting(tmp_path, reading, says("No."), introduction=NO_FOLDER, auto="Deny") as visit:
        begun = await visit.turn("claw.ask", prompt="read it")
        assert len(visit.boxes) == 1
        assert "dear diary" not in visit.model.results()
        assert "workspace folder" not in str(visit.model.requests[0].messages[0])
        shown = await visit.command("claw.chat", session=begun["session"])
        assert shown["path"].startswith(str(home / "claw" / "chats"))


async def test_clear_keeps_what_was_chosen_and_tells_of_the_editor_again(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi."), says("Ho.")) as visit:
        begun = await visit.turn("claw.ask", prompt="my name is Ada", mode="acceptEdits")
        session = begun["session"]
        await visit.command("claw.model", model="sonnet")
        await visit.command("claw.effort", effort="high")
        visit.write("CLAW.md", "Say Ho.")
        await visit.command("claw.clear", session=session)
        await visit.turn("claw.ask", prompt="and?", session=session)
        request = visit.model.requests[-1]
        said = str(request.messages)
        assert (request.model, request.effort) == ("claude-sonnet-5-5", "high")
        assert (await visit.command("claw.status", session=session))["mode"] == "acceptEdits"
        assert "Ada" not in said
        assert "- editor: memory" in said
        assert "Say Ho." in said
        assert "acceptEdits" in said


async def test_the_differences_are_those_of_the_session_that_is_named_and_looking_changes_nothing(
    tmp_path: Path,
) -> None:
    replies = (*edits(str(tmp_path / "ws" / "a.py"), "one", "two"), says("Done."), says("Hi."))
    async with visiting(tmp_path, *replies, auto="Allow") as visit:
        visit.open("a.py", "one\n", on_disk="one\n")
        first = await visit.turn("claw.ask", prompt="edit it")
        second = await visit.turn("claw.ask", prompt="hello")
        assert (await visit.command("claw.diff"))["diff"] == ""
        assert "+two" in (await visit.command("claw.diff", session=first["session"]))["diff"]
        for name in ("claw.cost", "claw.status"):
            assert (await visit.command(name, session=first["session"]))["session"] == first["session"]
            assert (await visit.command(name))["session"] == second["session"]


async def test_slash_diff_is_about_the_chat_it_stands_in(tmp_path: Path) -> None:
    replies = (*edits(str(tmp_path / "ws" / "a.py"), "one", "two"), says("Done."), says("Hi."))
    async with visiting(tmp_path, *replies, auto="Allow") as visit:
        visit.open("a.py", "one\n", on_disk="one\n")
        first = await visit.turn("claw.ask", prompt="edit it")
        chat = (await visit.command("claw.chat", session=first["session"]))["path"]
        await visit.turn("claw.ask", prompt="hello")
        text = Path(chat).read_text() if chat not in visit.editor.paths() else visit.text(chat)
        if chat not in visit.editor.paths():
            visit.editor.open(chat, None, "markdown")
        end = len(text)
        visit.editor.replace(chat, end, end, "/diff")
        answer = await visit.command("claw.send", uri=visit.uri(chat))
        assert "+two" in answer["text"]


@pytest.mark.parametrize("base", ["HEAD", "nosuch"])
async def test_a_review_of_what_git_cannot_tell_is_an_error_and_asks_no_model(tmp_path: Path, base: str) -> None:
    async with visiting(tmp_path) as visit:
        error = await refused(visit, "claw.review", base=base)
        assert "is in no git repository" in str(error)
        assert visit.model.requests == []


async def test_slash_diff_git_without_a_repository_says_so(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        await visit.turn("claw.ask", prompt="hello")
        assert "is in no git repository" in str(await refused(visit, "claw.diff", uri="git"))


@pytest.mark.parametrize("named", ["no-id", "11111111-2222-4333-8444-555555555555"])
@pytest.mark.parametrize(
    ("command", "arguments"),
    [("claw.ask", {"prompt": "x"}), ("claw.status", {}), ("claw.cost", {}), ("claw.diff", {}), ("claw.mode", {})],
)
async def test_a_session_that_is_not_there_is_named_as_the_field_that_is_wrong(
    tmp_path: Path, command: str, arguments: dict[str, Any], named: str
) -> None:
    async with visiting(tmp_path) as visit:
        error = await refused(visit, command, session=named, **arguments)
        assert error.code == -32602
        assert str(error).startswith("-32602: session: ")
        assert named in str(error)


async def test_the_cost_is_told_by_model_and_adds_up(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi."), says("Ho."), says("He.")) as visit:
        begun = await visit.turn("claw.ask", prompt="hello")
        for model in ("haiku", "llama-of-mine"):
            before = await visit.command("claw.cost")
            assert sum(before["costs"].values()) == pytest.approx(before["cost"])
            await visit.command("claw.model", model=model)
            await visit.turn("claw.ask", prompt="and?", session=begun["session"])
        answer = await visit.command("claw.cost")
        assert list(answer["costs"]) == ["claude-opus-5-5", "claude-haiku-5-5", "llama-of-mine"]
        assert answer["costs"]["claude-opus-5-5"] > answer["costs"]["claude-haiku-5-5"] > 0
        assert answer["costs"]["llama-of-mine"] is None
        assert "- claude-opus-5-5: $" in answer["text"]


async def test_a_session_that_another_process_holds_is_told_and_a_fresh_one_stands_in_for_it(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        door = visit.server.door
        assert door is not None
        held = await logs(visit).create("11111111-2222-4333-8444-555555555555", str(visit.root))
        error = await refused(visit, "claw.ask", prompt="x", session="11111111-2222-4333-8444-555555555555")
        assert "open in another editor or terminal" in str(error)
        fresh = await door.resume_or_start("11111111-2222-4333-8444-555555555555", None)
        assert fresh.id != "11111111-2222-4333-8444-555555555555"
        held.close()


async def test_the_cost_is_told_by_model_tool_and_turn_and_adds_up(tmp_path: Path) -> None:
    reads = says("", ("c1", "Read", {"file_path": "a.txt"}), ("c2", "Read", {"file_path": "none.txt"}))
    async with visiting(tmp_path, reads, says("It says a."), says("Nothing.")) as visit:
        visit.open("a.txt", "a\n" * 400)
        first = await visit.turn("claw.ask", prompt="read `a`")
        await visit.turn("claw.ask", prompt="and now", session=first["session"])
        found = await visit.command("claw.cost")
        assert found["cost"] == pytest.approx(sum(found["costs"].values()))
        assert found["cost"] == pytest.approx(sum(it["cost"] for it in found["turns"]))
        assert [(it["title"], it["n_replies"]) for it in found["turns"]] == [("read `a`", 2), ("and now", 1)]
        read = found["tools"]["Read"]
        assert (read["n_calls"], read["n_failed"], read["cost"]) == (2, 1, 0.0)
        assert read["tokens"] > 200
        shown = await asyncio.to_thread(Path(found["path"]).read_text)
        assert shown.startswith("# What it cost")
        chart = shown[shown.index("```text") :].splitlines()[1:-1]
        assert [it.split("  ")[-1] for it in chart] == ["read 'a'", "and now"]
        assert chart[0].count("█") == 24
        assert 10 <= chart[1].count("█") <= 14
