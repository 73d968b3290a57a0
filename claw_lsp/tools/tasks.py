"""The session's to-do list: changes to it as pure functions, and how it is shown. A blocked task always knows its blocker."""

from __future__ import annotations

from collections.abc import Iterable

from claw_lsp.facts.call import Result, Task, TaskState
from claw_lsp.facts.fault import ToolError

Tasks = tuple[Task, ...]


def find(tasks: Tasks, task_id: str) -> Task:
    """Raises ToolError that names the tasks there are."""
    wanted = task_id.strip().lstrip("#")
    for task in tasks:
        if task.id == wanted:
            return task
    there = ", ".join(task.id for task in tasks) or "none"
    raise ToolError(f"There is no task {task_id!r}; the tasks there are: {there}. TaskList shows them.")


def next_id(tasks: Tasks) -> str:
    return str(max((int(task.id) for task in tasks if task.id.isdecimal()), default=0) + 1)


def replaced(tasks: Tasks, task: Task) -> Tasks:
    return tuple(task if it.id == task.id else it for it in tasks)


def without(tasks: Tasks, task_id: str) -> Tasks:
    """The list without a task; nobody waits for it any more."""
    return tuple(
        it.model_copy(
            update={
                "blocks": tuple(other for other in it.blocks if other != task_id),
                "blocked_by": tuple(other for other in it.blocked_by if other != task_id),
            }
        )
        for it in tasks
        if it.id != task_id
    )


def linked(tasks: Tasks, blocker_id: str, blocked_id: str) -> Tasks:
    """The list in which one task waits for another. Raises ToolError where they would wait for each other."""
    blocker, blocked = find(tasks, blocker_id), find(tasks, blocked_id)
    if blocker.id == blocked.id or blocker.id in _waiting_for(tasks, blocked.id):
        raise ToolError(
            f"Task {blocked.id} cannot wait for task {blocker.id}: they would wait for each other for ever."
        )
    tasks = replaced(tasks, blocker.model_copy(update={"blocks": _with(blocker.blocks, blocked.id)}))
    return replaced(tasks, blocked.model_copy(update={"blocked_by": _with(blocked.blocked_by, blocker.id)}))


def line(task: Task, tasks: Tasks) -> str:
    """One task on one line; of what it waits for, what is still open."""
    done = {it.id for it in tasks if it.status is TaskState.COMPLETED}
    waits = [it for it in task.blocked_by if it not in done]
    owner = f" ({task.owner})" if task.owner else ""
    return f"#{task.id} [{task.status}] {task.subject}{owner}" + (f" waits for {_ids(waits)}" if waits else "")


def whole(task: Task, tasks: Tasks) -> str:
    """Everything about one task."""
    parts = [line(task, tasks)]
    if task.description:
        parts.append(task.description)
    if task.blocks:
        parts.append(f"Blocks {_ids(task.blocks)}")
    if task.metadata:
        parts.append(f"Metadata: {task.metadata}")
    return "\n".join(parts)


def changed(tasks: Tasks, content: str) -> Result:
    """The result of a call that changed the list."""
    n_done = sum(task.status is TaskState.COMPLETED for task in tasks)
    now = next((task.active_form or task.subject for task in tasks if task.status is TaskState.IN_PROGRESS), "")
    return Result(
        content=content, summary=f"{n_done} of {len(tasks)} tasks done" + (f"; {now}" if now else ""), tasks=tasks
    )


def _waiting_for(tasks: Tasks, task_id: str) -> set[str]:
    """Every task that waits for this one, however far away."""
    found: set[str] = set()
    ahead = [task_id]
    while ahead:
        for it in find(tasks, ahead.pop()).blocks:
            if it not in found:
                found.add(it)
                ahead.append(it)
    return found


def _with(ids: tuple[str, ...], task_id: str) -> tuple[str, ...]:
    return ids if task_id in ids else (*ids, task_id)


def _ids(ids: Iterable[str]) -> str:
    return ", ".join(f"#{it}" for it in ids)
