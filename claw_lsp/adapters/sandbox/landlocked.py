"""One command held by Landlock: where bubblewrap is missing. It cannot hold protected files inside the workspace."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from claw_lsp.adapters.sandbox import bubblewrap, seccomp
from claw_lsp.adapters.sandbox.fds import in_memory
from claw_lsp.adapters.sandbox.layout import Layout
from claw_lsp.core.policy.paths import inside
from claw_lsp.facts.sandbox import SandboxSettings

_PROGRAM = str(Path(__file__).with_name("landlock.py"))
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Landlocked:
    """Fills `Confined`. Made off the loop: it looks at the disk."""

    def __init__(self, settings: SandboxSettings, layout: Layout, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._tmp: str | None = tempfile.mkdtemp(dir=folder)
        hidden = frozenset(it.path for it in layout.mounts if it.kind == "hide")
        shown = [it.path for it in layout.mounts if it.kind != "hide"]
        filter_ = seccomp.program(unix=bool(settings.sandbox_sockets), internet=False)
        wanted = {
            "read": [*readable("/", hidden), *(it for it in shown if it not in hidden)],
            "write": [self._tmp, *(it.path for it in layout.mounts if it.kind == "write")],
            "device": _DEVICES,
            "filter": base64.b64encode(filter_).decode() if filter_ else "",
        }
        self._fd: int | None = in_memory(json.dumps(wanted).encode())

    @property
    def fds(self) -> tuple[int, ...]:
        return (self._fd,) if self._fd is not None else ()

    def inside(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        hidden, kept = bubblewrap.divided(environment)
        words = (f"{name}={value}" for name, value in {**hidden, "TMPDIR": self._tmp or "/tmp"}.items())
        return (sys.executable, "-I", "-S", _PROGRAM, str(self._fd), *words, "--", *argv), kept

    async def leave(self) -> tuple[str, ...]:
        fd, tmp = self._fd, self._tmp
        self._fd = self._tmp = None
        if fd is not None:
            os.close(fd)
        if tmp is not None:
            await asyncio.to_thread(shutil.rmtree, tmp, ignore_errors=True)
        return ()


def readable(folder: str, hidden: Collection[str]) -> Iterator[str]:
    """The largest folders, and files beside them, that together hold everything but what is hidden."""
    if folder in hidden:
        return
    if not any(inside(it, (folder,)) for it in hidden):
        yield folder
        return
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for it in entries:
        # A link gives no access of its own: where it leads decides.
        if not it.is_symlink():
            yield from readable(it.path, hidden) if it.is_dir() else [it.path] if it.path not in hidden else []
