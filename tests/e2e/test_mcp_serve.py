"""`claw-lsp mcp serve`: another agent, with the SDK's own client, asks the real processes what the editor shows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from process_desk import Json, Server, provider, serving

from claw_lsp.adapters.shared_editors import SharedEditors
from claw_lsp.facts.fault import HostError
from claw_lsp.facts.shared import Asked

ON_DISK, SHOWN = "total = 1\n", "total = 1  # typed, not saved\n"


def shared(tmp_path: Path, **settings: Any) -> Path:
    """CLAW_HOME of somebody who shares their editor."""
    home = tmp_path / "home" / "claw"
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.json").write_text(json.dumps({"shareEditor": True} | settings))
    return home


def command(tmp_path: Path, *more: str) -> StdioServerParameters:
    home = tmp_path / "home"
    (tmp_path / "ws").mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "CLAW_HOME": str(home / "claw")}
    args = ["-m", "claw_lsp", "mcp", "serve", "--cwd", str(tmp_path / "ws"), *more]
    return StdioServerParameters(command=sys.executable, args=args, env=environment)


async def told(agent: Client, tool: str, **given: Any) -> Json:
    answer = await agent.call_tool(tool, given)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    return answer.structured_content


async def refused(agent: Client, tool: str, **given: Any) -> str:
    answer = await agent.call_tool(tool, given)
    assert answer.is_error
    return "".join(getattr(it, "text", "") for it in answer.content)


async def reachable(home: Path, n: int = 1) -> tuple[str, ...]:
    """The editors that are shared, once there are so many."""
    async with asyncio.timeout(60):
        while len(found := await SharedEditors(str(home)).known()) < n:
            await asyncio.sleep(0.02)
    return found


def opened(editor: Server, name: str = "calc.py", text: str = SHOWN) -> str:
    """A file that is open with text that is not on the disk."""
    path = editor.root / name
    path.write_text(ON_DISK)
    editor.editor.open(str(path), text, "python")
    return str(path)


@asynccontextmanager
async def sharing(tmp_path: Path, like: str = "nvim", **settings: Any) -> AsyncGenerator[tuple[Server, str]]:
    """An editor whose person shares it, with calc.py open."""
    home = shared(tmp_path, **settings)
    async with provider() as api, serving(tmp_path, api, like=like) as editor:
        path = opened(editor)
        await reachable(home)
        yield editor, path


async def test_another_agent_sees_the_text_that_is_not_saved_and_where_the_person_is(tmp_path: Path) -> None:
    async with sharing(tmp_path) as (editor, path), Client(command(tmp_path)) as agent:
        names = {it.name for it in (await agent.list_tools()).tools}
        assert names == {
            *("open_buffers", "read_buffer", "diagnostics", "selection", "find_symbols"),
            *("propose_edit", "list_proposals"),
        }
        buffers = (await told(agent, "open_buffers"))["buffers"]
        assert [(it["path"], it["unsaved"]) for it in buffers] == [(path, True)]
        seen = await told(agent, "read_buffer", path="calc.py")
        assert (seen["text"], seen["open"], seen["unsaved"]) == (SHOWN, True, True)
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 5}}
        wrong = {"range": place, "severity": 1, "source": "linter", "message": "no such total"}
        params = {"textDocument": {"uri": editor.editor.uri(path)}, "range": place, "context": {"diagnostics": [wrong]}}
        await editor.client.request("textDocument/codeAction", params, timeout=60)
        here = await told(agent, "selection")
        assert (here["path"], here["first_line"], here["text"]) == (path, 1, "total")
        (complaint,) = (await told(agent, "diagnostics"))["diagnostics"]
        assert (complaint["message"], complaint["first_line"], complaint["source"]) == ("no such total", 1, "linter")
        assert (await told(agent, "diagnostics", path="calc.py"))["diagnostics"] == [complaint]


async def test_another_agent_finds_where_something_is_defined(tmp_path: Path) -> None:
    async with sharing(tmp_path) as (editor, _), Client(command(tmp_path)) as agent:
        (editor.root / "lib.py").write_text("x = 1\n\n\ndef add_all(a, b):\n    return a + b\n")
        (found,) = (await told(agent, "find_symbols", query="add_all"))["symbols"]
        assert (found["name"], found["path"], found["line"]) == ("add_all", str(editor.root / "lib.py"), 4)


async def test_a_proposal_changes_nothing_until_the_person_applies_it_and_the_agent_learns_that(tmp_path: Path) -> None:
    async with sharing(tmp_path) as (editor, path), Client(command(tmp_path)) as agent:
        answer = await told(agent, "propose_edit", path="calc.py", old_text="= 1", new_text="= 2", why="It is two.")
        assert "waits" in answer["told"]
        assert [it["state"] for it in answer["proposals"]] == ["open"]
        assert (editor.editor.text(path), Path(path).read_text()) == (SHOWN, ON_DISK)
        (hunk,) = (await editor.command("claw.hunks"))["hunks"]
        assert hunk["hunk"] == answer["proposals"][0]["id"]
        again = await told(agent, "propose_edit", path="calc.py", old_text="= 2", new_text="= 3")
        assert [it["state"] for it in again["proposals"] if it["state"] == "open"] == ["open"]
        await editor.command("claw.apply", uri=editor.editor.uri(path))
        assert editor.editor.text(path) == SHOWN.replace("= 1", "= 3")
        states = [it["state"] for it in (await told(agent, "list_proposals"))["proposals"]]
        assert "applied" in states
        assert "open" not in states
        texts = [it["text"] for it in editor.log if it["kind"] == "user_spoke"]
        assert texts == ["Another agent proposes an edit."] * 2


async def test_a_new_file_can_be_proposed_and_dismissed(tmp_path: Path) -> None:
    async with sharing(tmp_path) as (editor, _), Client(command(tmp_path)) as agent:
        answer = await told(agent, "propose_edit", path="new.py", old_text="", new_text="x = 1\n")
        assert [it["state"] for it in answer["proposals"]] == ["open"]
        await editor.command("claw.dismiss", uri=editor.editor.uri(str(editor.root / "new.py")))
        assert [it["state"] for it in (await told(agent, "list_proposals"))["proposals"]] == ["dismissed"]
        assert not (editor.root / "new.py").exists()


async def test_what_cannot_be_done_is_a_sentence_for_the_agent(tmp_path: Path) -> None:
    rules = {"permissions": {"deny": ["Read(private/**)", "Edit(locked.py)"]}}
    async with sharing(tmp_path, **rules) as (editor, _), Client(command(tmp_path)) as agent:
        for name in ("private/key.txt", ".env", "locked.py"):
            (editor.root / name).parent.mkdir(exist_ok=True)
            (editor.root / name).write_text("secret = 1\n")
        assert "not shared with other agents" in await refused(agent, "read_buffer", path="private/key.txt")
        assert "not shared with other agents" in await refused(agent, "read_buffer", path=".env")
        assert "not shared with other agents" in await refused(agent, "read_buffer", path="/etc/hostname")
        assert "found 0 times" in await refused(agent, "propose_edit", path="calc.py", old_text="= 9", new_text="= 2")
        wanted = {"path": "locked.py", "old_text": "= 1", "new_text": "= 2"}
        assert "Edit(locked.py)" in await refused(agent, "propose_edit", **wanted)
        assert (await told(agent, "list_proposals"))["proposals"] == []


async def test_without_a_shared_editor_there_is_a_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "home" / "claw").mkdir(parents=True)
    async with provider() as api, serving(tmp_path, api) as editor, Client(command(tmp_path)) as agent:
        opened(editor)
        await editor.command("claw.status")
        said = await refused(agent, "open_buffers")
        assert '"shareEditor": true' in said
        assert str(tmp_path / "ws") in said


async def test_a_project_cannot_share_the_editor(tmp_path: Path) -> None:
    (tmp_path / "ws" / ".claw").mkdir(parents=True)
    (tmp_path / "ws" / ".claw" / "settings.json").write_text('{"shareEditor": true}')
    async with provider() as api, serving(tmp_path, api, said={"initializationOptions": {"shareEditor": True}}) as it:
        await it.command("claw.status")
        await it.command("claw.status")
        assert not list((tmp_path / "home").glob("claw/editors/*.json"))


async def test_of_several_editors_the_one_that_has_the_file_open_answers(tmp_path: Path) -> None:
    home = shared(tmp_path)
    async with provider() as api, serving(tmp_path, api) as first:
        opened(first, "a.py", "of the first\n")
        await reachable(home)
        async with serving(tmp_path, api) as second, Client(command(tmp_path)) as agent:
            opened(second, "b.py", "of the second\n")
            await reachable(home, 2)
            assert (await told(agent, "read_buffer", path="a.py"))["text"] == "of the first\n"
            assert (await told(agent, "read_buffer", path="b.py"))["text"] == "of the second\n"


async def test_an_editor_that_is_gone_leaves_nothing_and_one_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    async with sharing(tmp_path) as (editor, _):
        (name,) = await reachable(tmp_path / "home" / "claw")
        await editor.client.shut_down()
    folder = tmp_path / "home" / "claw" / "editors"
    assert list(folder.iterdir()) == []
    (folder / f"{name}.json").write_text(json.dumps({"address": str(folder / f"{name}.sock"), "token": "x"}))
    with pytest.raises(HostError):
        await SharedEditors(str(folder.parent)).ask(name, Asked(wish="here", agent="t"))
    assert list(folder.iterdir()) == []


@pytest.mark.security_case("M04")
async def test_the_socket_is_the_owners_alone_and_tells_a_stranger_nothing(tmp_path: Path) -> None:
    async with sharing(tmp_path):
        folder = tmp_path / "home" / "claw" / "editors"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {it.stat().st_mode & 0o777 for it in folder.iterdir()} == {0o600}
        (record,) = folder.glob("*.json")
        address = json.loads(record.read_text())["address"]
        asked = Asked(wish="buffers", agent="t").model_dump()
        for line in ({"token": "wrong", "asked": asked}, {"asked": asked}, [], "POST / HTTP/1.1"):
            connect = asyncio.open_unix_connection if isinstance(address, str) else _loopback
            reader, writer = await connect(address)
            writer.write((line if isinstance(line, str) else json.dumps(line)).encode() + b"\r\n")
            assert await asyncio.wait_for(reader.read(), 60) == b""
            writer.close()


async def _loopback(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


@asynccontextmanager
async def over_http(tmp_path: Path) -> AsyncGenerator[tuple[str, str]]:
    """`claw-lsp mcp serve --http 0`: its address and its token."""
    asked = command(tmp_path, "--http", "0")
    process = await asyncio.create_subprocess_exec(
        asked.command, *asked.args, env=asked.env, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.readline(), 60)).decode()
        found = re.fullmatch(r"claw-lsp: mcp (http://127\.0\.0\.1:\d+/mcp) token (\S+)\n", said)
        assert found, said
        yield found[1], found[2]
    finally:
        process.terminate()
        await process.wait()


async def test_over_http_whoever_has_the_token_is_answered(tmp_path: Path) -> None:
    async with sharing(tmp_path), over_http(tmp_path) as (url, token):
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as agent,
        ):
            assert (await told(agent, "read_buffer", path="calc.py"))["text"] == SHOWN


async def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (url, _):
        asked = command(tmp_path, "--http", url.split(":")[2].partition("/")[0])
        process = await asyncio.create_subprocess_exec(
            asked.command, *asked.args, env=asked.env, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 1
        assert b"cannot be listened on: Address already in use. Name another port, or 0." in said


@pytest.mark.security_case("M04")
async def test_over_http_a_stranger_and_a_web_page_are_turned_away(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (url, token), httpx2.AsyncClient(timeout=60) as http:
        said = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        knows = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            (knows | {"Origin": "https://evil.example"}, 403),
            (knows | {"Host": "evil.example"}, 421),
            (knows | {"Host": "127.0.0.1.evil.example:80"}, 421),
        ):
            assert (await http.post(url, json=said, headers=headers)).status_code == status
