"""The task list: what each call makes of it, and what the model is told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.call import Call, Result, Task, TaskState
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.tools import Tool
from claw_lsp.tools.ask_user_question import AskUserQuestionTool
from claw_lsp.tools.enter_plan_mode import EnterPlanModeTool
from claw_lsp.tools.exit_plan_mode import ExitPlanModeTool
from claw_lsp.tools.task_create import TaskCreateTool
from claw_lsp.tools.task_get import TaskGetTool
from claw_lsp.tools.task_list import TaskListTool
from claw_lsp.tools.task_update import TaskUpdateTool
from claw_lsp.tools.todo_write import TodoWriteTool

WORKSPACE: Any = None
"""These tools look at no file; touching the workspace would fail."""


class List:
    """A session's list, changed by calls as the engine would."""

    def __init__(self) -> None:
        self.tasks: tuple[Task, ...] = ()

    async def do(self, tool: Tool, **given: Any) -> Result:
        scene = Scene("s", "r", "/p", ("/p",), "/h", Mode.DEFAULT, {}, self.tasks, Settings())
        plan = await tool.plan(Call(id="c", name=tool.name, input=given), scene, WORKSPACE)
        assert plan.reach is Reach.NOTHING

        async def tell(line: str) -> None:
            raise AssertionError(f"nothing to tell: {line}")

        result = await tool.perform(plan, scene, WORKSPACE, (), tell)
        if result.tasks is not None:
            self.tasks = result.tasks
        return result

    async def create(self, *subjects: str) -> None:
        for subject in subjects:
            await self.do(TaskCreateTool(), subject=subject)

    async def update(self, task_id: str, **given: Any) -> Result:
        return await self.do(TaskUpdateTool(), taskId=task_id, **given)

    async def shown(self) -> str:
        return str((await self.do(TaskListTool())).content)


@pytest.fixture
def tasks() -> List:
    return List()


async def test_a_created_task_is_pending_and_numbered(tasks: List) -> None:
    await tasks.create("Look")
    given = {"subject": "Mend", "description": "the bug", "activeForm": "Mending", "metadata": {"k": 1}}
    result = await tasks.do(TaskCreateTool(), **given)
    assert tasks.tasks == (
        Task(id="1", subject="Look"),
        Task(id="2", subject="Mend", description="the bug", active_form="Mending", metadata={"k": 1}),
    )
    assert (result.content, result.summary) == ("Added #2 [pending] Mend", "0 of 2 tasks done")


async def test_the_list_shows_states_owners_and_open_blockers(tasks: List) -> None:
    assert await tasks.shown() == "There are no tasks."
    await tasks.create("a", "b", "c")
    await tasks.update("3", addBlockedBy=["1", "#2"], owner="me")
    await tasks.update("1", status="completed")
    result = await tasks.update("2", status="in_progress", activeForm="Doing b")
    assert result.summary == "1 of 3 tasks done; Doing b"
    assert await tasks.shown() == "#1 [completed] a\n#2 [in_progress] b\n#3 [pending] c (me) waits for #2"


async def test_one_task_is_shown_with_all_it_has(tasks: List) -> None:
    await tasks.create("a", "b")
    await tasks.update("1", description="all of it", addBlocks=["2"], metadata={"x": 1})
    result = await tasks.do(TaskGetTool(), taskId="1")
    assert result.content == "#1 [pending] a\nall of it\nBlocks #2\nMetadata: {'x': 1}"
    assert (result.summary, result.tasks) == ("a", None)


async def test_what_an_update_does_not_name_stays(tasks: List) -> None:
    await tasks.create("a")
    await tasks.update("1", description="d", metadata={"keep": 1, "drop": 2})
    await tasks.update("1", subject="A", metadata={"drop": None, "new": 3})
    assert tasks.tasks == (Task(id="1", subject="A", description="d", metadata={"keep": 1, "new": 3}),)


async def test_a_deleted_task_blocks_nobody_and_its_number_is_not_in_use(tasks: List) -> None:
    await tasks.create("a", "b", "c")
    await tasks.update("2", addBlockedBy=["1"], addBlocks=["3"])
    result = await tasks.update("2", status="deleted")
    assert result.content == "Deleted task #2, b"
    assert tasks.tasks == (Task(id="1", subject="a"), Task(id="3", subject="c"))


async def test_tasks_cannot_wait_for_each_other(tasks: List) -> None:
    await tasks.create("a", "b", "c")
    await tasks.update("1", addBlocks=["2"])
    await tasks.update("2", addBlocks=["3"])
    before = tasks.tasks
    with pytest.raises(ToolError, match="Task 1 cannot wait for task 3"):
        await tasks.update("3", addBlocks=["1"])
    with pytest.raises(ToolError, match="Task 2 cannot wait for task 2"):
        await tasks.update("2", addBlockedBy=["2"])
    assert tasks.tasks == before


@pytest.mark.parametrize("tool", [TaskGetTool(), TaskUpdateTool()])
async def test_an_unknown_task_is_an_error_that_names_those_there_are(tasks: List, tool: Tool) -> None:
    await tasks.create("a", "b")
    with pytest.raises(ToolError, match="There is no task '7'; the tasks there are: 1, 2"):
        await tasks.do(tool, taskId="7")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("123456"),
            st.sampled_from(["addBlocks", "addBlockedBy", "delete"]),
            st.sampled_from("123456"),
        ),
        max_size=25,
    )
)
async def test_blocking_is_known_on_both_sides_and_never_in_a_circle(links: list[tuple[str, str, str]]) -> None:
    tasks = List()
    await tasks.create(*"abcdef")
    for one, how, other in links:
        try:
            await tasks.update(one, **({"status": "deleted"} if how == "delete" else {how: [other]}))
        except ToolError:
            continue
    known = {task.id: task for task in tasks.tasks}
    assert all(task.id in known[it].blocked_by for task in tasks.tasks for it in task.blocks)
    assert all(task.id in known[it].blocks for task in tasks.tasks for it in task.blocked_by)
    left = dict(known)
    while free := [it for it in left if not set(left[it].blocked_by) & set(left)]:
        for it in free:
            del left[it]
    assert not left


async def test_todos_replace_the_whole_list(tasks: List) -> None:
    await tasks.create("old")
    todos = [
        {"content": "a", "status": "completed", "activeForm": "Doing a"},
        {"content": "b", "status": "in_progress", "activeForm": "Doing b"},
    ]
    result = await tasks.do(TodoWriteTool(), todos=todos)
    assert tasks.tasks == (
        Task(id="1", subject="a", active_form="Doing a", status=TaskState.COMPLETED),
        Task(id="2", subject="b", active_form="Doing b", status=TaskState.IN_PROGRESS),
    )
    assert result.content == "The list is now:\n#1 [completed] a\n#2 [in_progress] b"
    assert (await tasks.do(TodoWriteTool(), todos=[])).content == "The list is now empty."


@pytest.mark.parametrize(
    ("tool", "given", "field"),
    [
        (TaskCreateTool(), {}, "subject"),
        (TaskCreateTool(), {"subject": "a", "colour": "red"}, "colour"),
        (TaskGetTool(), {"taskId": 1}, "taskId"),
        (TaskListTool(), {"all": True}, "all"),
        (TaskUpdateTool(), {"taskId": "1", "status": "done"}, "status"),
        (TodoWriteTool(), {"todos": [{"content": "", "status": "pending"}]}, "todos.0.content"),
    ],
)
async def test_a_bad_input_names_its_field(tasks: List, tool: Tool, given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await tasks.do(tool, **given)
    assert [".".join(map(str, it["loc"])) for it in caught.value.errors()] == [field]


def test_the_eight_tools_take_little_of_the_first_request() -> None:
    tools: Iterable[Tool] = (
        TaskCreateTool(),
        TaskGetTool(),
        TaskListTool(),
        TaskUpdateTool(),
        TodoWriteTool(),
        AskUserQuestionTool(),
        EnterPlanModeTool(),
        ExitPlanModeTool(),
    )
    shapes = [spec(tool).model_dump(include={"name", "description", "input_schema"}) for tool in tools]
    assert all(shape["input_schema"]["additionalProperties"] is False for shape in shapes)
    assert len(json.dumps(shapes, separators=(",", ":"))) <= 5_000
