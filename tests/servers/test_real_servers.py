"""`claw-lsp mcp` with servers that nobody here wrote, over each wire: they are up, and what they offer is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from server_desk import EVERYTHING, FILESYSTEM, NPM, listening, needs_npm, program

from tests.e2e.command_line import Shell, shell

pytestmark = [needs_npm, pytest.mark.timeout(240)]


async def told(it: Shell, name: str, *more: str) -> str:
    """What `get` says of a server that was added so."""
    added = await it.claw("mcp", "add", *more)
    assert added.code == 0, added.err
    ended = await it.claw("mcp", "get", name)
    assert ended.code == 0, ended.err
    return ended.out


def with_node(*command: str) -> tuple[str, ...]:
    """A command that finds the Node.js of the tests: a server gets the search path its entry names."""
    return ("-e", f"PATH={NPM.environment['PATH']}", *command)


async def test_everything_over_stdio(tmp_path: Path) -> None:
    said = await told(shell(tmp_path), "all", *with_node("all", "--", program(EVERYTHING)))
    assert "standing:   up" in said, said
    assert "echo" in said


@pytest.mark.parametrize(("transport", "wire", "path"), [("http", "streamableHttp", "mcp"), ("sse", "sse", "sse")])
async def test_everything_over_http(tmp_path: Path, transport: str, wire: str, path: str) -> None:
    async with listening(wire) as port:
        said = await told(shell(tmp_path), "all", "-t", transport, "all", f"http://127.0.0.1:{port}/{path}")
    assert "standing:   up" in said, said
    assert "echo" in said


async def test_the_filesystem_over_stdio(tmp_path: Path) -> None:
    it = shell(tmp_path)
    said = await told(it, "files", *with_node("files", "--", program(FILESYSTEM), str(it.folder)))
    assert "standing:   up" in said, said
    assert "read_text_file" in said


async def test_a_server_that_cannot_start_is_told_with_what_it_printed(tmp_path: Path) -> None:
    it = shell(tmp_path)
    said = await told(it, "files", *with_node("files", "--", program(FILESYSTEM), str(it.folder / "not there")))
    assert "standing:   failed" in said, said
