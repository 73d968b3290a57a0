"""The tool TaskOutput: what a background command printed so far."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import one_line, stripped
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.processes import Background, Processes
from claw_lsp.ports.tools import Tell


class TaskOutputInput(BaseModel):
    task_id: str = Field(description="The id that Bash answered with.")
    block: bool = Field(True, description="Wait for the task to end, at most for `timeout`.")
    timeout: int = Field(30_000, ge=0, le=600_000, description="How long to wait, in milliseconds.")


class TaskOutputTool:
    """Read what a background task printed so far, and whether it still runs. The output file that Bash named can be read
    with Read as well."""

    name: ClassVar[str] = "TaskOutput"
    input: ClassVar[type[BaseModel]] = TaskOutputInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TaskOutputInput.model_validate(call.input)
        task = known(self._processes, scene, wanted.task_id)
        return plan_about(task, call, "Read output of", wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, TaskOutputInput)
        task = await self._processes.wait(wanted.task_id, wanted.timeout / 1000 if wanted.block else 0)
        if task is None:
            raise unknown(self._processes, scene, wanted.task_id)
        return Result(content=f"{standing(task)}\n{stripped(task.output) or '(no output yet)'}", summary=standing(task))


def plan_about(task: Background, call: Call, verb: str, wanted: BaseModel) -> Plan:
    return Plan(call, Reach.NOTHING, f"{verb} {one_line(task.command, 60)}", task.command, payload=wanted)


def known(processes: Processes, scene: Scene, task_id: str) -> Background:
    """The session's task of that id. Raises ToolError that names those there are."""
    for task in processes.background(scene.session):
        if task.id == task_id:
            return task
    raise unknown(processes, scene, task_id)


def unknown(processes: Processes, scene: Scene, task_id: str) -> ToolError:
    ids = ", ".join(task.id for task in processes.background(scene.session))
    there = f"This session's tasks are {ids}." if ids else "This session has none: they end when the server does."
    return ToolError(f"There is no background task {task_id!r}. {there}")


def standing(task: Background) -> str:
    """One line: whether the task runs, or how it ended."""
    if task.running:
        return f"{task.id} is running since {task.seconds:.0f} s; output in {task.output_path}"
    how = "was stopped" if task.code is None else f"ended with exit code {task.code}"
    return f"{task.id} {how} after {task.seconds:.1f} s; output in {task.output_path}"
