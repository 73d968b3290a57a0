"""The tool Bash: one shell line, in the foreground or on its own."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import BaseModel, Field, field_validator

from claw_lsp.core.escape import one_line, stripped, visible
from claw_lsp.core.policy.shell import files_named, read_at
from claw_lsp.core.policy.writes import named
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import FolderGone
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.processes import Processes, Ran, Sandbox, ShellLine
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.attributed import attributed
from claw_lsp.tools.below import Below, looked_below
from claw_lsp.tools.walls import stopped, walled

_TITLE = 60


class BashInput(BaseModel):
    command: str = Field(description="The shell line to run.")
    description: str = Field("", description="What it does, in five to ten words, for the person.")
    timeout: int = Field(120_000, ge=1, le=600_000, description="Time limit in milliseconds.")
    run_in_background: bool = Field(False, description="Let it run on; read it with TaskOutput, end it with TaskStop.")
    dangerously_disable_sandbox: bool = Field(
        False,
        alias="dangerouslyDisableSandbox",
        description="Run it outside of the sandbox, where there is one; the person is always asked.",
    )

    @field_validator("command")
    @classmethod
    def _is_a_line(cls, command: str) -> str:
        if not command.strip():
            raise ValueError("expected a shell command, found only white space")
        if "\0" in command:
            raise ValueError("a shell command cannot hold a NUL character; leave it out")
        return command


class BashTool:
    """Run a command in bash and get its output and exit code.

    The working directory carries over to the next call; variables and functions do not. Commands see files on disk,
    not unsaved text in the editor. To read, search or change files use Read, Grep, Glob and Edit rather than cat, grep,
    find or sed: they know the buffers and need no permission to look. There is no terminal and no input: nothing that
    asks or opens an editor works, so pass -y or -m. Everything the command started is ended with it; for a server or a
    long job set run_in_background. Long output is cut in the middle and kept whole in a file.
    """

    name: ClassVar[str] = "Bash"
    input: ClassVar[type[BaseModel]] = BashInput
    side_by_side: ClassVar[bool] = False

    def __init__(self, processes: Processes, sandbox: Sandbox, below: Below) -> None:
        self._processes = processes
        self._sandbox = sandbox
        self._below = below

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = BashInput.model_validate(call.input)
        attributed(wanted.command, scene.settings)
        about = f"{visible(wanted.description.strip())}\n\n" if wanted.description.strip() else ""
        after = "\n\n(runs in the background)" if wanted.run_in_background else ""
        line = read_at(wanted.command, scene.ground)
        plan = Plan(
            call=call,
            reach=Reach.RUN,
            title=f"Run {one_line(wanted.command, _TITLE)}",
            detail=f"{about}{visible(wanted.command)}{after}",
            paths=await _located(files_named(line, scene.ground), workspace),
            writes=await _located(named(line, scene.ground), workspace),
            command=wanted.command,
            payload=wanted,
        )
        plan = await looked_below(plan, scene, self._below)
        return await walled(plan, scene, self._sandbox, outside=wanted.dangerously_disable_sandbox)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, BashInput)
        seconds, env = wanted.timeout / 1000, scene.settings.env
        try:
            confined = await self._sandbox.confine(scene.settings, scene.ground) if plan.walls.mechanism else None
            line = ShellLine(wanted.command, scene.cwd, seconds, plan.call.id, scene.session, env, confined)
            if wanted.run_in_background:
                return await self._started(line, _notes(wanted, scene))
            ran = await self._processes.run(line, tell)
        except FolderGone as error:
            return _moved_home(error, scene)
        return _result(ran, scene, plan, _notes(wanted, scene))

    async def _started(self, line: ShellLine, notes: list[str]) -> Result:
        task = await self._processes.start(line)
        text = (
            f"Started in the background as task {task.id}. Its output goes to {task.output_path}; "
            "TaskOutput reads it, TaskStop ends it."
        )
        return Result(content="\n".join([text, *notes]), summary=f"running as {task.id}")


async def _located(named: tuple[str, ...], workspace: Workspace) -> tuple[PlannedPath, ...]:
    """Where the files lead that a line names: a link may lead out of the workspace."""
    return tuple(await asyncio.gather(*(workspace.locate(it) for it in named)))


def _result(ran: Ran, scene: Scene, plan: Plan, said: list[str]) -> Result:
    moved = ran.cwd if ran.cwd != scene.cwd else None
    output = stripped(ran.output).rstrip("\n")
    notes = [] if ran.code == 0 else [_ending(ran)]
    notes += [f"The working directory is now {moved}"] if moved else []
    notes += [f"The whole output is in {ran.output_path}"] if ran.output_path and ran.output_path not in output else []
    notes += [] if ran.code == 0 else stopped(plan, output, scene.settings)
    parts = [output or "(no output)", *notes, *said]
    return Result(
        content="\n".join(parts),
        is_error=ran.code != 0,
        summary=f"{_ending(ran)} after {ran.seconds:.1f} s",
        cwd=moved,
    )


def _ending(ran: Ran) -> str:
    if ran.timed_out:
        return "Time limit reached"
    return "Killed" if ran.code is None else f"Exit code {ran.code}"


def _notes(wanted: BashInput, scene: Scene) -> list[str]:
    if not wanted.dangerously_disable_sandbox or scene.settings.sandbox_enabled:
        return []
    return ["dangerouslyDisableSandbox had no effect: commands do not run in a sandbox here."]


def _moved_home(error: FolderGone, scene: Scene) -> Result:
    """The folder went away under the shell: nothing was run, and the next command starts in a folder that is there."""
    home = next((root for root in (*scene.roots, scene.home) if root != scene.cwd), "/")
    return Result(
        content=f"{error} Nothing was run. The working directory is now {home}; send the command again if it fits there.",
        is_error=True,
        summary="working directory is gone",
        cwd=home,
    )
