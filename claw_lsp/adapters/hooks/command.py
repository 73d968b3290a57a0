"""Hooks that are programs: run as commands are, in their own process group and watched over, with the event as input.

They run outside of the sandbox: the person configured or approved them, and the agent neither chose nor can change them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from claw_lsp.adapters.private import make_private
from claw_lsp.core.hooks.variables import EVENTS, LONGEST
from claw_lsp.facts.fault import ProcessError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.processes import Processes, Ran, ShellLine

MOST_OUTPUT = 1_000_000
"""Bytes that a hook may print before it is ended."""


async def run(processes: Processes, hook: Hook, given: str, seconds: float, place: HookPlace, folder: Path) -> HookRan:
    """Run the program to its end. What it left running is ended with it; what it exports goes through a file in `folder`."""
    if hook.event not in EVENTS:
        return await _run(processes, hook, given, seconds, place, {})
    path = folder / f"{secrets.token_hex(12)}.env"
    try:
        await asyncio.to_thread(_made, path)
        exports = {f"{family}_ENV_FILE": str(path) for family in ("CLAUDE", "CLAW")}
        ran = await _run(processes, hook, given, seconds, place, exports)
        exported = await asyncio.to_thread(_beginning, path, LONGEST + 1)
        return replace(ran, exported=exported) if ran.code == 0 else ran
    except OSError as error:
        return HookRan(None, fault=f"the file for what it exports cannot be used: {error.strerror}")
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _run(
    processes: Processes, hook: Hook, given: str, seconds: float, place: HookPlace, exports: Mapping[str, str]
) -> HookRan:
    if hook.shell == "powershell":
        return HookRan(None, fault="claw-lsp runs hooks in bash, and this one asks for powershell")
    line = ShellLine(
        command=hook.command if hook.args is None else _filled(hook.command, place),
        cwd=place.cwd,
        timeout=seconds,
        call_id=f"hook_{secrets.token_hex(6)}",
        session=place.session,
        environment={**environment(place), **exports},
        args=None if hook.args is None else tuple(_filled(it, place) for it in hook.args),
        input=given,
        apart=True,
        cap=MOST_OUTPUT,
    )
    try:
        ran = await processes.run(line, _unheard)
    except ProcessError as error:
        return HookRan(None, fault=str(error))
    output = ran.output if ran.output_path is None else await asyncio.to_thread(_whole, ran.output_path)
    return HookRan(ran.code, output, ran.errors, ran.seconds, _fault(ran, seconds))


def environment(place: HookPlace) -> dict[str, str]:
    """What hooks get beside the environment of every command, under the names of both families."""
    ours = {"PROJECT_DIR": place.project, "EFFORT": place.effort}
    both = {f"{family}_{name}": value for name, value in ours.items() if value for family in ("CLAUDE", "CLAW")}
    return {**place.settings.env, **both}


def _filled(text: str, place: HookPlace) -> str:
    """In the exec form no shell fills in where the project is."""
    for name, value in environment(place).items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _fault(ran: Ran, seconds: float) -> str:
    if ran.timed_out:
        return f"it took longer than {seconds:g} s and was ended"
    return "" if ran.code is not None else f"it was ended before it was done: {ran.errors.strip()[-300:]}"


def _made(path: Path) -> None:
    make_private(path.parent)
    path.touch(mode=0o600, exist_ok=False)


def _beginning(path: Path, most: int) -> str:
    """What a file holds; nothing for what a hook put in its place."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(most)


def _whole(path: str) -> str:
    try:
        return _beginning(Path(path), MOST_OUTPUT)
    finally:
        Path(path).unlink(missing_ok=True)


async def _unheard(line: str) -> None:
    """Where a hook's lines go: they are for us."""
