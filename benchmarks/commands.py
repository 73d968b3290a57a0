"""What the sandbox costs a command: the same one, bare and in bubblewrap, each under its supervisor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import ShellLine

N_COMMANDS = 10


async def bare_and_sandboxed() -> tuple[list[float], list[float]]:
    """Milliseconds from asking for `true` in a repository to its end, in turn; the second is empty without bubblewrap."""
    # Not below /tmp, of which the sandbox has its own.
    with tempfile.TemporaryDirectory(prefix=".claw-benchmark-", dir=Path.home()) as home:
        ground = Ground((f"{home}/ws",), f"{home}/ws", home)
        await asyncio.to_thread(subprocess.run, ["git", "init", "-q", ground.cwd], check=True)
        sandbox = SystemSandbox(os.environ, f"{home}/.claw")
        settings = Settings.model_validate({"sandbox.enabled": True})
        whole = (await sandbox.walls(settings, ground)).whole
        processes = ShellProcesses(os.environ, f"{home}/.claw/output")
        bare: list[float] = []
        inside: list[float] = []
        for n in range(N_COMMANDS):
            for times, walled in ((bare, False), (inside, True))[: 2 if whole else 1]:
                began = time.perf_counter()
                confined = await sandbox.confine(settings, ground) if walled else None
                line = ShellLine("true", ground.cwd, 20, f"c{n}", "s", {}, confined)
                ran = await processes.run(line, _unheard)
                assert ran.code == 0, ran.output
                times.append((time.perf_counter() - began) * 1000)
                await sandbox.settled()
        await processes.close()
        return bare, inside


async def _unheard(line: str) -> None:
    """Nobody looks."""
