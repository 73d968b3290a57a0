"""MCP servers, connected to as programs: up, called, cancelled, ended with us, and odd ones that harm nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from claw_lsp.adapters.mcp.calls import Running, progress
from claw_lsp.adapters.mcp.keeping import kept_bytes
from claw_lsp.adapters.mcp.program import program
from claw_lsp.adapters.mcp.servers import McpServers
from claw_lsp.adapters.mcp.tokens import LoginStore, SystemKeyring
from claw_lsp.core.mcp.names import servers as named
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import Configured, Elicitation, Elicited, Sampled, ServerConfig, ServerTool, ServerView
from claw_lsp.facts.settings import Settings

PROGRAM = str(Path(__file__).with_name("mcp_server.py"))
PATIENCE = 60.0


class Nobody:
    async def elicit(self, elicitation: Elicitation) -> Elicited:
        return Elicited("cancel")

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        return None


class Host:
    """Answers every form with this number; `n_asked` counts."""

    def __init__(self, guests: int) -> None:
        self.guests, self.n_asked = guests, 0

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        self.n_asked += 1
        return Elicited("accept", {"guests": self.guests})

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        return None


class Given:
    """Fills the port Entries with servers that may be started."""

    def __init__(self, *configs: ServerConfig) -> None:
        self.configs = configs

    async def read(self, folder: str, settings: Settings) -> Configured:
        return Configured(tuple(ServerView(it, "waiting") for it in self.configs))

    async def switch(self, folder: str, server: str, *, on: bool) -> None:
        raise AssertionError


def ours(name: str = "tests", *args: str, **env: str) -> ServerConfig:
    return ServerConfig(
        name=name, scope="user", transport="stdio", command=sys.executable, args=(PROGRAM, *args), env=env
    )


@asynccontextmanager
async def served(tmp_path: Path, *configs: ServerConfig, **env: str) -> AsyncGenerator[tuple[McpServers, str, Given]]:
    folder, given = str(tmp_path), Given(*configs)
    environment = {"PATH": os.environ["PATH"], "HOME": folder, **env}
    it = McpServers(given, LoginStore(str(tmp_path / "claw"), SystemKeyring()), environment, str(tmp_path / "claw"))
    it.configure(folder, (folder,), Settings.model_validate({}))
    try:
        await it.settled(folder, (), PATIENCE)
        yield it, folder, given
    finally:
        await it.close()


async def words(it: McpServers, folder: str, name: str, /, **arguments: Any) -> str:
    answer = await it.call(folder, tool(it, folder, name), arguments, Nobody(), _told)
    return "".join(one["text"] for one in answer.blocks)


def tool(it: McpServers, folder: str, name: str) -> ServerTool:
    return next(one for one in it.tools(folder) if one.name == name)


async def _told(_: str) -> None:
    return


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def gone(*pids: int) -> bool:
    for _ in range(600):
        if not any(map(alive, pids)):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_server_says_what_it_offers_and_its_tools_resources_and_prompts_work(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        (view,) = it.views(folder)
        assert (view.standing, view.why) == ("up", "")
        assert tool(it, folder, "add").called == "mcp__tests__add"
        assert await words(it, folder, "add", a=2, b=40) == "42"
        assert [one.uri for one in view.resources] == ["notes://one", "notes://zip"]
        assert await it.read(folder, "tests", "notes://one") == ({"type": "text", "text": "the first note"},)
        assert await it.prompt(folder, view.prompts[0], {"code": "x = 1"}) == (
            {"type": "text", "text": "Please review: x = 1"},
        )


async def test_a_tool_that_fails_says_so(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        answer = await it.call(folder, tool(it, folder, "wrong"), {}, Nobody(), _told)
        assert answer.is_error


@pytest.mark.security_case("M05")
async def test_a_server_sees_no_key_of_ours_but_what_its_entry_gives(tmp_path: Path) -> None:
    async with served(tmp_path, ours(TOKEN_OF_ITS_OWN="yes"), ANTHROPIC_API_KEY="sk-ant-x") as (it, folder, _):
        assert await words(it, folder, "variable", name="ANTHROPIC_API_KEY") == "(not set)"
        assert await words(it, folder, "variable", name="TOKEN_OF_ITS_OWN") == "yes"


async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        pids = [int(one) for one in (await words(it, folder, "child")).split()]
        assert all(map(alive, pids))
    assert await gone(*pids)


async def test_a_server_that_is_called_off_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"echo $$ > {pid}; exec sleep 600"
    config = ServerConfig(name="slow", scope="user", transport="stdio", command="/bin/sh", args=("-c", script))

    async def use() -> None:
        async with program(config, os.environ, str(tmp_path), lambda _: None, lambda: None):
            await asyncio.Event().wait()

    using = asyncio.create_task(use())
    while not any(str(pid) in " ".join(it.cmdline()) for it in psutil.Process().children()):
        await asyncio.sleep(0)
    # The loop stands still from here on: the server has begun, and nobody has heard of it yet.
    while not pid.exists() or not pid.read_text():
        time.sleep(0.01)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert await gone(int(pid.read_text()))


async def test_a_server_that_is_no_longer_configured_is_ended(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, given):
        pids = [int(one) for one in (await words(it, folder, "child")).split()]
        given.configs = ()
        it.configure(folder, (folder,), Settings.model_validate({}))
        assert await gone(*pids)
        assert it.tools(folder) == ()


async def test_a_server_that_died_comes_back(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        with pytest.raises(ToolError):
            await words(it, folder, "die")
        for _ in range(600):
            if it.tools(folder):
                break
            await asyncio.sleep(0.1)
        assert await words(it, folder, "add", a=1, b=1) == "2"


async def test_a_server_that_is_killed_and_does_not_come_back_is_tried_later_each_time_and_its_tools_say_so(
    tmp_path: Path,
) -> None:
    once = f'test -e once && exit 3; touch once; exec "{sys.executable}" "{PROGRAM}"'
    config = ours().model_copy(update={"command": "/bin/sh", "args": ("-c", once)})
    async with served(tmp_path, config) as (it, folder, _):
        add, whys = tool(it, folder, "add"), list[str]()
        it.on_change(lambda _: whys.append(it.views(folder)[0].why))
        pids = [int(one) for one in (await words(it, folder, "child")).split()]
        os.kill(pids[0], signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while not any("again in 2 s." in one for one in whys):
                await asyncio.sleep(0.05)
        waits = [one.rpartition("It is tried again in ")[2] for one in whys if "tried again" in one]
        assert waits[:2] == ["1 s.", "2 s."]
        with pytest.raises(
            ToolError,
            match=r"The MCP server tests is not connected \((failed: .* It is tried again in \d+ s|starting)\)\.$",
        ):
            await it.call(folder, add, {"a": 1, "b": 1}, Nobody(), _told)
        assert it.tools(folder) == ()
        assert await gone(*pids), "what it had started is ended too"
        (tmp_path / "once").unlink()
        await it.restart(folder, "tests")
        await it.settled(folder, (), PATIENCE)
        assert await words(it, folder, "add", a=1, b=1) == "2"


async def test_a_call_that_is_cancelled_leaves_the_server_usable_and_progress_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        lines: asyncio.Queue[str] = asyncio.Queue()
        call = asyncio.create_task(it.call(folder, tool(it, folder, "slow"), {}, Nobody(), lines.put))
        assert await asyncio.wait_for(lines.get(), PATIENCE) == "a quarter (1 of 4)"
        call.cancel()
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
        assert await words(it, folder, "add", a=1, b=2) == "3"


async def test_what_is_asked_during_calls_side_by_side_is_asked_where_each_was_made(tmp_path: Path) -> None:
    asking = ours("asking").model_copy(update={"args": (PROGRAM.replace("mcp_server", "asking_server"),)})
    async with served(tmp_path, asking) as (it, folder, _):
        order, hosts = tool(it, folder, "order"), [Host(n) for n in range(1, 5)]
        calls = [it.call(folder, order, {"what": "soup"}, one, _told) for one in hosts]
        said = [answer.blocks[0]["text"] for answer in await asyncio.gather(*calls)]
        assert said == [f"soup for {n}, inside" for n in range(1, 5)]
        assert [one.n_asked for one in hosts] == [1, 1, 1, 1]


async def test_a_call_that_goes_on_is_given_more_time_and_one_beside_it_that_does_not_is_not() -> None:
    async with asyncio.timeout(100) as one, asyncio.timeout(100) as other:
        before = other.when()
        goes_on, stands = Running(Nobody(), one, 1000), Running(Nobody(), other, 1000)
        assert one.when() is not None and before is not None
        await progress(_told, goes_on)(1, 20, None)
        assert (one.when() or 0) > before + 500
        assert (stands.limit.when(), stands.seconds) == (before, 1000)


async def test_odd_servers_say_what_is_wrong_and_hold_up_no_other(tmp_path: Path) -> None:
    missing = ServerConfig(name="missing", scope="user", transport="stdio", command="no-such-program-here")
    async with served(tmp_path) as (it, folder, given):
        given.configs = (ours("good"), ours("garbage", "garbage"), missing, ours("silent", "silent"))
        it.configure(folder, (folder,), Settings.model_validate({}))
        await it.settled(folder, ("good", "garbage"), PATIENCE)
        views = {one.config.name: one for one in it.views(folder)}
        assert views["good"].standing == "up"
        assert views["garbage"].standing == "up"
        assert views["silent"].standing == "starting"
        assert any("Hello! This is no message." in line for line in views["garbage"].log)
        said = "no-such-program-here could not be started: No such file or directory"
        for _ in range(600):
            if said in it.views(folder)[2].why:
                break
            await asyncio.sleep(0.1)
        assert said in it.views(folder)[2].why


async def test_a_server_that_floods_is_left(tmp_path: Path) -> None:
    async with served(tmp_path, ours("flood", "flood")) as (it, folder, _):
        (view,) = it.views(folder)
        assert view.standing == "failed"
        assert any("message of more than" in line for line in view.log)


@pytest.mark.security_case("M02")
def test_no_server_is_called_like_another() -> None:
    assert len(set(named(["a b", "a_b", "A_B", "a__b"]).values())) == 4


async def test_a_server_over_http_is_connected_to_and_none_where_machines_hand_out_credentials(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, "http", str(port))
    try:
        near = ServerConfig(name="near", scope="user", transport="http", url=f"http://127.0.0.1:{port}/mcp")
        cloud = ServerConfig(name="cloud", scope="user", transport="http", url="http://169.254.169.254/mcp")
        async with served(tmp_path, near, cloud) as (it, folder, _):
            for _ in range(600):
                if it.tools(folder) and "link-local" in it.views(folder)[1].why:
                    break
                await asyncio.sleep(0.1)
            assert await words(it, folder, "add", a=3, b=4) == "7"
            assert "169.254.169.254 is a link-local address" in it.views(folder)[1].why
    finally:
        process.kill()
        await process.wait()


async def test_how_long_a_server_may_take_to_come_up_is_said_by_the_environment(tmp_path: Path) -> None:
    async with served(tmp_path, ours("silent", "silent"), MCP_TIMEOUT="200") as (it, folder, _):
        assert it.views(folder)[0].why.startswith("It did not come up within 0.2 s.")


async def test_how_long_a_call_may_take_is_said_by_the_environment_and_before_that_by_the_entry(tmp_path: Path) -> None:
    patient = ours("patient").model_copy(update={"timeout": 0.2})
    async with served(tmp_path, ours(), patient, MCP_TOOL_TIMEOUT="300") as (it, folder, _):
        for name, seconds in (("tests", "0.3"), ("patient", "0.2")):
            slow = next(one for one in it.tools(folder) if (one.server, one.name) == (name, "slow"))
            with pytest.raises(ToolError, match=f"The MCP server {name} did not answer within {seconds} s"):
                await it.call(folder, slow, {}, Nobody(), _told)


async def test_sound_and_bytes_go_to_files_of_the_persons_alone(tmp_path: Path) -> None:
    async with served(tmp_path, ours()) as (it, folder, _):
        said = await words(it, folder, "sound")
        [packed] = await it.read(folder, "tests", "notes://zip")
        files = {one.suffix: one for one in (tmp_path / "claw" / "output" / "mcp").iterdir()}
        assert {suffix: one.read_bytes() for suffix, one in files.items()} == {
            ".wav": b"RIFFwave",
            ".zip": b"PK\x03\x04",
        }
        assert all(one.stat().st_mode & 0o777 == 0o600 for one in files.values())
        assert said == f"[Audio (audio/wav, 8 bytes) is in {files['.wav']}]"
        assert packed["text"] == f"[notes://zip (application/zip, 4 bytes) is in {files['.zip']}]"


def test_files_of_long_ago_go_when_another_is_written_and_what_is_no_base64_is_refused(tmp_path: Path) -> None:
    old = Path(kept_bytes(tmp_path, "QUFB", "application/zip"))
    os.utime(old, (0, 0))
    new = Path(kept_bytes(tmp_path, "QUFB", "no/such-type"))
    assert (old.exists(), new.suffix, new.read_bytes()) == (False, ".bin", b"AAA")
    with pytest.raises(ValueError, match="base64"):
        kept_bytes(tmp_path, "not base64!", "application/zip")
