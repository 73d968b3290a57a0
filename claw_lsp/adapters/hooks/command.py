"""Hooks that are programs: run as commands are, in their own process group and watched over, with the event as input.

They run outside of the sandbox: the person configured or approved them, and the agent neither chose nor can change them.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from claw_lsp.facts.fault import ProcessError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.processes import Processes, Ran, ShellLine

MOST_OUTPUT = 1_000_000
"""Bytes that a hook may print before it is ended."""


async def run(processes: Processes, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
    """Run the program to its end. What it left running is ended with it."""
    if hook.shell == "powershell":
        return HookRan(None, fault="claw-lsp runs hooks in bash, and this one asks for powershell")
    line = ShellLine(
        command=hook.command if hook.args is None else _filled(hook.command, place),
        cwd=place.cwd,
        timeout=seconds,
        call_id=f"hook_{secrets.token_hex(6)}",
        session=place.session,
        environment=environment(place),
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


def _whole(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST_OUTPUT)
    finally:
        Path(path).unlink(missing_ok=True)


async def _unheard(line: str) -> None:
    """Where a hook's lines go: they are for us."""
