"""`claw.rewind` and `claw.redo` at the door, over real files and the real git."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.checkpoints.store import GitCheckpoints
from claw_lsp.facts.checkpoint import Checkpointed, Kept, Rewound
from claw_lsp.facts.event import Noted
from claw_lsp.facts.question import ONCE
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Json, Visit, edits, refused, runs, visiting
from tests.wire.test_checkpoints import git

BEFORE = "def add(a, b):\n    return a - b\n\n\ndef last():\n    pass\n"
AFTER = BEFORE.replace("a - b", "a + b")
YES = "Allow once"
REVIEW: Json = {"initializationOptions": {"review": "before"}}


def laid_out(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    root.mkdir(exist_ok=True)
    (root / "calc.py").write_text(BEFORE)
    return root


def checkpoints(visit: Visit, session: str) -> list[str]:
    return [it.event.when for it in visit.log(session) if isinstance(it.event, Checkpointed)]


async def commands_done(visit: Visit, session: str, n: int = 1) -> None:
    """What the commands of so many turns changed is kept beside the session."""
    await visit.until(lambda: checkpoints(visit, session).count("after") == n)


async def test_a_turn_that_only_looks_takes_no_checkpoint(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    look = says("", ("c1", "Read", {"file_path": str(root / "calc.py")}))
    async with visiting(tmp_path, look, says("Fine.")) as visit:
        turn = await visit.turn("claw.ask", prompt="look")
        assert checkpoints(visit, turn["session"]) == []


async def test_what_a_command_did_is_taken_back_and_redone_whatever_it_did(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    (root / "gone.txt").write_text("was here\n")
    (root / "run.sh").write_text("echo\n")
    line = "rm gone.txt; chmod +x run.sh; printf '\\0\\1' > new.bin; mkdir sub; echo x > sub/new; sed -i s/-/+/ calc.py"
    async with visiting(tmp_path, runs(line), says("Done."), auto=YES) as visit:
        await visit.turn("claw.ask", prompt="do it")
        done = {str(it): it.read_bytes() for it in root.rglob("*") if it.is_file() and ".claw" not in it.parts}
        answer = await visit.command("claw.rewind", to="1", what="code")
        named = {it.rsplit("/", 1)[-1] for it in answer["files"]}
        assert named == {"gone.txt", "run.sh", "new.bin", "new", "calc.py"}
        assert (answer["left"], answer["notes"]) == ([], [])
        await visit.until((root / ".claw" / ".gitignore").exists)
        assert (root / "gone.txt").read_text() == "was here\n"
        assert (root / "calc.py").read_text() == BEFORE
        assert not (root / "run.sh").stat().st_mode & 0o100
        assert not (root / "new.bin").exists()
        assert not (root / "sub" / "new").exists()
        await visit.command("claw.redo")
        assert {str(it): it.read_bytes() for it in root.rglob("*") if it.is_file() and ".claw" not in it.parts} == done
        assert (root / "run.sh").stat().st_mode & 0o100


async def test_files_and_chat_go_back_and_what_was_typed_since_stays(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(
        tmp_path, says("Hi."), *edits(path, "a - b", "a + b"), says("Fixed."), says("What?"), auto=YES
    ) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="hello")
        second = await visit.turn("claw.ask", session=turn["session"], prompt="fix the sign")
        assert visit.text(path) == AFTER
        visit.editor.replace(path, len(AFTER), len(AFTER), "# mine\n")
        await visit.settle()
        answer = await visit.command("claw.rewind", to=second["run"])
        assert (answer["files"], answer["left"]) == ([visit.uri("calc.py")], [])
        assert visit.text(path) == BEFORE + "# mine\n"
        await visit.turn("claw.ask", session=turn["session"], prompt="and now?")
        sent = str(visit.model.requests[-1].messages)
        assert "hello" in sent
        assert "fix the sign" not in sent


async def test_a_redo_brings_back_the_chat_and_the_files(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), says("Yes."), auto=YES) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        await visit.command("claw.rewind", to="1")
        assert visit.text(path) == BEFORE
        await visit.command("claw.redo")
        assert visit.text(path) == AFTER
        assert "nothing was rewound" in str(await refused(visit, "claw.redo"))
        await visit.turn("claw.ask", session=turn["session"], prompt="done?")
        assert "fix the sign" in str(visit.model.requests[-1].messages)


async def both_changed(visit: Visit, tmp_path: Path) -> str:
    """The agent changed two places of a file, the person one of them since; the person's text."""
    path = str(tmp_path / "ws" / "calc.py")
    visit.open("calc.py")
    await visit.turn("claw.ask", prompt="fix the sign")
    at = visit.text(path).index("a + b")
    visit.editor.replace(path, at, at + 5, "sum((a, b))")
    await visit.settle()
    assert visit.text(path) == AFTER.replace("a + b", "sum((a, b))").replace("pass", "return 1")
    return visit.text(path)


def two_edits(tmp_path: Path) -> tuple[Any, ...]:
    path = str(tmp_path / "ws" / "calc.py")
    more: Json = {"file_path": path, "old_string": "pass", "new_string": "return 1"}
    return (*edits(path, "a - b", "a + b"), says("", ("c2", "Edit", more)), says("Fixed."))


async def test_where_the_person_wrote_over_it_both_sides_are_shown_and_the_rest_is_as_before(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, *two_edits(tmp_path), auto=YES) as visit:
        mine = await both_changed(visit, tmp_path)
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert visit.text("calc.py") == mine.replace("return 1", "pass")
        assert (answer["files"], answer["left"]) == ([visit.uri("calc.py")], [])
        (conflict,) = answer["conflicts"]
        assert "1 place stayed" in answer["text"]
        (shown,) = (await visit.command("claw.hunks"))["hunks"]
        assert (shown["hunk"], shown["state"]) == (conflict["hunk"], "proposed")
        assert (shown["before"], shown["after"]) == ("sum((a, b))", "a - b")
        await visit.command("claw.apply", hunk=conflict["hunk"])
        assert visit.text("calc.py") == BEFORE


async def test_a_redo_takes_the_places_along_that_the_rewind_left(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, *two_edits(tmp_path), auto=YES) as visit:
        mine = await both_changed(visit, tmp_path)
        await visit.command("claw.rewind", to="1")
        answer = await visit.command("claw.redo")
        assert (answer["left"], answer["conflicts"]) == ([], [])
        assert visit.text("calc.py") == mine
        assert [it["state"] for it in (await visit.command("claw.hunks"))["hunks"]] == ["open"]


async def test_a_redo_shows_both_sides_too_where_the_person_wrote_after_the_rewind(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), auto=YES) as visit:
        visit.open("calc.py")
        await visit.turn("claw.ask", prompt="fix the sign")
        await visit.command("claw.rewind", to="1")
        at = BEFORE.index("a - b")
        visit.editor.replace(path, at, at + 5, "sub(a, b)")
        await visit.settle()
        answer = await visit.command("claw.redo")
        assert visit.text(path) == BEFORE.replace("a - b", "sub(a, b)")
        (conflict,) = answer["conflicts"]
        await visit.command("claw.apply", hunk=conflict["hunk"])
        assert visit.text(path) == AFTER


async def test_what_was_only_proposed_goes_with_its_prompt_and_the_model_is_not_told_of_what_it_forgot(
    tmp_path: Path,
) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(
        tmp_path, *edits(path, "a - b", "a + b"), says("Proposed."), says("Yes."), introduction=REVIEW
    ) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        assert len((await visit.command("claw.hunks"))["hunks"]) == 1
        await visit.command("claw.rewind", to="1")
        assert (await visit.command("claw.hunks"))["hunks"] == []
        await visit.turn("claw.ask", session=turn["session"], prompt="anything?")
        assert "a + b" not in str(visit.model.requests[-1].messages)


async def test_a_file_the_agent_made_goes_only_where_nobody_wrote_in_it(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    line = "echo one > one.txt; echo two > two.txt"
    async with visiting(tmp_path, runs(line), says("Made."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="make them")
        await commands_done(visit, turn["session"])
        (root / "two.txt").write_text("two\nand mine\n")
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert not (root / "one.txt").exists()
        assert (root / "two.txt").read_text() == "two\nand mine\n"
        assert answer["left"] == []
        (conflict,) = answer["conflicts"]
        assert conflict["uri"] == visit.uri("two.txt")
        await visit.command("claw.apply", hunk=conflict["hunk"])
        assert visit.text(str(root / "two.txt")) == "and mine\n"


async def test_without_git_the_agents_own_edits_are_taken_back_and_the_rest_is_said(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), auto=YES) as visit:
        assert visit.server.door is not None
        without = GitCheckpoints(tmp_path / "store", "/nowhere")
        visit.server.door.house = replace(visit.server.door.house, checkpoints=without)
        visit.open("calc.py")
        await visit.turn("claw.ask", prompt="fix the sign")
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert visit.text(path) == BEFORE
        assert "git was not found" in answer["notes"][0]


async def test_prompts_are_listed_and_what_is_no_prompt_is_refused(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, says("Hi.")) as visit:
        assert "there is none yet" in str(await refused(visit, "claw.rewind"))
        turn = await visit.turn("claw.ask", prompt="hello")
        answer = await visit.command("claw.rewind")
        assert answer["prompts"] == [{"number": 1, "prompt_id": turn["run"], "text": "hello"}]
        assert "`/rewind 1`" in answer["text"]
        assert "found 'x'" in str(await refused(visit, "claw.rewind", to="x"))


MAKES = "echo 1 > a.txt; echo 2 > b.txt; rm calc.py; echo 3 > run.sh; chmod +x run.sh"


class Stopping:
    """Checkpoints of a process that is gone before, or right after, it puts its n-th file."""

    def __init__(self, inner: Any, at: int, *, after: bool) -> None:
        self._inner, self._at, self._after, self._n = inner, at, after, 0
        self.stopped = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def put(self, path: str, kept: Kept | None, expected: Kept | None) -> bool:
        self._n += 1
        if self._n < self._at:
            return await self._inner.put(path, kept, expected)
        if self._after:
            await self._inner.put(path, kept, expected)
        self.stopped.set()
        return await asyncio.Future[bool]()


def contents(root: Path) -> dict[str, bytes]:
    return {it.name: it.read_bytes() for it in root.iterdir() if it.is_file()}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("then", ["claw.redo", "claw.rewind"])
async def test_stopped_at_any_file_a_rewind_is_told_of_and_can_be_taken_back_or_done_again(
    tmp_path: Path, at: int, after: bool, then: str
) -> None:
    root = laid_out(tmp_path)
    before = contents(root)
    async with visiting(tmp_path, runs(MAKES), says("Made."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="make them")
        await commands_done(visit, turn["session"])
        made = contents(root)
        assert visit.server.door is not None
        stopping = Stopping(visit.server.door.house.checkpoints, at, after=after)
        visit.server.door.house = replace(visit.server.door.house, checkpoints=stopping)
        rewinding = asyncio.create_task(visit.command("claw.rewind", to="1"))
        await stopping.stopped.wait()
        log = next((visit.home / "claw" / "projects").glob(f"*/{turn['session']}.jsonl"))
        as_left = log.read_text("utf-8"), contents(root)
        rewinding.cancel()
        await asyncio.gather(rewinding, return_exceptions=True)
    # What the end of the process still wrote, a crash would not have.
    log.write_text(as_left[0], "utf-8")
    assert contents(root) == as_left[1]
    async with visiting(tmp_path) as visit:
        chat = (await visit.command("claw.chat", session=turn["session"]))["path"]
        await visit.until(lambda: "a rewind was cut short" in visit.text(chat))
        noted = [it.event.text for it in visit.log(turn["session"]) if isinstance(it.event, Noted)]
        assert any("cut short" in it and "b.txt" in it for it in noted)
        more = {"to": "1", "what": "code"} if then == "claw.rewind" else {}
        answer = await visit.command(then, session=turn["session"], **more)
        assert (answer["left"], answer["conflicts"]) == ([], [])
        assert contents(root) == (before if then == "claw.rewind" else made)


async def test_the_chat_is_not_rewound_beside_a_turn_that_just_began(tmp_path: Path) -> None:
    laid_out(tmp_path)
    waiting = asyncio.Event()

    async def slow(request: Any, hear: Any) -> Any:
        await waiting.wait()
        return says("Yes.")

    async with visiting(tmp_path, says("Hi."), slow) as visit:
        turn = await visit.turn("claw.ask", prompt="hello")
        begun = await visit.command("claw.ask", session=turn["session"], prompt="and?")
        told = str(await refused(visit, "claw.rewind", to="1", what="chat"))
        assert "a turn is running in it; stop that first" in told
        waiting.set()
        await visit.end(begun["run"])
        assert not any(isinstance(it.event, Rewound) for it in visit.log(turn["session"]))


async def said_in_chat(visit: Visit, session: str, words: str) -> tuple[str, Json]:
    """The chat of a session, and what came of sending these words in it."""
    chat = (await visit.command("claw.chat", session=session))["path"]
    if chat not in visit.editor.paths():
        visit.editor.open(chat, None, "markdown")
    end = len(visit.text(chat))
    visit.editor.replace(chat, end, end, words)
    return chat, await visit.command("claw.send", uri=visit.uri(chat))


async def test_in_the_chat_it_is_a_slash_command_and_the_document_keeps_what_was_said(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), auto=YES) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        chat, answer = await said_in_chat(visit, turn["session"], "/rewind 1")
        assert answer["text"].startswith("1 file brought back. The model forgot that prompt")
        assert visit.text(path) == BEFORE
        await visit.until(lambda: "rewound: files and chat are as before this prompt" in visit.text(chat))
        assert "fix the sign" in visit.text(chat)


async def test_in_the_chat_the_last_word_says_what_goes_back(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), auto=YES) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        _, answer = await said_in_chat(visit, turn["session"], "/rewind 1 code")
        assert answer["text"] == "1 file brought back. `claw.redo` takes it back."
        assert visit.text(path) == BEFORE


async def test_where_there_is_a_list_the_prompt_is_picked_from_it(tmp_path: Path) -> None:
    laid_out(tmp_path)
    offered: list[Json] = []

    def picks(params: Json) -> list[str]:
        offered.append(params)
        return [params["items"][-1]["id"]] if len(offered) > 1 else []

    knows = {"experimental": {"claw": {"pick": True}}}
    async with visiting(tmp_path, says("Hi."), says("Yes."), capabilities=knows, answers={"claw/pick": picks}) as visit:
        turn = await visit.turn("claw.ask", prompt="first")
        await visit.turn("claw.ask", session=turn["session"], prompt="second")
        closed = await visit.command("claw.rewind", session=turn["session"], what="chat")
        assert closed == {"session": turn["session"], "prompts": []}, "a list that is closed is an answer"
        answer = await visit.command("claw.rewind", session=turn["session"], what="chat")
        assert [it["label"] for it in offered[0]["items"]] == ["second", "first"]
        assert answer["prompt_id"] == turn["run"]


async def test_checkpoints_that_are_off_are_not_taken_and_edits_are_taken_back_all_the_same(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    settings = tmp_path / "home" / "claw" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fileCheckpointingEnabled": false}')
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Fixed."), auto=YES) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        assert checkpoints(visit, turn["session"]) == []
        assert not (visit.home / "claw" / "checkpoints.git").exists()
        await visit.command("claw.rewind", to="1")
        assert visit.text(path) == BEFORE


async def test_the_checkpoints_of_a_session_go_with_it(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, runs("echo 1 > a.txt"), says("Made."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="make it")
        await commands_done(visit, turn["session"])
        kept = visit.home / "claw" / "checkpoints.git" / "refs" / "claw" / turn["session"]
        assert len(list(kept.iterdir())) == 2
        answer = await visit.command("claw.delete", session=turn["session"])
        await visit.command("claw.answer", question=answer["question"], choice=ONCE)
        await visit.until(lambda: not kept.exists() or not list(kept.iterdir()))


async def test_what_was_noted_between_a_rewind_of_the_chat_and_its_redo_reaches_the_model(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, says("Hi."), says("Yes.")) as visit:
        turn = await visit.turn("claw.ask", prompt="hello")
        await visit.command("claw.rewind", to="1", what="chat")
        assert visit.server.door is not None
        session = await visit.server.door.house.sessions.resume(turn["session"])
        await visit.server.door.write(session, Noted(text="[something happened]"))
        await visit.command("claw.redo")
        await visit.turn("claw.ask", session=turn["session"], prompt="and?")
        sent = str(visit.model.requests[-1].messages)
        assert [sent.count(it) for it in ("hello", "[something happened]", "and?")] == [1, 1, 1]


async def test_at_an_earlier_prompt_a_rewind_is_offered_until_it_is_taken_back(tmp_path: Path) -> None:
    laid_out(tmp_path)
    async with visiting(tmp_path, says("Hi."), says("Yes.")) as visit:
        turn = await visit.turn("claw.ask", prompt="hello")
        await visit.turn("claw.ask", session=turn["session"], prompt="and then?")
        chat = (await visit.command("claw.chat", session=turn["session"]))["path"]
        if chat not in visit.editor.paths():
            visit.editor.open(chat, None, "markdown")
        document = {"textDocument": {"uri": visit.uri(chat)}}

        async def lenses() -> list[Json]:
            found = await visit.client.request("textDocument/codeLens", document)
            return [it["command"] for it in found if it["command"]["title"] == "Rewind to here"]

        async def actions(words: str) -> list[Json]:
            line = visit.text(chat).split(words)[0].count("\n")
            place = {"line": line, "character": 0}
            asked: Json = {"range": {"start": place, "end": place}, "context": {"diagnostics": []}}
            found = await visit.client.request("textDocument/codeAction", document | asked)
            return [it["command"] for it in found if "Rewind to here" in it["title"]]

        assert len(await lenses()) == 2
        (offered,) = await actions("and then?")
        await visit.client.request("workspace/executeCommand", offered)
        (left,) = await lenses()
        assert left["arguments"] == [{"session": turn["session"], "to": turn["run"]}]
        assert await actions("and then?") == []
        await visit.command("claw.redo")
        assert len(await lenses()) == 2


async def test_a_proposal_that_was_applied_is_taken_back_with_its_prompt_and_stays_with_a_later_one(
    tmp_path: Path,
) -> None:
    root = laid_out(tmp_path)
    path = str(root / "calc.py")
    steps = (*edits(path, "a - b", "a + b"), says("Proposed."), says("Hello."))
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        visit.open("calc.py")
        turn = await visit.turn("claw.ask", prompt="fix the sign")
        await visit.turn("claw.ask", session=turn["session"], prompt="hello")
        await visit.command("claw.apply", prompt_id=turn["run"])
        assert visit.text(path) == AFTER
        await visit.command("claw.rewind", to="2", what="code")
        assert visit.text(path) == AFTER
        await visit.command("claw.rewind", to="1", what="code")
        assert visit.text(path) == BEFORE


async def test_a_byte_order_mark_line_ends_and_what_the_owner_may_do_come_back(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    was = b"\xef\xbb\xbfone\r\ntwo\r\n"
    (root / "marked.txt").write_bytes(was)
    (root / "marked.txt").chmod(0o640)
    (root / "gone.txt").write_bytes(was)
    (root / "tool.sh").write_bytes(b"#!/bin/sh\r\n")
    (root / "tool.sh").chmod(0o755)
    (root / "leads").symlink_to("gone.txt")
    line = "sed -i s/two/three/ marked.txt; rm gone.txt tool.sh leads; ln -s marked.txt made"
    async with visiting(tmp_path, runs(line), says("Done."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="do it")
        await commands_done(visit, turn["session"])
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert (answer["left"], answer["conflicts"]) == ([], [])
        assert (root / "marked.txt").read_bytes() == (root / "gone.txt").read_bytes() == was
        assert (root / "marked.txt").stat().st_mode & 0o777 == 0o640
        assert (root / "tool.sh").stat().st_mode & 0o100
        assert (root / "leads").readlink() == Path("gone.txt")
        assert not (root / "made").is_symlink()
        await visit.command("claw.redo")
        assert (root / "marked.txt").read_bytes() == was.replace(b"two", b"three")
        assert not (root / "gone.txt").exists()
        assert (root / "made").readlink() == Path("marked.txt")


async def test_folders_that_the_turn_made_go_and_those_that_were_there_stay(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("a\n")
    line = "mkdir -p new/deep src/sub; echo 1 > new/deep/one; echo 2 > src/sub/two; rm src/a.py; mkdir mine"
    async with visiting(tmp_path, runs(line), says("Done."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="do it")
        await commands_done(visit, turn["session"])
        await visit.command("claw.rewind", to="1", what="code")
        assert not (root / "new").exists()
        assert not (root / "src" / "sub").exists()
        assert (root / "src" / "a.py").read_text() == "a\n"
        await visit.command("claw.redo")
        assert (root / "new" / "deep" / "one").read_text() == "1\n"
        assert list((root / "src").iterdir()) == [root / "src" / "sub"]


async def test_a_file_that_is_too_large_to_be_kept_is_named_in_the_answer(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    (root / "large.bin").write_bytes(b"0" * 5_000_001)
    async with visiting(tmp_path, runs("echo 1 > a.txt; echo more >> large.bin"), says("Done."), auto=YES) as visit:
        turn = await visit.turn("claw.ask", prompt="do it")
        await commands_done(visit, turn["session"])
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert answer["notes"] == ["Larger than 5 MB, so not kept: large.bin."]
        assert "large.bin" in answer["text"]
        assert not (root / "a.txt").exists()


async def test_files_of_a_repository_inside_the_workspace_go_back_and_its_own_data_stays(tmp_path: Path) -> None:
    root = laid_out(tmp_path)
    inner = root / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "a.txt").write_text("a\n")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "first")
    head = git(inner, "rev-parse", "HEAD")
    async with visiting(
        tmp_path, runs("cd inner && echo b > a.txt && echo c > c.txt"), says("Done."), auto=YES
    ) as visit:
        turn = await visit.turn("claw.ask", prompt="do it")
        await commands_done(visit, turn["session"])
        answer = await visit.command("claw.rewind", to="1", what="code")
        assert (len(answer["files"]), answer["left"]) == (2, [])
        assert ((inner / "a.txt").read_text(), (inner / "c.txt").exists()) == ("a\n", False)
        assert (git(inner, "rev-parse", "HEAD"), git(inner, "status", "--porcelain")) == (head, "")
