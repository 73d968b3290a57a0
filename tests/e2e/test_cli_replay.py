"""`claw-lsp replay` as a process."""

from __future__ import annotations

from pathlib import Path

from command_line import Shell, shell

from claw_lsp.testing.cases.case import parsed, wanted
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import play
from claw_lsp.testing.cases.showing import parts
from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse, script


async def a_session(tmp_path: Path) -> tuple[Shell, str, Path]:
    """A session in which a file was read, and its log."""
    reads = Reply(content=(ToolUse(name="Read", input={"file_path": "a.txt"}),))
    async with MessagesApi(script(reads, "It says hello.")) as api:
        here = shell(tmp_path, api.url)
        (here.folder / "a.txt").write_text("hello\n")
        session = (await here.claw("run", "read it", "--output-format", "json")).json["session_id"]
    (log,) = here.home.glob("claw/projects/*/*.jsonl")
    return here, session, log


async def test_a_log_that_follows_from_itself_is_said_to(tmp_path: Path) -> None:
    here, session, _ = await a_session(tmp_path)
    ended = await here.claw("replay", session[:8])
    assert (ended.code, ended.err) == (0, "")
    assert "5 of them decided by the loop" in ended.out
    assert ended.out.endswith("Each of them follows from those before it.\n")


async def test_each_fact_that_does_not_follow_is_named(tmp_path: Path) -> None:
    here, session, log = await a_session(tmp_path)
    lines = log.read_text("utf-8").splitlines(keepends=True)
    judged = next(n for n, it in enumerate(lines) if '"kind":"call_judged"' in it)
    log.write_text("".join(lines[:judged] + lines[judged + 1 :]), "utf-8")
    ended = await here.claw("replay", session)
    log.unlink()  # Every log that a test leaves is replayed.
    assert ended.code == 1
    assert f"fact {judged + 1}: call_finished of " in ended.out
    assert "is in the log where a verdict on Read" in ended.out
    assert ended.out.endswith("decided otherwise.\n")


async def test_a_log_becomes_a_case_that_can_be_played(tmp_path: Path) -> None:
    here, session, _ = await a_session(tmp_path)
    ended = await here.claw("replay", session, "--as-case")
    assert (ended.code, ended.err) == (0, "")
    assert "-- a.txt --\nhello\n-- script --\nuser: read it\n" in ended.out
    case = parsed(ended.out)
    places = Places(tmp_path / "case")
    outcome = await play(case, places)
    assert wanted(case, parts(case, outcome, places)) == dict(case.expected)
    assert "done  c1 1 line" in case.expected["transcript"]


async def test_a_session_nobody_knows_is_told(tmp_path: Path) -> None:
    unknown = await shell(tmp_path).claw("replay", "ffff")
    assert (unknown.code, unknown.out) == (1, "")
    assert "There is no session ffff" in unknown.err
