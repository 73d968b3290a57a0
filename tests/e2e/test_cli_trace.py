"""`claw-lsp trace` as a process: facts and messages of the protocol in one timeline."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from command_line import Shell, heard, interrupted, shell
from process_desk import Server, provider, serving

from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.messages_api import MessagesApi, script

TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz012345"


def beside(server: Server) -> Shell:
    """The command line with the server's home."""
    return Shell(server.root, server.home)


async def asked(server: Server, prompt: str) -> str:
    answer = await server.command("claw.ask", prompt=prompt)
    await server.command("claw.wait", run=answer["run"])
    return answer["session"]


def wire_files(home: Path) -> list[Path]:
    return sorted((home / "claw" / "wire").glob("*"))


async def test_facts_and_messages_stand_in_one_timeline_in_the_order_of_their_time(tmp_path: Path) -> None:
    async with provider("Hello.", "A title") as api:
        async with serving(tmp_path, api, CLAW_LOG="wire") as server:
            note = server.root / "notes.txt"
            note.write_text("the words of a file\n")
            server.editor.open(str(note))
            session = await asked(server, f"remember {TOKEN}")
        shown = await beside(server).claw("trace", session[:8])
    lines = shown.out.splitlines()
    assert shown.code == 0, shown.err
    assert lines[0].startswith(f"session {session} · ")
    ask = next(n for n, it in enumerate(lines) if "→" in it and "workspace/executeCommand" in it and "claw.ask" in it)
    spoke = next(n for n, it in enumerate(lines) if " user_spoke " in it)
    answered = next(n for n, it in enumerate(lines) if "←" in it and "workspace/executeCommand ✓" in it)
    replied = next(n for n, it in enumerate(lines) if " model_spoke " in it and "Hello." in it)
    assert ask < spoke < replied
    assert ask < answered
    assert " ms" in lines[answered]
    assert any("textDocument/didOpen" in it and uri_of(str(note)) in it for it in lines)
    assert "the words of a file" not in shown.out
    assert TOKEN not in shown.out
    assert "a GitHub token, left out" in lines[spoke]
    (kept,) = wire_files(server.home)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    text = kept.read_text()
    assert TOKEN not in text
    assert "the words of a file" not in text


async def test_nothing_is_kept_of_the_protocol_unless_somebody_asked(tmp_path: Path) -> None:
    async with provider("Hello.", "A title") as api:
        async with serving(tmp_path, api) as server:
            session = await asked(server, "hi")
        shown = await beside(server).claw("trace", session)
    assert wire_files(server.home) == []
    assert "no messages were kept (CLAW_LOG=wire keeps them)" in shown.out
    assert " turn_ended " in shown.out


async def test_the_protocols_own_trace_turns_it_on_and_off(tmp_path: Path) -> None:
    async with provider("One.", "A title", "Two.") as api:
        async with serving(tmp_path, api, said={"trace": "messages"}) as server:
            session = await asked(server, "first")
            server.client.notify("$/setTrace", {"value": "off"})
            await server.command("claw.ask", prompt="second", session=session)
            await server.command("claw.status")
        shown = await beside(server).claw("trace", session)
    said = [it for it in shown.out.splitlines() if "claw.ask" in it]
    assert len(said) == 1
    assert "first" in said[0]


async def test_a_trace_is_followed_until_the_session_is_deleted(tmp_path: Path) -> None:
    async with MessagesApi(script("One.", "Two.", "Three.")) as api:
        here = shell(tmp_path, api.url)
        session = (await here.claw("run", "first", "--output-format", "json")).json["session_id"]
        following = await here.start("trace", session, "--follow")
        before = await heard(following.stdout, " turn_ended ")
        await here.claw("run", "second", "--resume", session)
        after = await heard(following.stdout, "Two.")
        await here.claw("sessions", "delete", session, "--yes")
        out, err = await following.communicate()
    assert "One." in before
    assert "second" in after
    assert "One." not in after + out.decode()
    assert (following.returncode, f"Session {session} was deleted." in err.decode()) == (0, True)


async def test_a_trace_that_is_followed_ends_with_ctrl_c_and_waits_for_the_end_of_a_torn_line(tmp_path: Path) -> None:
    async with MessagesApi(script("One.")) as api:
        here = shell(tmp_path, api.url)
        session = (await here.claw("run", "first", "--output-format", "json")).json["session_id"]
        (log,) = here.home.glob("claw/projects/*/*.jsonl")
        event = {"kind": "noted", "text": "a word later"}
        line = json.dumps({"n": 90, "at": log.stat().st_mtime, "event": event}).encode() + b"\n"
        following = await here.start("trace", session, "--follow")
        await heard(following.stdout, " turn_ended ")
        with log.open("ab", buffering=0) as file:
            file.write(line[:30])
            os.fsync(file.fileno())
            file.write(line[30:])
        assert "a word later" in await heard(following.stdout, " noted ")
        ended = await interrupted(following)
    assert (ended.code, ended.err) == (130, "")


async def test_a_session_nobody_knows_is_told(tmp_path: Path) -> None:
    unknown = await shell(tmp_path).claw("trace", "ffff")
    assert (unknown.code, unknown.out) == (1, "")
    assert "There is no session ffff" in unknown.err


async def test_the_page_is_whole_and_nothing_that_was_said_is_more_than_text_in_it(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>\u202eabc"
    async with MessagesApi(script(f"Here: {evil}")) as api:
        here = shell(tmp_path, api.url)
        session = (await here.claw("run", f"say {evil} {TOKEN}", "--output-format", "json")).json["session_id"]
        page = await here.claw("trace", session, "--html")
    assert page.code == 0
    assert page.out.startswith("<!doctype html>")
    assert page.out.count("</script>") == 1
    assert "<img" not in page.out
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.out
    assert "\u202e" not in page.out
    assert TOKEN not in page.out
    assert "default-src 'none'" in page.out
    assert 'data-kind="model_spoke"' in page.out
    assert not any(it in page.out for it in ("http://", "https://", 'src="', "href="))
