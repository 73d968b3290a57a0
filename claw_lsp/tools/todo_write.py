"""The TodoWrite tool: the older form of the Task tools, offered in their place by a setting."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result, Task, TaskState
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.tasks import changed, line


class Todo(BaseModel):
    model_config = ConfigDict(extra="forbid")

    content: str = Field(min_length=1, description="What is to be done")
    status: TaskState
    activeForm: str = Field("", description="Shown while it is done")  # noqa: N815


class TodoWriteInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    todos: tuple[Todo, ...] = Field(description="The whole list as it is from now on")


class TodoWriteTool:
    """Writes the task list that the person sees, as a whole. For work of three or more steps. Keep one task in_progress; mark it completed when it is really done."""  # noqa: E501

    name: ClassVar[str] = "TodoWrite"
    input: ClassVar[type[BaseModel]] = TodoWriteInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = TodoWriteInput.model_validate(call.input)
        return Plan(call, Reach.NOTHING, f"Write the list of {counted(len(wanted.todos), 'task')}")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        todos = TodoWriteInput.model_validate(plan.call.input).todos
        tasks = tuple(
            Task(id=str(n), subject=it.content, active_form=it.activeForm, status=it.status)
            for n, it in enumerate(todos, 1)
        )
        lines = "\n".join(line(task, tasks) for task in tasks)
        return changed(tasks, f"The list is now:\n{lines}" if tasks else "The list is now empty.")
