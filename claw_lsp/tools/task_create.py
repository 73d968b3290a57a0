"""The TaskCreate tool."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.call import Call, Result, Task
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.tasks import changed, line, next_id


class TaskCreateInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: str = Field(min_length=1, description="What is to be done, in a few words")
    description: str = Field("", description="All that is needed to do it")
    activeForm: str = Field("", description='Shown while it is done: "Running the tests"')  # noqa: N815
    metadata: dict[str, Any] = Field({})


class TaskCreateTool:
    """Adds a task, pending, to the list that the person sees. For work of three or more steps, or several requests at once; not for one small thing."""  # noqa: E501

    name: ClassVar[str] = "TaskCreate"
    input: ClassVar[type[BaseModel]] = TaskCreateInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TaskCreateInput.model_validate(call.input)
        return Plan(call, Reach.NOTHING, f"Add task: {wanted.subject}")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = TaskCreateInput.model_validate(plan.call.input)
        task = Task(
            id=next_id(scene.tasks),
            subject=wanted.subject,
            description=wanted.description,
            active_form=wanted.activeForm,
            metadata=wanted.metadata,
        )
        tasks = (*scene.tasks, task)
        return changed(tasks, f"Added {line(task, tasks)}")
