"""Fills the port `Processes` with bash: one supervisor process per command."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from claw_lsp.adapters.process.descendants import MARK
from claw_lsp.adapters.process.environment import allowed
from claw_lsp.adapters.process.output import KEPT
from claw_lsp.adapters.process.supervised import Job, Report, Supervised
from claw_lsp.adapters.programs import found
from claw_lsp.facts.fault import ProcessError
from claw_lsp.ports.processes import Background, Ran, ShellLine
from claw_lsp.ports.tools import Tell

_FAREWELL = str(Path(__file__).with_name("farewell.bash"))
_N_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use. `memory` is address space in bytes: node and the JVM reserve far more than they use, so
    it is unlimited unless somebody chooses a number."""

    output: int = 64 * 1024 * 1024
    file_size: int = 16 * 1024**3
    more_processes: int = 4096
    memory: int | None = None


class ShellProcesses:
    """bash without its start-up files, in a session of its own, without a terminal.

    `environment` is the server's own, of which commands get an allowlisted part; `folder` is where long output goes.
    Invariant: nothing a foreground command started outlives its call; nothing at all outlives the server.
    """

    def __init__(self, environment: Mapping[str, str], folder: str, limits: Limits = Limits()) -> None:
        self._environment = allowed(environment)
        self._folder = folder
        self._limits = limits
        self._children: set[Supervised] = set()
        self._tasks: dict[str, _Task] = {}
        self._closed = False

    async def run(self, line: ShellLine, tell: Tell) -> Ran:
        child = await self._begin(await asyncio.to_thread(self._job, line, background=False), line)
        try:
            report = await child.follow(tell)
        finally:
            await asyncio.shield(self._finish(child))
        return _ran(line, report, child.said)

    async def start(self, line: ShellLine) -> Background:
        job = await asyncio.to_thread(self._job, line, background=True)
        child = await self._begin(job, line)
        task = _Task(
            f"bash_{secrets.token_hex(3)}", line, job.output_path, child, asyncio.create_task(self._keep(child))
        )
        self._forget_old()
        self._tasks[task.id] = task
        return task.seen()

    def background(self, session: str) -> tuple[Background, ...]:
        return tuple(task.seen() for task in self._tasks.values() if task.line.session == session)

    async def wait(self, task_id: str, timeout: float) -> Background | None:
        task = self._tasks.get(task_id)
        if task is None:
            return None
        await asyncio.wait((task.report,), timeout=timeout)
        return await _with_output(task)

    async def stop(self, task_id: str) -> Background | None:
        task = self._tasks.get(task_id)
        if task is None:
            return None
        await asyncio.shield(self._finish(task.child))
        await asyncio.wait((task.report,))
        return await _with_output(task)

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(self._finish(child) for child in tuple(self._children)))
        if reports := [task.report for task in self._tasks.values()]:
            await asyncio.wait(reports)

    async def _begin(self, job: Job, line: ShellLine) -> Supervised:
        try:
            if self._closed:
                raise ProcessError("The server is shutting down; no command is started any more.")
            child = await Supervised.begin(job, line.confined)
        except BaseException:
            if line.confined is not None:
                await asyncio.shield(line.confined.leave())
            raise
        self._children.add(child)
        return child

    async def _keep(self, child: Supervised) -> Report:
        try:
            return await child.follow(_nobody)
        finally:
            await self._finish(child)

    async def _finish(self, child: Supervised) -> None:
        await child.end()
        self._children.discard(child)

    def _job(self, line: ShellLine, *, background: bool) -> Job:
        limits = {"CORE": 0, "FSIZE": self._limits.file_size}
        if sys.platform == "linux":
            limits["NPROC"] = self._limits.more_processes
        if self._limits.memory is not None:
            limits["AS"] = self._limits.memory
        argv = self._argv(line)
        environment: Mapping[str, str] = {
            **self._environment,
            **line.environment,
            "BASH_ENV": _FAREWELL,
            "PWD": line.cwd,
            MARK: line.call_id,
        }
        if line.confined is not None:
            argv, environment = line.confined.inside(argv, environment)
        return Job(
            argv=argv,
            cwd=line.cwd,
            environment=environment,
            timeout=None if background else line.timeout,
            output_path=os.path.join(self._folder, f"{secrets.token_hex(12)}.txt"),  # noqa: PTH118
            cap=line.cap or self._limits.output,
            limits=limits,
            background=background,
            call_id=line.call_id,
            confined=line.confined is not None,
            input=line.input,
            apart=line.apart,
        )

    def _argv(self, line: ShellLine) -> tuple[str, ...]:
        """The program that is started. Raises ProcessError where PATH has none of that name outside of the folder."""
        name = "bash" if line.args is None else line.command
        if line.args is not None and "/" in name:
            return (str(Path(line.cwd, name)), *line.args)
        program = found(name, self._environment.get("PATH", os.defpath), (line.cwd,))
        if program is None:
            raise ProcessError(f"{name} could not be started: PATH names no folder outside of this one that has it.")
        return (
            (program, *line.args) if line.args is not None else (program, "--noprofile", "--norc", "-c", line.command)
        )

    def _forget_old(self) -> None:
        ended = [task.id for task in self._tasks.values() if task.report.done()]
        for task_id in ended[: max(0, len(self._tasks) - _N_REMEMBERED)]:
            del self._tasks[task_id]


@dataclass(frozen=True, slots=True)
class _Task:
    """A command that runs on its own, and the report it will end with."""

    id: str
    line: ShellLine
    output_path: str
    child: Supervised
    report: asyncio.Task[Report]

    def seen(self) -> Background:
        """The task as it is at this moment."""
        running = not self.report.done()
        code, seconds = None, time.monotonic() - self.child.began
        if not running and self.report.exception() is None:
            code, seconds = self.report.result().code, self.report.result().seconds
        return Background(self.id, self.line.command, self.output_path, running, code, seconds)


def _ran(line: ShellLine, report: Report, said: tuple[str, ...]) -> Ran:
    notes, errors = _notes(line, report, said), ""
    joint = "\n" if report.output and not report.output.endswith("\n") and notes else ""
    if line.apart:
        joint, errors, notes = "", "\n".join(filter(None, (report.errors.rstrip("\n"), *notes))), []
    return Ran(
        code=report.code,
        output=report.output + joint + "\n".join(notes),
        cwd=report.cwd or line.cwd,
        seconds=report.seconds,
        timed_out=report.why == "time",
        output_path=report.output_path,
        errors=errors,
    )


def _notes(line: ShellLine, report: Report, said: tuple[str, ...]) -> list[str]:
    """What the model must know beside the output, a sentence each."""
    notes: list[str] = []
    if report.why == "time":
        notes.append(f"[The time limit of {line.timeout:g} s was reached; the command and all it started were ended.]")
    if report.why == "cap":
        notes.append("[It printed more than may be kept; the command and all it started were ended.]")
    if report.why == "ended" and report.signal:
        notes.append(f"[It was ended by signal {signal.Signals(report.signal).name}.]")
    if report.left:
        names = ", ".join(sorted(set(report.left)))
        notes.append(
            f"[What it left running was ended with it: {names}. Use run_in_background for what is to go on running.]"
        )
    if report.stubborn:
        notes.append(f"[{report.stubborn} of its processes could not be ended; they belong to another user.]")
    return [*notes, *(f"[{it}]" for it in said)]


async def _nobody(line: str) -> None:
    """Hears a background command's lines; its file has them."""


async def _with_output(task: _Task) -> Background:
    """The task with what it printed so far, cut to head and tail."""
    output = await asyncio.to_thread(_read_cut, task.output_path)
    ended = task.report.done() and not task.report.exception()
    notes = _notes(task.line, task.report.result(), task.child.said) if ended else []
    return replace(task.seen(), output="\n".join([output, *notes] if output else notes))


def _read_cut(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= KEPT:
            return file.read().decode("utf-8", "replace")
        head = file.read(KEPT // 2).decode("utf-8", "ignore")
        file.seek(-(KEPT // 2), os.SEEK_END)
        tail = file.read().decode("utf-8", "ignore")
    return f"{head}\n[{size - KEPT} bytes left out here; the whole output is in {path}]\n{tail}"
