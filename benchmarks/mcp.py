"""`python -m benchmarks.mcp [--rounds N]`: what ten configured MCP servers, one dead and one slow, cost the start and the first turn."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.doors import CLAW, Scene, editor, scene
from benchmarks.script import PROMPT
from claw_lsp.testing.wire import WireClient, spawned

N_SERVERS = 10
SLOW = 60
"""Seconds after which the slow one would answer."""
TOGETHER = 30.0
"""Seconds for those that can come up to do so."""
READY = 3.0
"""Seconds after the handshake until the first prompt, as a person would take: the SDK is imported meanwhile."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Milliseconds and MB, round by round; those without servers, and those with them."""

    handshake: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    first: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    memory: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))


async def round_of(found: Kept) -> None:
    """Measure all of it once more, without servers and with them, in turn."""
    for n, configured in enumerate((False, True)):
        found.handshake[n].append(await _handshake(configured=configured))
        first, memory = await _first_turn(configured=configured)
        found.first[n].append(first)
        found.memory[n].append(memory)


def rows(it: Kept) -> list[tuple[str, str, str, str, str]]:
    """Title, without, with, ratio, aim."""
    said: list[tuple[str, str, str, str, str]] = []
    for title, (without, served), aim in (
        ("start until initialize is answered", it.handshake, "1.1 ×"),
        ("from the first prompt to its request", it.first, "1.1 ×"),
    ):
        before, after = statistics.median(without), statistics.median(served)
        said.append((title, f"{before:.0f} ms", f"{after:.0f} ms", f"{after / before:.2f}", aim))
    without, served = (max(numbers) for numbers in it.memory)
    said.append(
        ("memory after the turn, all servers up (RSS)", f"{without:.0f} MB", f"{served:.0f} MB", "", "130, 160 MB")
    )
    return said


def _configure(it: Scene) -> None:
    """Eight servers that come up, one that is no program, one that answers nothing for a minute."""
    command = {"command": sys.executable, "env": {"PYTHONPATH": str(Path(__file__).parents[1])}}
    good = {f"s{n}": {**command, "args": ["-m", "benchmarks.mcp_server"]} for n in range(N_SERVERS - 2)}
    slow = {**command, "args": ["-m", "benchmarks.mcp_server", str(SLOW)]}
    home = Path(it.environment["CLAW_HOME"])
    home.mkdir(exist_ok=True)
    (home / "mcp.json").write_text(
        json.dumps({"mcpServers": {"dead": {"command": "no-such-program-here"}, "slow": slow, **good}})
    )


async def _handshake(*, configured: bool) -> float:
    async with scene() as it:
        if configured:
            _configure(it)
        began = time.perf_counter()
        async with spawned((*CLAW, "serve"), it.environment, it.project) as client:
            client.on_request("workspace/configuration", lambda params: [None])
            await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
            return 1000 * (time.perf_counter() - began)


async def _first_turn(*, configured: bool) -> tuple[float, float]:
    """Milliseconds until the model hears of the first prompt in a folder; the server's memory after the turn, in MB."""
    async with scene() as it:
        if configured:
            _configure(it)
        async with editor(it) as client:
            await asyncio.sleep(READY)
            began = time.monotonic()  # as the scripted model's
            run = (await _command(client, "claw.ask", prompt=PROMPT))["run"]
            ended = await _command(client, "claw.wait", run=run)
            if ended["stopped"] != "done":
                raise RuntimeError(f"the turn ended otherwise than planned: {ended}")
            if configured:
                await _up(client)
            assert client.process
            memory = psutil.Process(client.process.pid).memory_info().rss / 1e6
            report = await it.report()
    return 1000 * (report["times"][0][0] - began), memory


async def _up(client: WireClient) -> None:
    """Once all are up that can be."""
    async with asyncio.timeout(TOGETHER):
        while True:
            servers = (await _command(client, "claw.mcp"))["servers"]
            if sum(it["standing"] == "up" for it in servers) == N_SERVERS - 2:
                return
            await asyncio.sleep(0.1)


async def _command(client: WireClient, name: str, **given: object) -> dict[str, Any]:
    return await client.request("workspace/executeCommand", {"command": name, "arguments": [given]}, timeout=120)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mcp", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each thing is measured (default 3)")
    shown = Table(title=f"{N_SERVERS} MCP servers, one dead and one slow, against none")
    for column in ("", "without", "with", "ratio", "aim"):
        shown.add_column(column, justify="left" if not column else "right")
    found = Kept()
    for _ in range(parser.parse_args().rounds):
        asyncio.run(round_of(found))
    for row in rows(found):
        shown.add_row(*row)
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
