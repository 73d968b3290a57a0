"""The tool TaskStop: end a background command."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import stripped
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.processes import Processes
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.task_output import known, plan_about, standing, unknown


class TaskStopInput(BaseModel):
    task_id: str = Field(description="The id that Bash answered with.")


class TaskStopTool:
    """End a background task and every process it started."""

    name: ClassVar[str] = "TaskStop"
    input: ClassVar[type[BaseModel]] = TaskStopInput
    side_by_side: ClassVar[bool] = False

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TaskStopInput.model_validate(call.input)
        task = known(self._processes, scene, wanted.task_id)
        return plan_about(task, call, "Stop", wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, TaskStopInput)
        task = await self._processes.stop(wanted.task_id)
        if task is None:
            raise unknown(self._processes, scene, wanted.task_id)
        last = "\n".join(stripped(task.output).splitlines()[-20:])
        return Result(content=f"{standing(task)}\n{last}".rstrip(), summary=standing(task))
