"""The front doors under measurement, each a process of its own beside the scripted model's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.script import N_FILES, PROMPT, files
from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.wire import WireClient, spawned

CLAW = (sys.executable, "-m", "claw_lsp")
CAPABILITIES: dict[str, Any] = {
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}, "configuration": True},
    "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
}
"""An ordinary client's: everything that makes the server send more is there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the scripted model saw of one turn. Times in milliseconds; `rss` in MB, of the door's process, 0 if unknown."""

    single: tuple[float, ...]
    parallel: float
    first_kb: float
    fixed_kb: float
    n_tools: int
    cache_chain: float
    cache_parallel: float
    rss: float


class Scene:
    """A project to read, a home for sessions and a scripted model, all temporary."""

    def __init__(self, folder: Path, url: str, model: asyncio.subprocess.Process) -> None:
        self.project = folder / "project"
        self.url = url
        self.environment = {
            "HOME": str(folder),
            "CLAW_HOME": str(folder / "claw"),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
        }
        self._model = model

    async def report(self) -> dict[str, Any]:
        """What the model saw; it ends with that."""
        said, _ = await self._model.communicate(b"")
        return json.loads(said)


@asynccontextmanager
async def scene() -> AsyncGenerator[Scene, None]:
    with tempfile.TemporaryDirectory(prefix="claw-benchmark-") as name:
        project = Path(name) / "project"
        project.mkdir()
        files(project)
        model = await _spawn(sys.executable, "-m", "benchmarks.model", str(project), environment={})
        assert model.stdout
        try:
            yield Scene(Path(name), (await model.stdout.readline()).decode().strip(), model)
        finally:
            if model.returncode is None:
                model.kill()
            await model.wait()


async def bare_loop() -> Seen:
    async with scene() as it:
        process = await _spawn(sys.executable, "-m", "benchmarks.bare_loop", it.url, PROMPT, environment={})
        return _seen(await _through(it, process), 0)


async def claw_run() -> Seen:
    async with scene() as it:
        argv = (*CLAW, "run", PROMPT, "--cwd", str(it.project))
        # Into a file, as a script's would: who reads a pipe here would compete for the processors.
        with tempfile.TemporaryFile() as transcript:
            process = await _spawn(*argv, environment=it.environment, stderr=transcript)
            return _seen(await _through(it, process), 0)


async def claw_serve() -> Seen:
    async with scene() as it, editor(it) as client:
        rss = await turn(client, PROMPT)
        return _seen(await it.report(), rss)


@asynccontextmanager
async def editor(it: Scene) -> AsyncGenerator[WireClient, None]:
    """A client before `claw-lsp serve`, introduced, with the first file open."""
    async with spawned((*CLAW, "serve"), it.environment, it.project) as client:
        client.ignore("window/logMessage", "textDocument/publishDiagnostics", "window/showMessage", "$/progress")
        memory = MemoryEditor()
        memory.attach(client)
        folder = {"uri": uri_of(str(it.project)), "name": "project"}
        await client.initialize(CAPABILITIES, workspaceFolders=[folder], rootUri=folder["uri"])
        memory.open(str(it.project / "f00.txt"))
        yield client


async def turn(client: WireClient, prompt: str, command: str = "claw.ask") -> float:
    """One whole turn; the server's resident memory after it, in MB."""
    started = await client.request("workspace/executeCommand", {"command": command, "arguments": [{"prompt": prompt}]})
    wait = {"command": "claw.wait", "arguments": [{"run": started["run"]}]}
    ended = await client.request("workspace/executeCommand", wait, timeout=120)
    if ended["stopped"] != "done":
        raise RuntimeError(f"the turn ended otherwise than planned: {ended}")
    assert client.process
    return psutil.Process(client.process.pid).memory_info().rss / 1e6


async def _through(it: Scene, process: asyncio.subprocess.Process) -> dict[str, Any]:
    said, _ = await process.communicate(b"")
    if process.returncode:
        raise RuntimeError(f"a front door ended with {process.returncode}: {said.decode()}")
    return await it.report()


def _seen(report: dict[str, Any], rss: float) -> Seen:
    if report["refusals"] or len(report["times"]) != N_FILES + 3:
        raise RuntimeError(f"the scripted model expected something else: {report}")
    times = report["times"]
    gaps = [1000 * (later[0] - earlier[1]) for earlier, later in zip(times, times[1:], strict=False)]
    chain, after = report["cache"][: N_FILES + 1], report["cache"][N_FILES + 1 :]
    return Seen(
        single=tuple(gaps[:N_FILES]),
        parallel=gaps[N_FILES],
        first_kb=report["first_bytes"] / 1024,
        fixed_kb=report["fixed_bytes"] / 1024,
        n_tools=report["n_tools"],
        cache_chain=_ratio(chain),
        cache_parallel=_ratio(after),
        rss=rss,
    )


def _ratio(lines: list[tuple[int, int]]) -> float:
    best = sum(it[1] for it in lines)
    return sum(min(it) for it in lines) / best if best else 1.0


async def _spawn(*argv: str, environment: dict[str, str], stderr: Any = None) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *argv, stdin=pipe, stdout=pipe, stderr=stderr, env={**os.environ, **environment}
    )
