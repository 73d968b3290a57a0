"""A chat document and its session through the whole door: what is sent while a turn runs, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, refused, visiting, waits

from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.writer import render
from claw_lsp.facts.event import UserSpoke
from claw_lsp.facts.request import Request
from claw_lsp.testing.scripted_model import says


async def chat(visit: Visit) -> tuple[str, str]:
    """An open chat, with its session."""
    opened = await visit.command("claw.chat")
    return opened["path"], opened["session"]


def writes(visit: Visit, path: str, words: str) -> None:
    visit.editor.type(path, len(visit.text(path)), words)
    # Some tell of changes late, but before they ask for anything.
    visit.editor.flush()


async def sends(visit: Visit, path: str, words: str) -> dict[str, Any]:
    number = parse(visit.text(path)).number
    writes(visit, path, words)
    answer = await visit.command("claw.send", uri=visit.uri(path))
    await visit.until(lambda: parse(visit.text(path)).number > number)
    return answer


def said(request: Request) -> list[str]:
    """The texts of the last message."""
    return [it["text"] for it in request.messages[-1]["content"] if it["type"] == "text"]


async def test_a_prompt_sent_while_a_turn_runs_steers_it(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    async with visiting(tmp_path, waits("Looking.", event=goes_on), says("Both are done.")) as visit:
        path, session = await chat(visit)
        begun = await sends(visit, path, "mend a")
        await visit.until(lambda: "Looking." in visit.text(path))
        assert await sends(visit, path, "and b") == {"session": session, "run": begun["run"], "steered": True}
        goes_on.set()
        assert (await visit.end(begun["run"]))["text"] == "Both are done."
        assert said(visit.model.requests[1]) == ["and b"]
        assert visit.kinds(session)[-5:] == ["user_spoke", "steered", "model_spoke", "model_spoke", "turn_ended"]
        await visit.until(lambda: visit.text(path) == render(visit.log(session)))


async def test_what_a_stopped_turn_had_not_read_begins_the_next_by_itself(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking."), says("This instead.")) as visit:
        path, session = await chat(visit)
        begun = await sends(visit, path, "mend a")
        await visit.until(lambda: "Looking." in visit.text(path))
        await sends(visit, path, "no, b")
        await visit.command("claw.stop", run=begun["run"])
        await visit.until(lambda: visit.kinds(session).count("turn_ended") == 2)
        assert said(visit.model.requests[1])[-1].startswith("[The turn ended before you read")
        assert "no, b" in str(visit.model.requests[1].messages)
        await visit.until(lambda: visit.text(path) == render(visit.log(session)))
        assert visit.text(path).count("no, b") == 1


async def test_what_was_steered_by_command_and_not_read_is_not_lost_either(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking."), says("Yes.")) as visit:
        begun = await visit.command("claw.ask", prompt="mend a")
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.steer", run=begun["run"], prompt="and b")
        await visit.command("claw.stop", run=begun["run"])
        await visit.until(lambda: visit.kinds(begun["session"]).count("turn_ended") == 2)
        assert visit.log(begun["session"])[-3].event.text == "and b"


async def test_words_that_no_request_held_wait_while_the_connection_ends(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Looking.")) as visit:
        begun = await visit.command("claw.ask", prompt="mend a")
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.steer", run=begun["run"], prompt="and b")
        door = visit.server.door
        assert door is not None
        session = door.house.sessions.opened[begun["session"]]
    assert [it.event.kind for it in session.entries].count("user_spoke") == 1
    assert session.state.unread == ("and b",)


# ---- forks ----------------------------------------------------------------------------------------------------------


async def two_turns(visit: Visit) -> tuple[str, str]:
    """A chat with two answered prompts."""
    path, session = await chat(visit)
    for words in ("mend a", "mend b"):
        await visit.end((await sends(visit, path, words))["run"])
    await visit.until(lambda: visit.text(path) == render(visit.log(session)))
    return path, session


def edits(visit: Visit, path: str, old: str, new: str) -> None:
    at = visit.text(path).index(old)
    visit.editor.replace(path, at, at + len(old), new)


def prompts(visit: Visit, session: str) -> list[str]:
    return [it.event.prompt_id for it in visit.log(session) if isinstance(it.event, UserSpoke)]


async def lenses(visit: Visit, path: str) -> list[tuple[int, str, dict]]:
    found = await visit.request("textDocument/codeLens", {"textDocument": {"uri": visit.uri(path)}})
    return [(it["range"]["start"]["line"], it["command"]["title"], it["command"]) for it in found]


async def test_an_edited_prompt_that_is_sent_forks_the_session_there(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A is mended."), says("B is mended."), says("C is mended.")) as visit:
        path, session = await two_turns(visit)
        before, log = visit.text(path), list(visit.log(session))
        edits(visit, path, "mend b", "mend c instead")
        titles = [title for _, title, _ in await lenses(visit, path)]
        assert titles == ["Send", "Fork from here", "Rewind to here", "Retry", "Send as a fork", "Rewind to here"]
        answer = await visit.command("claw.send", uri=visit.uri(path))
        assert answer["session"] != session and answer["path"] != path
        assert (await visit.end(answer["run"]))["text"] == "C is mended."
        asked = str(visit.model.requests[2].messages)
        assert "A is mended." in asked and "mend c instead" in asked and "mend b" not in asked
        await visit.until(lambda: visit.text(path) == before)
        assert visit.log(session) == log
        other = answer["path"]
        await visit.until(lambda: visit.text(other) == render(visit.log(answer["session"])))
        assert session in visit.text(other)


async def test_a_fork_is_a_log_of_its_own_that_says_where_it_is_from(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A is mended."), says("B is mended.")) as visit:
        _, session = await two_turns(visit)
        first, second = prompts(visit, session)
        answer = await visit.command("claw.fork", session=session, at=second)
        assert parse(visit.text(answer["path"])).words == "mend b"
        log = Path(next((visit.home / "claw" / "projects").glob(f"*/{answer['session']}.jsonl")))
        header, *lines = [json.loads(it) for it in log.read_text().splitlines()]
        assert header["forked_from"] == session
        assert [it["n"] for it in lines] == list(range(1, len(lines) + 1))
        assert lines[-1]["event"] | {"origin": session, "prompt_id": second} == lines[-1]["event"]
        whole = await visit.command("claw.fork", session=session)
        assert prompts(visit, whole["session"]) == [first, second]
        assert "at: expected the id of a prompt" in str(
            await refused(visit, "claw.fork", session=session, at="nothing")
        )


async def test_a_fork_while_the_turn_runs_has_the_turns_that_ended(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A is mended."), waits("Looking.")) as visit:
        path, session = await chat(visit)
        await visit.end((await sends(visit, path, "mend a"))["run"])
        await sends(visit, path, "mend b")
        await visit.until(lambda: "Looking." in visit.text(path))
        forked = await visit.command("claw.fork", session=session)
        assert prompts(visit, forked["session"]) == prompts(visit, session)[:1]
        assert "Looking." not in visit.text(forked["path"])


async def test_the_fork_does_not_review_what_the_other_changed(tmp_path: Path) -> None:
    edit = ("c1", "Edit", {"file_path": "a.py", "old_string": "x = 1", "new_string": "x = 2"})
    async with visiting(tmp_path, says("", edit), says("Done."), auto="Allow once") as visit:
        visit.open("a.py", on_disk="x = 1\n")
        ended = await visit.turn("claw.ask", prompt="mend @a.py")
        await visit.command("claw.fork", session=ended["session"])
        assert len((await visit.command("claw.hunks"))["hunks"]) == 1


async def test_where_the_cursor_is_in_an_edited_prompt_that_is_sent(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A."), says("B."), says("A again.")) as visit:
        path, _ = await two_turns(visit)
        edits(visit, path, "mend a", "mend a well")
        edits(visit, path, "mend b", "mend b well")
        writes(visit, path, "and a draft")
        at = visit.editor.range(path, visit.text(path).index("a well"), visit.text(path).index("a well"))
        answer = await visit.command("claw.send", uri=visit.uri(path), range=at)
        await visit.end(answer["run"])
        assert "mend a well" in str(visit.model.requests[2].messages)
        await visit.until(lambda: "mend a\n" in visit.text(path))
        assert "mend b well" in visit.text(path)
        assert parse(visit.text(path)).words == "and a draft"


async def test_a_code_action_forks_from_the_prompt_under_the_cursor(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A."), says("B.")) as visit:
        path, _ = await two_turns(visit)
        found = await visit.actions(path, visit.text(path).index("mend a"))
        fork = next(it for it in found if it["title"] == "Claw: Fork from here (mend a)")
        answer = await visit.run_action(fork)
        assert prompts(visit, answer["session"]) == []
        assert parse(visit.text(answer["path"])).words == "mend a"


async def test_the_last_prompt_of_a_chat_is_retried_in_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A."), says("B."), says("B, better.")) as visit:
        path, session = await two_turns(visit)
        retry = next(command for _, title, command in await lenses(visit, path) if title == "Retry")
        answer = await visit.run_action(retry)
        assert answer["session"] == session
        await visit.end(answer["run"])
        await visit.until(lambda: visit.text(path) == render(visit.log(session)))
        assert visit.text(path).count("mend b") == 2


async def test_after_a_restart_the_last_prompt_of_a_chat_is_retried_from_its_log(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("A."), says("B.")) as visit:
        path, session = await two_turns(visit)
    async with visiting(tmp_path, says("B, better.")) as visit:
        visit.open(path, Path(path).read_text())
        found = await lenses(visit, path)
        async with asyncio.timeout(40):
            while "Retry" not in [title for _, title, _ in found]:
                await asyncio.sleep(0.01)
                found = await lenses(visit, path)
        retry = next(command for _, title, command in found if title == "Retry")
        said = await refused(visit, "claw.retry", session=session, run="another")
        assert "expected the session's last run" in str(said)
        answer = await visit.run_action(retry)
        assert (await visit.end(answer["run"]))["text"] == "B, better."
        assert visit.text(path).count("mend b") == 2
        assert answer["session"] == session


# ---- what concerns this chat ------------------------------------------------------------------------------------------


async def test_slash_commands_in_a_chat_without_a_session_are_about_this_chat(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        other = (await visit.turn("claw.ask", prompt="hello"))["session"]
        path = visit.write(".claw/chats/mine.md", "/model haiku\n")
        visit.open(path)
        told = await visit.command("claw.send", uri=visit.uri(path))
        assert told["session"] != other
        mine = visit.server.door.house.sessions.opened
        assert "haiku" in mine[told["session"]].state.model
        assert "haiku" not in mine[other].state.model
        await visit.until(lambda: parse(visit.text(path)).session == told["session"])


async def test_a_model_that_is_in_no_table_is_remarked_upon_when_it_is_asked(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi."), says("Hi.")) as visit:
        begun = await visit.command("claw.ask", prompt="hello", model="claude-unheard-of-9")
        assert begun["known"] is False
        await visit.end(begun["run"])
        await visit.settle()
        assert any("claude-unheard-of-9" in it["message"] for it in visit.messages)
        begun = await visit.command("claw.ask", prompt="hello", model="opus")
        assert begun["known"] is True
        await visit.end(begun["run"])


async def test_two_chats_at_once_do_not_mix(tmp_path: Path) -> None:
    one_goes, other_goes = asyncio.Event(), asyncio.Event()
    steps = (waits("First one.", event=one_goes), waits("Other one.", event=other_goes))
    async with visiting(tmp_path, *steps) as visit:
        first, one = await chat(visit)
        begun = await sends(visit, first, "ask one")
        await visit.until(lambda: "First one." in visit.text(first))
        second = visit.write(".claw/chats/second.md", "ask other\n")
        visit.open(second)
        answer = await visit.command("claw.send", uri=visit.uri(second))
        await visit.until(lambda: "Other one." in visit.text(second))
        other_goes.set()
        await visit.end(answer["run"])
        one_goes.set()
        await visit.end(begun["run"])
        await visit.until(lambda: visit.text(first) == render(visit.log(one)))
        assert "Other" not in visit.text(first) and "First" not in visit.text(second)


# ---- closed, deleted, renamed, opened again while it streams ----------------------------------------------------------

CLIENTS = ["nvim", "vscode", "emacs-eglot"]


@pytest.mark.parametrize("like", CLIENTS)
@pytest.mark.parametrize("what", ["closed", "deleted", "renamed", "opened again"])
async def test_the_session_goes_on_whatever_becomes_of_its_document(tmp_path: Path, like: str, what: str) -> None:
    goes_on = asyncio.Event()
    async with visiting(tmp_path, waits("Begun. ", event=goes_on), like=like) as visit:
        opened = await visit.command("claw.chat")
        path, session = opened["path"], opened["session"]
        if not opened["shown"]:
            visit.editor.open(path, None, "markdown")
        begun = await sends(visit, path, "go on")
        await visit.until(lambda: "Begun." in visit.text(path))
        visit.editor.save(path)
        visit.editor.close(path)
        there = Path(path)
        if what == "deleted":
            there.unlink()
        elif what == "renamed":
            there = there.rename(there.with_name("another.md"))
        if what in ("renamed", "opened again"):
            visit.editor.open(str(there), None, "markdown")
        goes_on.set()
        await visit.end(begun["run"])
        again = await visit.command("claw.chat", session=session)
        if what != "deleted":
            assert again["path"] == str(there)
        if again["path"] not in visit.editor.paths():
            visit.editor.open(again["path"], None, "markdown")
        whole = render(visit.log(session)).split()
        await visit.until(lambda: visit.text(again["path"]).split() == whole)


async def test_what_a_slash_command_brought_about_stands_below_its_answer_and_a_later_server_adds_nothing(
    tmp_path: Path,
) -> None:
    async with visiting(tmp_path, says("Hello."), says("Notes."), says("Fine.")) as visit:
        chat = await visit.command("claw.chat")
        path, session = chat["path"], chat["session"]

        async def send(words: str, until: str) -> None:
            text = visit.text(path)
            visit.editor.replace(path, len(text), len(text), words)
            await visit.command("claw.send", uri=visit.uri(path))
            await visit.until(lambda: until in visit.text(path))

        await send("hello", "_done")
        await send("/model sonnet", "- model:")
        await send("/compact", "- compacted:")
        await send("/effort low", "- effort:")
        assert "\n\n- effort: low" in visit.text(path)
        await send("and now?", "Fine.")
        await visit.until(lambda: visit.text(path).count("_done") == 2)
        text = visit.text(path)
        places = [
            text.index(it)
            for it in ("/model sonnet", "- model:", "/compact", "- compacted:", "/effort", "- effort:", "and now?")
        ]
        assert places == sorted(places)
        visit.write(path, text)
    async with visiting(tmp_path) as visit:
        visit.open(path)
        await visit.command("claw.resume", session=session)
        await visit.settle()
        assert visit.text(path) == text
