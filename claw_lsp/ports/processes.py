"""Shell commands, what they start, and what confines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from claw_lsp.facts.sandbox import SandboxSettings, Walls
from claw_lsp.facts.scene import Ground
from claw_lsp.ports.tools import Tell


class Confined(Protocol):
    """What one command runs in, from `Sandbox.confine` until `leave`; whoever runs it calls `leave` when all is gone."""

    @property
    def fds(self) -> tuple[int, ...]:
        """Descriptors that the program of `inside` must inherit under their numbers."""
        ...

    def inside(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The program that runs this one inside, and the environment it is to be started with."""
        ...

    async def leave(self) -> tuple[str, ...]:
        """Clean up behind the command; answers what the model must know of it, a sentence each. May be called often."""
        ...


class Sandbox(Protocol):
    """What commands are confined with on this machine."""

    async def walls(self, settings: SandboxSettings, ground: Ground) -> Walls:
        """What a command would run in here. Changes nothing and never raises."""
        ...

    async def confine(self, settings: SandboxSettings, ground: Ground) -> Confined:
        """Walls for one command. Raises ToolError where there are none: nothing falls back to less than `walls` said."""
        ...


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A command for the shell. `timeout` in seconds. `environment` is added to the allowed one. `call_id` and `session`
    mark every process it starts, so that all of them can be found. `confined` is what it runs in, None for nothing. With
    `args` it is the program of that name with these arguments, and no shell. `input` is what it reads; `apart`: what it
    writes to stderr is not mixed with its output. `cap` are the bytes it may print, None for the usual limit."""

    command: str
    cwd: str
    timeout: float
    call_id: str
    session: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    confined: Confined | None = None
    args: tuple[str, ...] | None = None
    input: str = ""
    apart: bool = False
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command. `code` is None when it was killed by a signal or the time limit. `output` is stdout and stderr as they came,
    cleaned of escapes and cut to head and tail; all of it is in `output_path` when it was cut. `cwd` is where it ended. `errors`
    is what it wrote to stderr where that was kept apart, with the remarks that else stand in the output."""

    code: int | None
    output: str
    cwd: str
    seconds: float
    timed_out: bool = False
    output_path: str | None = None
    errors: str = ""


@dataclass(frozen=True, slots=True)
class Background:
    """A command that runs on its own; `code` is None while it runs. Times in seconds. `output` is what it printed so
    far, cut to head and tail; `wait` and `stop` fill it."""

    id: str
    command: str
    output_path: str
    running: bool
    code: int | None
    seconds: float
    output: str = ""


class Processes(Protocol):
    """Shell commands and everything they start."""

    async def run(self, line: ShellLine, tell: Tell) -> Ran:
        """Run to its end; `tell` gets its latest output line now and then. When cancelled or timed out, every process it
        started is gone within a second (setsid, nohup and double forks included). Raises ProcessError."""
        ...

    async def start(self, line: ShellLine) -> Background:
        """Run in the background, output to a file."""
        ...

    def background(self, session: str) -> tuple[Background, ...]: ...

    async def wait(self, task_id: str, timeout: float) -> Background | None:
        """The task once it ended or the time is over; None for an unknown id."""
        ...

    async def stop(self, task_id: str) -> Background | None: ...

    async def close(self) -> None:
        """End everything that was ever started."""
        ...
