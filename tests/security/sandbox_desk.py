"""A workspace, a home with secrets, and commands that run in the sandbox over both; as this user, or as one without powers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from installing import Debian

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import Ran, ShellLine

needs_bwrap = pytest.mark.needs(*(() if shutil.which("bwrap") else (Debian("bubblewrap"),)))
"""Installed where the machine that runs the checks may do so, as the editors are."""
SECRET = "planted-secret"


async def unheard(line: str) -> None:
    """Where progress goes that a test does not look at."""


@dataclass
class Desk:
    """`run` gives the command to bash in the sandbox; everything it may touch lies below `root`."""

    root: Path
    processes: ShellProcesses
    sandbox: SystemSandbox
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ws(self) -> Path:
        return self.root / "wörk space"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def ground(self) -> Ground:
        return Ground((str(self.ws),), str(self.ws), str(self.home))

    def sandboxed(self, more: Mapping[str, Any] | None = None) -> Settings:
        return Settings.model_validate({"sandbox.enabled": True, **self.settings, **(more or {})})

    async def run(
        self, command: str, *, timeout: float = 20, cwd: Path | None = None, more: Mapping[str, Any] | None = None
    ) -> Ran:
        line = await self.line(command, timeout=timeout, cwd=cwd, more=more)
        ran = await self.processes.run(line, unheard)
        await self.sandbox.settled()
        return ran

    async def line(
        self, command: str, *, timeout: float = 20, cwd: Path | None = None, more: Mapping[str, Any] | None = None
    ) -> ShellLine:
        ground = Ground((str(self.ws),), str(cwd or self.ws), str(self.home))
        confined = await self.sandbox.confine(self.sandboxed(more), ground)
        return ShellLine(command, ground.cwd, timeout, os.urandom(4).hex(), "s", {}, confined)

    def files(self) -> dict[str, bytes]:
        """Every file and empty folder of the workspace but for git's own objects, with what is in it."""
        found: dict[str, bytes] = {}
        for path in sorted(self.ws.rglob("*")):
            name = str(path.relative_to(self.ws))
            if path.is_symlink():
                found[name] = os.readlink(path).encode()
            elif path.is_file():
                found[name] = path.read_bytes()
            elif not any(path.iterdir()):
                found[f"{name}/"] = b""
        return found


@asynccontextmanager
async def sandboxed(settings: Mapping[str, Any] | None = None) -> AsyncGenerator[Desk]:
    """A desk whose workspace is a repository, with a `.vscode`, a `.claude` and a home full of secrets. It does not lie below
    /tmp, where nothing of the machine's would be seen inside."""
    root = Path(tempfile.mkdtemp(prefix="claw-sandbox-", dir=Path.home()))
    home = root / "home"
    processes = ShellProcesses({**os.environ, "HOME": str(home)}, str(home / ".claw" / "output"))
    desk = Desk(root, processes, SystemSandbox(os.environ, str(home / ".claw")), settings or {})
    desk.ws.mkdir(parents=True)
    for path in (".ssh/id_ed25519", ".aws/credentials", ".claw/key", ".netrc", ".config/gh/hosts.yml", "plain.txt"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(SECRET)
    subprocess.run(["git", "init", "-q", str(desk.ws)], check=True)
    for path in (".vscode/settings.json", ".claude/settings.json", "src/app.py", ".env"):
        (desk.ws / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.ws / path).write_text("{}")
    try:
        yield desk
    finally:
        await processes.close()
        await desk.sandbox.settled()
        shutil.rmtree(root)


PYTHON = os.path.realpath(sys.executable)
"""Where it really lies: an environment below /tmp is not seen in the sandbox."""
