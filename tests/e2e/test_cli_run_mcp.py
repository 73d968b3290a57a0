"""`claw-lsp run --mcp-config`: servers for one turn, called by the scripted model; what cannot be used is said and nothing is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import Shell, shell
from test_cli_run import provider

from claw_lsp.testing.messages_api import Reply, ToolUse

SERVER = Path(__file__).parents[1] / "wire" / "mcp_server.py"
HOOK = {"type": "mcp_tool", "server": "calc", "tool": "add", "input": {"a": 2, "b": 40}}
"""A server's tool that says something to each prompt: 42."""


def servers() -> str:
    return json.dumps({"mcpServers": {"calc": {"command": sys.executable, "args": [str(SERVER)]}}})


def hooked(here: Shell) -> Path:
    """The person's own folder of settings, in which the hook stands."""
    home = here.home / "claw"
    home.mkdir()
    (home / "settings.json").write_text(json.dumps({"hooks": {"UserPromptSubmit": [{"hooks": [HOOK]}]}}))
    return home


@pytest.mark.parametrize("as_file", [False, True])
async def test_a_server_of_the_command_line_is_up_when_the_turn_begins(tmp_path: Path, as_file: bool) -> None:
    async with provider(tmp_path, "Hello.") as (here, api):
        hooked(here)
        (here.folder / "servers.json").write_text(servers())
        ended = await here.claw("run", "hello", "--mcp-config", "servers.json" if as_file else servers())
        assert ended.code == 0, ended.err
        told = [it["text"] for it in api.requests[0].body["messages"][0]["content"]]
        assert any(it.endswith("\n42\n</hook_result>") for it in told), ended.err


async def test_strict_leaves_out_what_the_files_configure(tmp_path: Path) -> None:
    async with provider(tmp_path, "Hello.", "Hello.") as (here, _):
        (hooked(here) / "mcp.json").write_text(servers())
        said = [
            (await here.claw("run", "hello", "--mcp-config", "{}", *it)).err for it in ((), ("--strict-mcp-config",))
        ]
    assert ["there is no MCP server named calc" in it for it in said] == [False, True], said


async def test_the_tools_of_a_server_of_the_command_line_are_told_of_in_the_first_request(tmp_path: Path) -> None:
    search = ToolUse(name="ToolSearch", input={"query": "select:mcp__calc__add"})
    add = ToolUse(name="mcp__calc__add", input={"a": 2, "b": 40})
    async with provider(tmp_path, Reply(content=(search,)), Reply(content=(add,)), "42.") as (here, api):
        home = here.home / "claw"
        home.mkdir()
        (home / "settings.json").write_text(json.dumps({"permissions": {"allow": ["mcp__calc"]}}))
        ended = await here.claw("run", "add them", "--mcp-config", servers())
        assert (ended.code, ended.out) == (0, "42.\n"), ended.err
        first, last = (json.dumps(api.requests[n].body["messages"]) for n in (0, 2))
    assert "- calc: mcp__calc__add" in first
    assert "\\n42\\n</mcp_result>" in last


@pytest.mark.parametrize("answers", [True, False])
async def test_what_a_server_asks_in_a_turn_is_answered_by_hooks_and_else_by_nobody(
    tmp_path: Path, *, answers: bool
) -> None:
    search = ToolUse(name="ToolSearch", input={"query": "select:mcp__asking__order"})
    order = ToolUse(name="mcp__asking__order", input={"what": "soup"})
    said = {"hookEventName": "Elicitation", "action": "accept", "content": {"guests": 4, "where": "outside"}}
    hook = {"type": "command", "command": f"echo '{json.dumps({'hookSpecificOutput': said})}'"}
    asking = {"command": sys.executable, "args": [str(SERVER.with_name("asking_server.py"))]}
    async with provider(tmp_path, Reply(content=(search,)), Reply(content=(order,)), "Done.") as (here, api):
        (home := here.home / "claw").mkdir()
        hooks = {"Elicitation": [{"matcher": "asking", "hooks": [hook]}]} if answers else {}
        (home / "settings.json").write_text(json.dumps({"permissions": {"allow": ["mcp__asking"]}, "hooks": hooks}))
        ended = await here.claw("run", "order", "--mcp-config", json.dumps({"mcpServers": {"asking": asking}}))
        assert (ended.code, ended.out) == (0, "Done.\n"), ended.err
        assert ("soup for 4, outside" in json.dumps(api.requests[2].body["messages"])) is answers


async def test_a_server_that_does_not_come_up_is_said_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with provider(tmp_path, "Hello.") as (here, _):
        gone = '{"mcpServers": {"gone": {"command": "no-such-program-here"}}}'
        ended = await here.claw("run", "hello", "--mcp-config", gone)
    assert (ended.code, ended.out) == (0, "Hello.\n")
    assert "The MCP server gone is not up (failed: " in ended.err
    assert "no-such-program-here could not be started" in ended.err


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
