"""`claw-lsp run --mcp-config`: servers for one turn, called by the scripted model; what cannot be used is said and nothing is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Shell, shell
from test_cli_run import provider

from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse

SERVER = Path(__file__).parents[1] / "wire" / "mcp_server.py"
ADD = ToolUse(name="mcp__calc__add", input={"a": 2, "b": 40})
SEARCH = ToolUse(name="ToolSearch", input={"query": "select:mcp__calc__add"})


def servers(**more: Any) -> str:
    return json.dumps({"mcpServers": {"calc": {"command": sys.executable, "args": [str(SERVER)]}, **more}})


def allow(here: Shell) -> None:
    """The person allowed every tool of the server, in their own settings."""
    path = here.home / "claw" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"permissions": {"allow": ["mcp__calc"]}}))


def told(api: MessagesApi) -> str:
    return json.dumps([it.body for it in api.requests])


@pytest.mark.parametrize("as_file", [False, True])
async def test_a_server_of_the_command_line_is_there_in_the_first_request(tmp_path: Path, as_file: bool) -> None:
    async with provider(tmp_path, Reply(content=(SEARCH,)), Reply(content=(ADD,)), "42.") as (here, api):
        allow(here)
        given = servers()
        if as_file:
            (here.folder / "servers.json").write_text(given)
            given = "servers.json"
        ended = await here.claw("run", "add them", "--mcp-config", given)
        assert (ended.code, ended.out) == (0, "42.\n"), ended.err
        first = json.dumps(api.requests[0].body)
    assert "- calc: mcp__calc__add" in first


async def test_strict_leaves_out_what_the_files_configure(tmp_path: Path) -> None:
    async with provider(tmp_path, "Hello.", "Hello.") as (here, api):
        own = here.home / "claw" / "mcp.json"
        own.parent.mkdir()
        own.write_text('{"mcpServers": {"mine": {"command": "no-such-program-here"}}}')
        given = ("--mcp-config", '{"mcpServers": {"gone": {"command": "no-such-program-either"}}}')
        for more in ((), ("--strict-mcp-config",)):
            ended = await here.claw("run", "hello", *given, *more)
            assert ended.code == 0
            assert "The MCP server gone is not up (failed: no-such-program-either could not be started" in ended.err
        ended = await here.claw("run", "hello", "--strict-mcp-config", "--mcp-config", "{}")
    assert "mine" not in ended.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.json", "--mcp-config: nowhere.json cannot be read: No such file or directory"),
        ('{"mcpServers": {', "--mcp-config: it is not valid JSON: "),
        ("list.json", "--mcp-config: list.json: expected an object such as"),
        ('{"mcpServers": {"x": {"url": "https://x"}}}', '--mcp-config: mcpServers.x.url: a url needs "type": "http"'),
        (
            '{"mcpServers": {"x": {"command": "${GONE}"}}}',
            "--mcp-config: mcpServers.x.command: the environment variable GONE is not set",
        ),
        (
            '{"mcpServers": {"x": {"type": "ws", "url": "wss://x"}}}',
            "--mcp-config: mcpServers.x.type: claw-lsp does not speak MCP over WebSocket",
        ),
    ],
)
async def test_what_cannot_be_used_is_said_and_the_model_is_not_asked(tmp_path: Path, given: str, said: str) -> None:
    here = shell(tmp_path)
    (here.folder / "list.json").write_text("[]")
    ended = await here.claw("run", "hello", "--mcp-config", given)
    assert ended.code == 2
    assert said in ended.err
