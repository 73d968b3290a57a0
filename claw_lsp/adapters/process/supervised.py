"""The server's side of one supervisor: starting it, hearing it, ending it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claw_lsp.adapters.process.descendants import marked, send
from claw_lsp.facts.fault import FolderGone, ProcessError
from claw_lsp.ports.processes import Confined
from claw_lsp.ports.tools import Tell

_ROOT = str(Path(__file__).parents[3])
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from claw_lsp.adapters.process.supervisor import main; main()"
_LONGEST_REPORT = 1 << 22
_PATIENCE = 3.0
"""Seconds a supervisor has to end everything before it is ended itself; it needs a tenth of that."""

_UNWATCHED = (
    "The process that watches over the command was killed, so what the command printed is lost. "
    "All it had started was ended. Run it again if it is safe to repeat."
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a supervisor is told, as one line of JSON. `timeout` is None for no limit; `limits` are names of rlimits.
    `confined`: the program of `argv` is a sandbox's, which ends with all that is in it. `input` is what it reads; `apart`: what it
    writes to its stderr is not mixed with its output, which is kept as it came."""

    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    timeout: float | None
    output_path: str
    cap: int
    limits: Mapping[str, int]
    background: bool
    call_id: str
    confined: bool = False
    input: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a supervisor says at the end. `why` is ended, time, stop or cap; `left` names what had to be ended after the
    command; `stubborn` counts what could not be ended."""

    code: int | None
    signal: int | None
    why: str
    cwd: str | None
    output: str
    output_path: str | None
    left: list[str]
    stubborn: int
    seconds: float
    errors: str = ""


class Supervised:
    """One running command, seen through its supervisor. `said` is what its sandbox had to say, once all has ended."""

    def __init__(self, job: Job, process: asyncio.subprocess.Process, confined: Confined | None) -> None:
        self._job = job
        self._process = process
        self._confined = confined
        self.said: tuple[str, ...] = ()
        self._ended: asyncio.Task[None] | None = None
        self.began = time.monotonic()

    @classmethod
    async def begin(cls, job: Job, confined: Confined | None = None) -> Supervised:
        """A command that has really started. Raises ProcessError; cancelled, nothing was started or all of it is gone."""
        # psutil lives in site-packages and is needed where there is no /proc.
        flags = ("-I", "-S", "-X", "utf8") if sys.platform == "linux" else ("-I", "-X", "utf8")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *flags,
            "-c",
            _PROGRAM,
            _ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in job.environment.items() if name != "BASH_ENV"},
            start_new_session=True,
            limit=_LONGEST_REPORT,
            pass_fds=confined.fds if confined is not None else (),
        )
        child = cls(job, process, confined)
        try:
            await child._tell_job()
        except BaseException:
            await asyncio.shield(child.end())
            raise
        return child

    async def follow(self, tell: Tell) -> Report:
        """Pass its lines on until it ends. Raises ProcessError when the supervisor was killed or the output
        could not be kept; all is ended then, too."""
        while message := await self._hear():
            if "line" in message:
                await tell(message["line"])
            elif "fault" in message:
                raise ProcessError(
                    f"The command's output could not be kept in {message['at']}: {message['fault']}. "
                    "The command and all it started were ended; make room there or see to the folder's permissions."
                )
            else:
                return Report(**message)
        raise ProcessError(_UNWATCHED)

    async def end(self) -> None:
        """Everything the command started is gone when this returns. May be called often, and after the end."""
        if self._ended is None:
            self._ended = asyncio.create_task(self._end())
        await asyncio.shield(self._ended)

    async def _end(self) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._process.returncode != 0 or sys.platform != "linux":
            await asyncio.to_thread(_sweep, self._job.call_id)
        if self._confined is not None:
            self.said = await self._confined.leave()

    async def _tell_job(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(asdict(self._job)).encode() + b"\n")
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise ProcessError(f"{sys.executable} could not start the process that watches over commands.") from None
        match await self._hear():
            case {"started": True}:
                return
            case {"fault": str(why), "at": at} if at == self._job.cwd:
                raise FolderGone(f"The shell's folder {at} cannot be entered: {why}.")
            case {"fault": str(why), "at": at}:
                raise ProcessError(f"{at or 'The command'} could not be started: {why}.")
            case None | dict():
                raise ProcessError(_UNWATCHED)

    async def _hear(self) -> dict[str, Any] | None:
        stdout = self._process.stdout
        assert stdout is not None
        data = await stdout.readline()
        return json.loads(data) if data.endswith(b"\n") else None


def _sweep(call_id: str) -> None:
    """Kill whatever carries the call's mark, until none is found or two seconds are over."""
    end = time.monotonic() + 2.0
    while (left := marked(call_id)) and time.monotonic() < end:
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.01)
