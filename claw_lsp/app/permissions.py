"""What the rules would say of a tool call, without making it: `claw-lsp permissions check`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.adapters.settings import MANAGED, load, managed
from claw_lsp.app.below import finder
from claw_lsp.app.house import searcher
from claw_lsp.app.world import World
from claw_lsp.core.policy import writes
from claw_lsp.core.policy.judge import judge, of_use, part_alone
from claw_lsp.core.policy.rules import remark
from claw_lsp.core.policy.shell import files_named, parts_asked, read_at
from claw_lsp.core.policy.words import Line
from claw_lsp.facts.call import Call
from claw_lsp.facts.fault import BadRequest, ClawError, ToolError
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule, Verdict
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import Sandbox
from claw_lsp.tools.below import looked_below
from claw_lsp.tools.paths import named
from claw_lsp.tools.walls import walled

EXIT_CODES: dict[Behavior, int] = {"allow": 0, "ask": 3, "deny": 4}

INPUT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
"""Reads a call's input."""

_REACHES = {
    **dict.fromkeys(("Read", "Grep", "Glob", "LSP"), Reach.READ),
    **dict.fromkeys(("Edit", "Write", "NotebookEdit"), Reach.EDIT),
    **dict.fromkeys(("AskUserQuestion", "ExitPlanMode"), Reach.PERSON),
    **dict.fromkeys(("EnterPlanMode", "TodoWrite", "TaskOutput", "TaskStop"), Reach.NOTHING),
    **dict.fromkeys(("TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "CronList"), Reach.NOTHING),
    **dict.fromkeys(("Agent", "Task", "ListAgents", "ToolSearch", "WaitForMcpServers"), Reach.NOTHING),
    **dict.fromkeys(("ListMcpResourcesTool", "ReadMcpResourceTool"), Reach.NOTHING),
}
"""How far a tool reaches; one that is not here, such as another server's, is asked about as one that reaches out."""
_PATH_FIELDS = ("file_path", "notebook_path", "path")


class Rules(BaseModel):
    """The rules of one line of a batch."""

    model_config = ConfigDict(extra="forbid")

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Asked(BaseModel):
    """One line of a batch: a call, and where and by which rules it is judged."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    input: dict[str, Any]
    mode: Mode = Mode.DEFAULT
    cwd: str = Field(default_factory=os.getcwd)
    home: str | None = None
    roots: tuple[str, ...] | None = None
    permissions: Rules = Rules()


def checked(
    world: World, tool: str, given: Mapping[str, Any], *, mode: Mode | None, folder: str, files: tuple[str, ...]
) -> dict[str, Any]:
    """The answer for one call by the settings in force in a folder. Raises BadRequest for input that is no such call."""
    loaded = load(
        home=world.home,
        claw_home=world.claw_home,
        folder=folder,
        command_line={},
        editor={},
        files=files,
        policy=managed(MANAGED),
    )
    roots = (folder, *loaded.settings.add_dirs)
    scene = _scene(world, folder, roots, world.home, mode or loaded.settings.mode, loaded.settings)
    problems = [str(it) for it in loaded.problems]
    answer = asyncio.run(_judged(tool, given, scene, SystemSandbox(world.environment, world.claw_home)))
    return {**answer, "problems": problems} if problems else answer


def checked_line(world: World, line: str) -> dict[str, Any]:
    """The answer for one line of a batch; `{"error"}` for one that cannot be answered."""
    try:
        asked = Asked.model_validate_json(line)
        behaviors: tuple[Behavior, ...] = ("allow", "ask", "deny")
        rules = [
            Rule(text=text, behavior=it, source="batch") for it in behaviors for text in getattr(asked.permissions, it)
        ]
        settings = Settings.model_validate({"rules": tuple(rules)})
        roots = (asked.cwd,) if asked.roots is None else asked.roots
        scene = _scene(world, asked.cwd, roots, asked.home or world.home, asked.mode, settings)
        sandbox = SystemSandbox(world.environment, world.claw_home)
        answer = asyncio.run(_judged(asked.tool, asked.input, scene, sandbox))
        said = [(it, remark(it.text, it.behavior)) for it in rules]
        problems = [f"permissions.{it.behavior}: {it.text}: {wrong}" for it, wrong in said if wrong]
        return {**answer, "problems": problems} if problems else answer
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        return {"error": f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}"}
    except ClawError as error:
        return {"error": str(error)}


def _scene(world: World, cwd: str, roots: tuple[str, ...], home: str, mode: Mode, settings: Settings) -> Scene:
    return Scene(
        "check", "check", cwd, roots, home, mode, {}, (), settings, claw_home=world.claw_home, rules=settings.rules
    )


async def _judged(tool: str, given: Mapping[str, Any], scene: Scene, sandbox: Sandbox) -> dict[str, Any]:
    try:
        plan = await _plan(tool, given, scene, sandbox)
    except ToolError as error:
        # No tool makes a plan of this, so it cannot run.
        return {"decision": "deny", "rule": None, "source": None, "reason": str(error)}
    verdict = judge(scene.settings.rules, scene.mode, plan, scene.ground)
    answer: dict[str, Any] = verdict.model_dump(include={"decision", "rule", "source", "reason"})
    if plan.command is not None:
        if scene.settings.sandbox_enabled:
            answer["sandbox"] = plan.walls.mechanism or f"none: {plan.walls.why}"
        line = read_at(plan.command, scene.ground)
        answer["parts"] = _parts(line, plan, scene)
        answer["redirects"] = _redirects(line, plan, scene)
    return answer


async def _plan(tool: str, given: Mapping[str, Any], scene: Scene, sandbox: Sandbox) -> Plan:
    """The plan that the tool would make, as far as it is judged: nothing is opened, links are followed."""
    disk = DiskWorkspace()
    call = Call(id="check", name=tool, input=dict(given))
    if tool == "Bash":
        command = _text(given, "command")
        line = read_at(command, scene.ground)
        paths = [await disk.locate(it) for it in files_named(line, scene.ground)]
        changed = [await disk.locate(it) for it in writes.named(line, scene.ground)]
        plan = Plan(call, Reach.RUN, tool, paths=tuple(paths), writes=tuple(changed), command=command)
        plan = await looked_below(plan, scene, finder(searcher()))
        return await walled(plan, scene, sandbox, outside=given.get("dangerouslyDisableSandbox") is True)
    if tool == "WebFetch":
        return Plan(call, Reach.FETCH, tool, url=_text(given, "url"))
    reach = _REACHES.get(tool, Reach.FETCH)
    named_paths: list[PlannedPath] = []
    if reach in (Reach.READ, Reach.EDIT):
        raw = next((given[it] for it in _PATH_FIELDS if it in given), scene.cwd if tool in ("Grep", "Glob") else None)
        if not isinstance(raw, str):
            raise BadRequest(f"input: expected {_PATH_FIELDS[0]}, a text, for {tool}")
        named_paths.append(await named(raw, scene, disk))
    return Plan(call, reach, tool, paths=tuple(named_paths))


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"input: expected {name}, a text, found {value!r}")
    return value


def _parts(line: Line, plan: Plan, scene: Scene) -> list[dict[str, Any]]:
    """How each part of a shell line was read, and what comes of it alone."""
    settings, mode, ground = scene.settings, scene.mode, scene.ground
    asked = parts_asked(line)
    found: list[dict[str, Any]] = []
    for part in dict.fromkeys(line.parts):
        alone = part_alone(settings.rules, mode, plan, part, ground)
        free = part not in asked and not line.unread
        found.append({"text": part.text, "words": list(part.texts), "free": free, **_said(alone)})
    return found


def _redirects(line: Line, plan: Plan, scene: Scene) -> list[dict[str, Any]]:
    """The files that a line reads its input from or writes to, and what comes of each."""
    found: list[dict[str, Any]] = []
    for use in writes.redirected(line, scene.ground):
        verdict = of_use(scene.settings.rules, scene.mode, plan, use, scene.ground)
        as_tool = "Edit" if use.writes else "Read"
        found.append({"path": use.said, "leads": list(use.places), "as": as_tool, **_said(verdict)})
    return found


def _said(verdict: Verdict) -> dict[str, Any]:
    return {"decision": verdict.decision, "rule": verdict.rule, "reason": verdict.reason}
