"""git, run on our own repository alone: no configuration, hook, filter or attribute of anybody else counts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from claw_lsp.adapters.private import make_private
from claw_lsp.facts.fault import CheckpointError

SECONDS = 20.0
"""How long all that one checkpoint takes may take."""

_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.protectHFS": "false",
    "core.protectNTFS": "false",
    "core.precomposeUnicode": "false",
    "core.ignoreCase": "false",
    "core.fsync": "none",
    "gc.pruneExpire": "2.hours.ago",
    "gc.autoDetach": "false",
    "protocol.allow": "never",
}


class Commands:
    """git commands of one piece of work, which ends for all of them at the same time. Blocks: to be used in a thread."""

    def __init__(self, store: Path, git: str | None) -> None:
        self._store = store
        self._git = git
        self._until = monotonic() + SECONDS
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def has_store(self) -> bool:
        return (self._store / "HEAD").exists()

    def make_store(self) -> None:
        """The repository is there, for its owner alone. Raises CheckpointError."""
        if self.has_store:
            return
        try:
            make_private(self._store.parent)
            self._store.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{self._store} cannot be made: {error.strerror}.") from error
        self.run("init", "--quiet", "--bare", "--template=", str(self._store))

    def run(self, *args: str, given: bytes = b"", tree: str | None = None, index: Path | None = None) -> bytes:
        """What git prints. `tree` is the folder whose files are meant. Raises CheckpointError."""
        if self._git is None:
            raise CheckpointError("git was not found; install it so that what commands change can be taken back.")
        words = [word for key, value in _CONFIG.items() for word in ("-c", f"{key}={value}")]
        try:
            running = subprocess.Popen(
                [self._git, *words, *args],
                cwd=tree or self._store,
                env=self._environment(tree, index),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                umask=0o077,
            )
        except OSError as error:
            raise CheckpointError(f"git could not be started: {error.strerror}.") from error
        with running:
            self._running = running
            if self._stopped:
                running.kill()
            try:
                output, errors = running.communicate(given, timeout=max(0.0, self._until - monotonic()))
            except subprocess.TimeoutExpired as error:
                running.kill()
                raise CheckpointError(f"git took longer than {SECONDS:g} seconds.") from error
            finally:
                self._running = None
        if running.returncode != 0:
            said = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise CheckpointError(f"git {args[0]} failed: {said or running.returncode}.")
        return output

    def stop(self) -> None:
        """End what runs; what comes next ends at once. From any thread."""
        self._stopped = True
        if (running := self._running) is not None:
            running.kill()

    def _environment(self, tree: str | None, index: Path | None) -> Mapping[str, str]:
        more: dict[str, str] = {}
        if tree is not None:
            more["GIT_WORK_TREE"] = tree
        if index is not None:
            more["GIT_INDEX_FILE"] = str(index)
        return more | {
            "PATH": os.path.dirname(self._git or ""),  # noqa: PTH120
            "HOME": str(self._store),
            "LC_ALL": "C",
            "GIT_DIR": str(self._store),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
        }


def lines(output: bytes) -> Sequence[str]:
    """What git prints with -z, as paths."""
    return [os.fsdecode(it) for it in output.split(b"\0") if it]
