"""What hooks are run for, and what each event tells them."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.fold import Turn
from claw_lsp.core.hooks.choosing import Occasion
from claw_lsp.core.state import State
from claw_lsp.facts.call import Call, Result, Task, TaskState, calls_in, text_in
from claw_lsp.facts.event import UserSpoke
from claw_lsp.facts.instructions import Instructions
from claw_lsp.facts.mcp import Elicitation, Elicited
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Change


def session_start(source: str, state: State) -> Occasion:
    return Occasion("SessionStart", source, {"source": source, "model": state.model, "session_title": state.title})


def prompt_submitted(text: str) -> Occasion:
    return Occasion("UserPromptSubmit", "", {"prompt": text})


def expanded(spoken: UserSpoke) -> Occasion | None:
    """What the person sent was a command that became a prompt; None for plain words, and for a comment in a file."""
    of_server = next((it for it in spoken.along if it.startswith("/mcp__")), "")
    if spoken.action.startswith("comment_") or (spoken.action == "ask" and not of_server):
        return None
    if of_server:
        name, args = of_server[1:].partition(" ")[0], spoken.text.partition(" ")[2]
        given = {"expansion_type": "mcp_prompt", "command_source": "mcp"}
    else:
        name, args = spoken.action, spoken.text.partition("\n\n")[2]
        given = {"expansion_type": "slash_command", "command_source": "builtin"}
    given |= {"command_name": name, "command_args": args.strip(), "prompt": spoken.text}
    return Occasion("UserPromptExpansion", name, given)


def before_call(plan: Plan, ground: Ground) -> Occasion:
    return _about(plan, ground, "PreToolUse")


def question(plan: Plan, ground: Ground, suggestions: list[dict[str, Any]]) -> Occasion:
    """Before the person is asked whether a call may run; `suggestions` are what an answer of theirs could let hold beyond it."""
    return _about(plan, ground, "PermissionRequest", permission_suggestions=suggestions)


def refused(plan: Plan, ground: Ground, reason: str) -> Occasion:
    """The small model of auto mode refused a call."""
    return _about(plan, ground, "PermissionDenied", reason=reason)


def after_call(plan: Plan, ground: Ground, result: Result, seconds: float) -> Occasion:
    """A call ended; the response has one shape for every tool."""
    text = result.content if isinstance(result.content, str) else text_in(result.content)
    if result.is_error:
        return _about(plan, ground, "PostToolUseFailure", error=text, is_interrupt=False)
    path = {"filePath": plan.paths[0].path} if plan.paths else {}
    response = {"content": text, "success": True, **path}
    return _about(plan, ground, "PostToolUse", tool_response=response, duration_ms=round(seconds * 1000))


def after_calls(blocks: tuple[dict[str, Any], ...]) -> Occasion:
    """Every call of a reply has its result."""
    return Occasion("PostToolBatch", "", {"tool_calls": [_of_call(it) for it in calls_in(blocks)]})


def of_tasks(call: str, before: tuple[Task, ...], after: tuple[Task, ...]) -> tuple[Occasion, ...]:
    """The tasks that a call wrote down or called done."""
    known = {it.id: it for it in before}
    done = TaskState.COMPLETED
    made = [("TaskCreated", it) for it in after if it.id not in known]
    made += [
        ("TaskCompleted", it)
        for it in after
        if it.status is done and it.id in known and known[it.id].status is not done
    ]
    return tuple(Occasion(event, "", _of_task(it), call) for event, it in made)


def elicited(it: Elicitation) -> Occasion:
    """An MCP server asks the person something."""
    return Occasion("Elicitation", it.server, _of_elicitation(it))


def elicitation_answered(it: Elicitation, answer: Elicited) -> Occasion:
    given = {"action": answer.action, "content": answer.content}
    return Occasion("ElicitationResult", it.server, {**_of_elicitation(it), **given})


def file_changed(path: str, how: str) -> Occasion:
    """A file that hooks wanted to be watched was changed (change), made (add) or removed (unlink)."""
    return Occasion("FileChanged", path.rsplit("/", 1)[-1], {"file_path": path, "event": how})


def folder_added(path: str) -> Occasion:
    """The editor opened a further folder."""
    source = "register_repo_root"
    return Occasion("DirectoryAdded", source, {"directory": path, "source": source})


def config_changed(it: Change) -> Occasion:
    """A settings file changed, and does not count yet, but for what is managed."""
    return Occasion("ConfigChange", it.source, {"source": it.source, "file_path": it.path})


def displayed(run: str, message: str, text: str) -> Occasion:
    """A reply is to be shown, as a whole."""
    given = {"turn_id": run, "message_id": message, "index": 0, "final": True, "delta": text}
    return Occasion("MessageDisplay", "", given)


def stop(turn: Turn) -> Occasion:
    text = text_in(turn.last.blocks) if turn.last else ""
    given = {"stop_hook_active": turn.n_held > 0, "last_assistant_message": text}
    return Occasion("Stop", "", {**given, "background_tasks": [], "session_crons": []})


def failed(reason: str, why: str, last: str) -> Occasion:
    """A turn ended because the provider failed."""
    return Occasion("StopFailure", reason, {"error": reason, "error_details": why, "last_assistant_message": last})


def notified(kind: str, message: str) -> Occasion:
    return Occasion("Notification", kind, {"message": message, "title": "claw-lsp", "notification_type": kind})


IDLE = notified("idle_prompt", "Claw waits for you.")


def moved(old: str, new: str) -> Occasion:
    """The shell stands in another folder."""
    return Occasion("CwdChanged", "", {"old_cwd": old, "new_cwd": new})


def instructed(it: Instructions, reason: str) -> Occasion:
    """The model is told of a file of instructions."""
    globs = {"globs": list(it.paths)} if it.paths else {}
    by = {"parent_file_path": it.by} if it.by else {}
    given = {"file_path": it.path, "memory_type": it.origin.capitalize(), "load_reason": reason, **globs, **by}
    return Occasion("InstructionsLoaded", reason, given)


def before_model(old: str, new: str) -> Occasion:
    return Occasion("PreModelSwitch", "", {"from_model": old, "to_model": new})


def after_model(old: str, new: str) -> Occasion:
    return Occasion("PostModelSwitch", "", {"from_model": old, "to_model": new})


def before_compaction(trigger: str, focus: str) -> Occasion:
    return Occasion("PreCompact", trigger, {"trigger": trigger, "custom_instructions": focus})


def after_compaction(trigger: str, summary: str) -> Occasion:
    return Occasion("PostCompact", trigger, {"trigger": trigger, "compact_summary": summary})


def session_end(reason: str) -> Occasion:
    return Occasion("SessionEnd", reason, {"reason": reason})


def _about(plan: Plan, ground: Ground, event: str, **more: Any) -> Occasion:
    return Occasion(event, plan.call.name, {**_of_call(plan.call), **more}, plan.call.id, plan, ground)


def _of_task(it: Task) -> dict[str, Any]:
    described = {"task_description": it.description} if it.description else {}
    return {"task_id": it.id, "task_subject": it.subject, **described}


def _of_elicitation(it: Elicitation) -> dict[str, Any]:
    form = {"mode": "url", "url": it.url} if it.url else {"mode": "form", "requested_schema": it.schema}
    return {"mcp_server_name": it.server, "message": it.message, **form}


def _of_call(call: Call) -> dict[str, Any]:
    server = {"mcp_server": call.name.split("__")[1]} if call.name.startswith("mcp__") else {}
    return {"tool_name": call.name, "tool_input": call.input, "tool_use_id": call.id, **server}
