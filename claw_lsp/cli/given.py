"""What several commands need of the command line and of the world around it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claw_lsp.app.world import World
    from claw_lsp.ports.checkpoints import Checkpoints
    from claw_lsp.ports.logs import Archive

USAGE = 2
"""The exit code for a command line that cannot be obeyed; argparse uses it too."""

MODES = ("default", "acceptEdits", "plan", "auto", "bypassPermissions", "dontAsk")


class Misused(Exception):
    """The command line cannot be obeyed; the text says why."""


def the_world() -> World:
    """What is read of the process, once."""
    from claw_lsp.app.world import World, environment_of_process

    return World.here(environment_of_process())


def folder_of(given: str) -> str:
    """An absolute path; raises Misused for what is no folder."""
    folder = Path(given).absolute()
    if not folder.is_dir():
        raise Misused(f"--cwd: {given} is not a folder")
    return os.path.normpath(folder)


def positive(text: str) -> int:
    """A number from 1 on, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


def port(text: str) -> int:
    """A port, for argparse."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)


def told(work: Callable[[], Coroutine[Any, Any, str]]) -> int:
    """Print what comes of it, or why nothing does."""
    import asyncio

    from claw_lsp.facts.fault import ClawError

    try:
        print(asyncio.run(work()))
    except ClawError as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return 1
    return 0


def the_archive() -> Archive:
    """All sessions there are."""
    from claw_lsp.adapters.clock import SystemClock
    from claw_lsp.adapters.jsonl import JsonlArchive

    return JsonlArchive(Path(the_world().claw_home), SystemClock())


def the_checkpoints() -> Checkpoints:
    """Where files are kept as they were."""
    from claw_lsp.app.house import checkpoints_of

    return checkpoints_of(the_world())
