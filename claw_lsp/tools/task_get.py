"""The TaskGet tool."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.tasks import find, whole


class TaskGetInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    taskId: str  # noqa: N815


class TaskGetTool:
    """Shows one task with its description and what it waits for."""

    name: ClassVar[str] = "TaskGet"
    input: ClassVar[type[BaseModel]] = TaskGetInput
    side_by_side: ClassVar[bool] = True

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TaskGetInput.model_validate(call.input)
        return Plan(call, Reach.NOTHING, f"Look at task {wanted.taskId}")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = TaskGetInput.model_validate(plan.call.input)
        task = find(scene.tasks, wanted.taskId)
        return Result(content=whole(task, scene.tasks), summary=task.subject)
