"""A repository that nobody trusted, with everything nasty in it: nothing of it runs, nothing it names is contacted."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from at_terminal import at_a_terminal
from command_line import KEY, shell
from process_desk import places, provider, serving
from untrusted import Trap, nasty

from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse

READ = Reply(
    content=tuple(ToolUse(name="Read", input={"file_path": f"{it}/index.js"}) for it in ("node_modules/x", "vendor/y"))
)
TOUCH = Reply(content=(ToolUse(name="Bash", input={"command": "touch made"}),))


def unharmed(trap: Trap, api: MessagesApi) -> None:
    """Nothing was run or contacted, the key is the person's, and what lies in vendored trees was not told."""
    assert trap.sprung == ""
    assert trap.contacts == 0
    assert not (trap.folder / "made").exists()
    assert not (trap.folder / "x").exists()
    assert api.requests
    for it in api.requests:
        assert KEY in json.dumps(dict(it.headers))
        assert "VENDORED" not in json.dumps(it.body)


@pytest.mark.security_case("C05", "C06", "C13", "C14")
@pytest.mark.parametrize("way", ["text", "stream-json"])
async def test_c13_without_a_terminal_nothing_is_trusted_and_what_asks_is_denied(tmp_path: Path, way: str) -> None:
    here = shell(tmp_path, PATH=f".:{os.environ['PATH']}")
    async with nasty(here.folder) as trap, provider(READ, TOUCH, "No.") as api:
        here = shell(tmp_path, api.url, PATH=f".:{os.environ['PATH']}")
        ended = await here.claw("run", "make it", "--output-format", way)
        unharmed(trap, api)
    assert ended.code == 3
    assert "that the files of" in ended.out + ended.err
    assert not (here.home / "claw" / "trust.json").exists()


async def test_the_traps_do_spring_where_somebody_steps_into_them(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    async with nasty(tmp_path / "ws") as trap:
        for argv in (("git", "status"), ("./ls",), ("sh", "./rc")):
            trap.mark.unlink(missing_ok=True)
            process = await asyncio.create_subprocess_exec(*argv, cwd=trap.folder, stdout=-3, stderr=-3)
            await process.wait()
            assert trap.sprung, argv
        _, writer = await asyncio.open_connection("127.0.0.1", int(trap.url.rpartition(":")[2]))
        writer.close()
        async with asyncio.timeout(40):
            while trap.contacts == 0:
                await asyncio.sleep(0.005)


async def test_in_an_editor_nothing_comes_into_force_while_the_question_waits(tmp_path: Path) -> None:
    root, _ = places(tmp_path)
    async with nasty(root) as trap, provider(TOUCH, "No.") as api, serving(tmp_path, api, "nvim") as server:
        server.auto = "Not now"
        begun = await server.command("claw.ask", prompt="make it")
        await server.until(lambda: len(server.boxes) > 1)
        trust, bash = server.boxes
        assert trust["actions"][0]["title"] == "Not now"
        assert "hook SessionStart" in trust["message"] or "more" in trust["message"]
        assert bash["message"].startswith("Claw wants to run: touch made")
        (waiting,) = (await server.command("claw.questions"))["questions"]
        await server.command("claw.answer", question=waiting["question"], choice="deny")
        ended = await server.command("claw.wait", run=begun["run"])
        assert ended["stopped"] == "refused"
        unharmed(trap, api)


async def test_at_a_terminal_the_folder_is_asked_about_before_the_turn_and_a_yes_counts_in_it(tmp_path: Path) -> None:
    here = shell(tmp_path)
    (here.folder / ".claw").mkdir()
    (here.folder / ".claw" / "settings.json").write_text('{"permissions": {"allow": ["Bash(touch *)"]}}')
    async with provider(TOUCH, "Done.", TOUCH, "Again.") as api:
        here = shell(tmp_path, api.url)
        code, shown = await at_a_terminal(here, ("run", "make it"), [("Trust this folder", "a\n")])
        assert (code, (here.folder / "made").exists()) == (0, True)
        assert "allow rule Bash(touch *)" in shown
        assert (await here.claw("run", "again")).code == 0


@pytest.mark.parametrize("argv", [("run", "hello", "--resume"), ("sessions", "show"), ("sessions", "export")])
async def test_c23_no_subcommand_takes_what_is_no_id(tmp_path: Path, argv: tuple[str, ...]) -> None:
    here = shell(tmp_path, "http://127.0.0.1:9")
    ended = await here.claw(*argv, 'x --mcp-config {"a":1}; touch p')
    assert ended.code in (1, 2)
    assert "Traceback" not in ended.err
    assert not (here.folder / "p").exists()
    assert not list((here.home).rglob("*.jsonl"))
