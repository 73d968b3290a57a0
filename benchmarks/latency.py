"""How soon the server answers: from its start to `initialize`, and while it is busy."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Sequence

from benchmarks.doors import CLAW, editor, scene, turn
from benchmarks.script import SLOW
from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.wire import WireClient, spawned

EMPTY = (sys.executable, "-m", "benchmarks.empty_server")
SERVE = (*CLAW, "serve")
PAUSE = 0.01
IMPORTING = 2.0
"""Seconds after `initialized` in which the SDK is imported: it takes about that long."""


async def handshake(argv: Sequence[str]) -> float:
    """Milliseconds from the start of the process to the answer to `initialize`."""
    async with scene() as it:
        began = time.perf_counter()
        async with spawned(argv, it.environment, it.project) as client:
            client.on_request("workspace/configuration", lambda params: [None])
            await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
            took = 1000 * (time.perf_counter() - began)
    return took


async def while_importing() -> list[float]:
    """Milliseconds of each answer in the seconds after the handshake, when the SDK is imported in the background."""
    async with scene() as it, editor(it) as client:
        return await _asked_until(client, str(it.project / "f00.txt"), asyncio.sleep(IMPORTING))


async def while_a_turn_runs() -> list[float]:
    """Milliseconds of each answer while a chat's turn streams text into its document and reads files."""
    async with scene() as it, editor(it) as client:
        await asyncio.sleep(IMPORTING)
        return await _asked_until(client, str(it.project / "f00.txt"), turn(client, SLOW, "claw.chat"))


async def _asked_until(client: WireClient, path: str, end: Awaitable[object]) -> list[float]:
    ending = asyncio.ensure_future(end)
    took: list[float] = []
    uri = uri_of(path)
    here = {"line": 0, "character": 0}
    asks = (
        ("textDocument/codeAction", {"range": {"start": here, "end": here}, "context": {"diagnostics": []}}),
        ("textDocument/completion", {"position": here}),
    )
    while not ending.done():
        for method, params in asks:
            began = time.perf_counter()
            await client.request(method, {"textDocument": {"uri": uri}, **params})
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(PAUSE)
    await ending
    return took
