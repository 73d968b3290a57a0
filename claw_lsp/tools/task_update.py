"""The TaskUpdate tool."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.call import Call, Result, Task, TaskState
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.tasks import changed, find, line, linked, replaced, without


class TaskUpdateInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    taskId: str  # noqa: N815
    status: Literal["pending", "in_progress", "completed", "deleted"] | None = None
    subject: str | None = Field(None, min_length=1)
    description: str | None = None
    activeForm: str | None = None  # noqa: N815
    owner: str | None = None
    addBlocks: tuple[str, ...] = Field((), description="Ids of tasks that must wait for this one")  # noqa: N815
    addBlockedBy: tuple[str, ...] = Field((), description="Ids of tasks this one must wait for")  # noqa: N815
    metadata: dict[str, Any] | None = Field(None, description="Merged by key; null removes a key")


class TaskUpdateTool:
    """Changes a task; what is not given stays. Mark it in_progress before you begin, one at a time, and completed only when it is really done: not with failing tests or open parts."""  # noqa: E501

    name: ClassVar[str] = "TaskUpdate"
    input: ClassVar[type[BaseModel]] = TaskUpdateInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TaskUpdateInput.model_validate(call.input)
        status = f": {wanted.status.replace('_', ' ')}" if wanted.status else ""
        return Plan(call, Reach.NOTHING, f"Change task {wanted.taskId}{status}")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = TaskUpdateInput.model_validate(plan.call.input)
        before = find(scene.tasks, wanted.taskId)
        if wanted.status == "deleted":
            return changed(without(scene.tasks, before.id), f"Deleted task #{before.id}, {before.subject}")
        task = _changed(before, wanted)
        tasks = replaced(scene.tasks, task)
        for other in wanted.addBlocks:
            tasks = linked(tasks, task.id, other)
        for other in wanted.addBlockedBy:
            tasks = linked(tasks, other, task.id)
        return changed(tasks, line(find(tasks, task.id), tasks))


def _changed(task: Task, wanted: TaskUpdateInput) -> Task:
    given = {
        "subject": wanted.subject,
        "description": wanted.description,
        "active_form": wanted.activeForm,
        "owner": wanted.owner,
        "status": TaskState(wanted.status) if wanted.status else None,
    }
    metadata = {**task.metadata, **(wanted.metadata or {})}
    kept = {key: value for key, value in metadata.items() if value is not None}
    return task.model_copy(update={"metadata": kept, **{key: it for key, it in given.items() if it is not None}})
