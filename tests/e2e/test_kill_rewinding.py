"""kill -9 of the real server in the middle of a rewind of many files: the next one says so, and takes it back or does it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from process_desk import Server, events, provider, serving

from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse

N_FILES = 120
LINE = f"for n in $(seq {N_FILES}); do echo made > made-$n.txt; echo changed > old-$n.txt; done"


def contents(root: Path) -> dict[str, str]:
    return {it.name: it.read_text() for it in root.glob("*.txt")}


def kinds(home: Path) -> list[str]:
    (log,) = home.glob("claw/projects/*/*.jsonl")
    return [it["kind"] for it in events(log)]


async def killed_in_the_middle(tmp_path: Path, api: MessagesApi, root: Path) -> tuple[str, dict[str, str]]:
    """The session, and the files as its turn left them. The server is gone once some of them are back and others not."""
    async with serving(tmp_path, api) as server:
        server.auto = "Allow once"
        session = (await done(server))["session"]
        await server.until(lambda: kinds(server.home).count("checkpointed") == 2)
        made = contents(root)
        rewind = {"command": "claw.rewind", "arguments": [{"session": session, "to": "1"}]}
        server.client.send_request("workspace/executeCommand", rewind)
        await server.until(lambda: len(list(root.glob("made-*"))) < N_FILES)
        assert server.client.process
        server.client.process.kill()
        await server.client.process.wait()
        server.client.exit_code = -9
        await server.client.closed.wait()
    return session, made


async def done(server: Server) -> dict[str, str]:
    begun = await server.command("claw.ask", prompt="go")
    await server.command("claw.wait", run=begun["run"])
    return begun


@pytest.mark.timeout(200)
@pytest.mark.parametrize("then", ["claw.redo", "claw.rewind"])
async def test_killed_in_a_rewind_it_is_told_of_and_taken_back_or_done_again_and_no_file_is_halved(
    tmp_path: Path, then: str
) -> None:
    root, home = tmp_path / "ws", tmp_path / "home"
    root.mkdir()
    for n in range(1, N_FILES + 1):
        (root / f"old-{n}.txt").write_text("as it was\n")
    before = contents(root)
    replies = (Reply(content=(ToolUse(name="Bash", input={"command": LINE}),)), Reply(content=("Done.",)))
    async with provider(*replies) as api:
        session, made = await killed_in_the_middle(tmp_path, api, root)
        assert set(contents(root).values()) <= {"made\n", "changed\n", "as it was\n"}
        cut = "rewound" not in kinds(home)
        async with serving(tmp_path, api) as server:
            chat = (await server.command("claw.chat", session=session))["path"]
            await server.until(lambda: not cut or "a rewind was cut short" in server.editor.text(chat))
            more = {"to": "1", "what": "code"} if then == "claw.rewind" else {}
            answer = await server.command(then, session=session, **more)
            assert (answer["left"], answer["conflicts"]) == ([], [])
            assert contents(root) == (before if then == "claw.rewind" else made)
