"""The TaskList tool."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.tasks import line


class TaskListInput(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TaskListTool:
    """Shows every task on one line with its state and what it waits for."""

    name: ClassVar[str] = "TaskList"
    input: ClassVar[type[BaseModel]] = TaskListInput
    side_by_side: ClassVar[bool] = True

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        TaskListInput.model_validate(call.input)
        return Plan(call, Reach.NOTHING, "Look at the tasks")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        lines = [line(task, scene.tasks) for task in scene.tasks]
        return Result(content="\n".join(lines) or "There are no tasks.", summary=counted(len(lines), "task"))
