"""R04 to R09 in a real process: what a signal, a closed pipe and a dead editor leave behind is an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import claw_lsp
from claw_lsp.lsp.transport.framing import frame
from claw_lsp.testing.wire import spawned

SCRIPT = """
import asyncio, sys, time
from pathlib import Path
from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.outgoing import Limits
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing
from claw_lsp.lsp.transport.stdio import run_stdio

async def clean_up():
    Path(__file__).with_name("cleaned").write_text("yes")

server = DoorServer("tiny", "1", hooks=Hooks(clean_up=clean_up))

@server.command("modules")
def modules(*names):
    return [it for it in names if it in sys.modules]

@server.command("print")
def stray():
    print("stray", flush=True)

@server.command("child")
async def child():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(repr(input()) if 0 else 'child')")
    return await process.wait()

@server.command("big")
def big(size):
    return "x" * size

@server.command("stuck")
async def stuck():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 30)

sys.exit(run_stdio(server, Timing(watch_parent=0.1), Limits(full=2 * 1024 * 1024, patience=0.3)))
"""
ENV = {"PYTHONPATH": str(Path(claw_lsp.__file__).parent.parent)}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "server.py"
    path.write_text(SCRIPT)
    return path


def cleaned(script: Path) -> bool:
    return (script.parent / "cleaned").exists()


async def run(client: Any, command: str, *arguments: Any) -> Any:
    return await client.request("workspace/executeCommand", {"command": command, "arguments": list(arguments)})


async def test_a_polite_end_is_0_and_the_handshake_imports_nothing_heavy(script: Path) -> None:
    async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
        await client.initialize()
        assert await run(client, "modules", "anthropic", "mcp", "websockets", "psutil", "httpx2") == []
    assert client.exit_code == 0
    assert client.stderr == b""
    assert cleaned(script)


async def test_what_is_printed_goes_to_stderr_and_children_get_no_stdin(script: Path) -> None:
    async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
        await client.initialize()
        await run(client, "print")
        assert await run(client, "child") == 0
    assert client.stderr.split() == [b"stray", b"child"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
async def test_r08_signals_clean_up_and_say_which(script: Path, number: signal.Signals, code: int) -> None:
    async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
        await client.initialize()
        assert client.process
        client.process.send_signal(number)
        assert await client.wait_closed() == code
    assert cleaned(script)


async def test_r04_r05_the_input_ends_and_so_does_the_process_though_a_command_hangs(script: Path) -> None:
    for goodbye in ("exit", None):
        async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
            await client.initialize()
            await run(client, "stuck")
            if goodbye:
                client.notify(goodbye)
            else:
                client.hang_up()
            assert await client.wait_closed() == 1
        assert cleaned(script)
        (script.parent / "cleaned").unlink()


async def test_r06_an_editor_that_died_is_noticed_though_its_pipe_stays_open(script: Path) -> None:
    async with spawned([sys.executable, "-c", "input()"]) as editor:
        assert editor.process
        async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
            await client.initialize(processId=editor.process.pid)
            await run(client, "modules")
            await asyncio.sleep(0.2)
            editor.process.kill()
            assert await client.wait_closed() == 1
    assert cleaned(script)


async def test_r09_an_editor_that_stops_reading_is_given_up_in_flat_memory(script: Path) -> None:
    async with spawned([sys.executable, str(script)], ENV, script.parent) as client:
        await client.initialize()
        assert client.process
        memory = psutil.Process(client.process.pid)
        before = memory.memory_info().rss
        client.pause_reading()
        for _ in range(200):
            client.send_request("workspace/executeCommand", {"command": "big", "arguments": [100_000]})
        grown = 0
        while client.process.returncode is None:
            with contextlib.suppress(psutil.Error):
                grown = max(grown, memory.memory_info().rss - before)
            await asyncio.sleep(0.01)
        assert await client.wait_closed() == 1
        assert grown < 30_000_000
    assert cleaned(script)


def say(*methods: str) -> bytes:
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "method": it, "params": {"capabilities": {}}} | ({} if it == "exit" else {"id": n})
        for n, it in enumerate(methods)
    ]
    return b"".join(frame(json.dumps(it).encode()) for it in messages)


def test_files_instead_of_pipes_are_read_and_written(script: Path) -> None:
    said, heard = script.parent / "said", script.parent / "heard"
    said.write_bytes(say("initialize", "shutdown", "exit"))
    with said.open("rb") as stdin, heard.open("wb") as stdout:
        code = subprocess.call(
            [sys.executable, str(script)], stdin=stdin, stdout=stdout, env=os.environ | ENV, timeout=10
        )
    assert code == 0
    assert heard.read_bytes().endswith(frame(b'{"jsonrpc":"2.0","id":1,"result":null}'))


def test_one_socket_for_both_directions(script: Path) -> None:
    near, far = socket.socketpair()
    with near, far:
        process = subprocess.Popen([sys.executable, str(script)], stdin=far, stdout=far, env=os.environ | ENV)
        far.close()
        near.sendall(say("initialize", "shutdown", "exit"))
        heard = b"".join(iter(lambda: near.recv(65536), b""))
        assert process.wait(10) == 0
    assert heard.endswith(frame(b'{"jsonrpc":"2.0","id":1,"result":null}'))


def test_importing_the_wire_is_cheap() -> None:
    code = "import sys, claw_lsp.lsp.transport.stdio; print([it for it in sys.modules if it.split('.')[0] in {%s}])"
    unwanted = ", ".join(map(repr, ["anthropic", "mcp", "websockets", "psutil", "pydantic", "rich", "httpx2"]))
    argv = [sys.executable, "-c", code % unwanted]
    assert subprocess.check_output(argv, env=os.environ | ENV, text=True) == "[]\n"
