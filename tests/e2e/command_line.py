"""What the tests of the command line share: the program as a child process, a home of its own, a scripted provider."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "sk-ant-scripted"
CLAW = (sys.executable, "-W", "error", "-m", "claw_lsp")


@dataclass(frozen=True)
class Ended:
    """A finished process."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """A folder to work in, and a home beside it that is nobody's."""

    folder: Path
    home: Path
    url: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        provider = {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": KEY} if self.url else {}
        return kept | {"HOME": str(self.home), "CLAW_HOME": str(self.home / "claw")} | provider | self.more

    async def start(self, *argv: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        """Begin `claw-lsp argv…`."""
        return await asyncio.create_subprocess_exec(
            *CLAW,
            *argv,
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def claw(self, *argv: str, typed: str | None = None) -> Ended:
        """Run `claw-lsp argv…` to its end."""
        stdin = asyncio.subprocess.DEVNULL if typed is None else asyncio.subprocess.PIPE
        return await finished(await self.start(*argv, stdin=stdin), typed)


async def finished(process: asyncio.subprocess.Process, typed: str | None = None) -> Ended:
    out, err = await process.communicate(None if typed is None else typed.encode())
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def shell(folder: Path, url: str = "", **more: str) -> Shell:
    """A shell over a fresh pair of folders below `folder`."""
    work, home = folder / "work", folder / "home"
    work.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    return Shell(work, home, url, more)


async def interrupted(process: asyncio.subprocess.Process, number: int = signal.SIGINT) -> Ended:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    return await finished(process)


async def heard(stream: asyncio.StreamReader | None, wanted: str) -> str:
    """What came up to the first line with these words in it."""
    assert stream is not None
    lines: list[str] = []
    while line := (await stream.readline()).decode():
        lines.append(line)
        if wanted in line:
            return "".join(lines)
    raise AssertionError(f"{wanted!r} never came, only:\n{''.join(lines)}")


def kinds(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The messages of a stream by type, and subtype where there is one."""
    return [f"{it['type']}/{it['subtype']}" if "subtype" in it else it["type"] for it in messages]
