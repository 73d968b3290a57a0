"""The recipes of docs/hooks.md, taken out of the page and run: each by the real runner, and what comes of it as it is read."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from test_hooks import Hooks

from claw_lsp.adapters.settings import examined
from claw_lsp.core.files.handlers import found_in
from claw_lsp.core.hooks.choosing import names_meant
from claw_lsp.core.hooks.saying import Said, said
from claw_lsp.core.hooks.variables import read
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.mcp import ServerConfig
from claw_lsp.testing.scripted_model import ScriptedModel, says

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text("utf-8")
RECIPES = {
    title: json.loads(text)
    for title, text in re.findall(r"^### (.+?)\n.*?^```json\n(.+?)^```", PAGE, re.DOTALL | re.MULTILINE)
}

PATIENCE = 60.0
OWNERS = """
import json
from mcp.server.mcpserver import MCPServer

server = MCPServer("owners")


@server.tool()
def may_change(file: str) -> str:
    "Say whose file it is."
    return json.dumps({"decision": "block", "reason": f"{file} is theirs"} if "theirs" in file else {})


server.run("stdio")
"""
"""The server of a recipe."""


def hook(title: str) -> Hook:
    [found] = list(found_in(RECIPES[title]["hooks"]))
    assert found.hook is not None and not found.remark
    return found.hook


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncGenerator[Hooks]:
    made = Hooks(tmp_path)
    yield made
    await made.close()


async def run(hooks: Hooks, title: str, settings: Any = None, **given: Any) -> HookRan:
    it = hook(title)
    event = {"session_id": "s", "cwd": str(hooks.folder), "hook_event_name": it.event, **given}
    fields = json.loads(it.model_dump_json(by_alias=True, exclude_unset=True))
    ran = await hooks.run(json.dumps(event), PATIENCE, settings, **fields)
    assert not ran.fault, ran.fault
    return ran


async def answer(hooks: Hooks, title: str, **given: Any) -> Said:
    """What the hook of a recipe says to this."""
    return said(hook(title), await run(hooks, title, **given))


def test_every_recipe_is_right_as_it_stands_and_tried_here() -> None:
    for recipe in RECIPES.values():
        assert examined("/w/.claw/settings.json", json.dumps(recipe)) == ()
    tried = Path(__file__).read_text("utf-8")
    assert [title for title in RECIPES if f'"{title}"' not in tried] == []


async def test_a_push_with_force_is_refused_and_another_is_not(hooks: Hooks) -> None:
    title = "Refuse a command whatever allows it"
    refused = await answer(hooks, title, tool_name="Bash", tool_input={"command": "git push origin --force"})
    assert (refused.decision, refused.reason) == ("deny", "Nobody pushes with force here.")
    assert (await answer(hooks, title, tool_name="Bash", tool_input={"command": "git push origin"})).decision is None


async def test_files_that_tools_make_are_protected(hooks: Hooks) -> None:
    title = "Protect files"
    assert names_meant(hook(title).matcher, ("Edit", "Write", "Read", "NotebookEdit")) == (
        "Edit",
        "Write",
        "NotebookEdit",
    )
    refused = await answer(hooks, title, tool_input={"file_path": "/w/poetry.lock"})
    assert refused.decision == "deny" and "is made by a tool" in refused.reason
    assert (await answer(hooks, title, tool_input={"file_path": "/w/a.py"})).decision is None


async def test_what_was_edited_and_saved_is_formatted(hooks: Hooks) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    title, path = "Format what was edited", hooks.folder / "a.py"
    for unsaved, after in (([str(path)], "x=1\n"), ([], "x = 1\n")):
        path.write_text("x=1\n")
        given = {"tool_input": {"file_path": str(path)}, "unsaved_files": unsaved}
        ran = await run(hooks, title, {"env": {"PATH": programs}}, **given)
        assert (ran.code, ran.errors, path.read_text()) == (0, "", after)


async def test_the_model_is_told_the_branch(hooks: Hooks) -> None:
    assert (
        "Branch: " in (await answer(hooks, "Tell the model something when a session begins", source="startup")).context
    )


async def test_questions_about_one_folder_are_answered(hooks: Hooks) -> None:
    title = "Answer questions about one folder with yes"
    inside, outside = hooks.folder / "scratch" / "a.py", hooks.folder / "scratch" / ".." / "b.py"
    assert (await answer(hooks, title, tool_input={"file_path": str(inside)})).decision == "allow"
    assert (await answer(hooks, title, tool_input={"file_path": str(outside)})).decision is None


async def test_a_call_is_changed(hooks: Hooks) -> None:
    changed = await answer(hooks, "Change a call", tool_input={"command": "npm install", "description": "x"})
    assert changed.input == {"command": "npm ci", "description": "x"}
    assert (await answer(hooks, "Change a call", tool_input={"command": "npm test"})).input is None


@pytest.mark.parametrize(("script", "decision"), [("exit 0", None), ("echo 2 failed; exit 1", "deny")])
async def test_a_turn_goes_on_until_the_tests_pass(hooks: Hooks, script: str, decision: str | None) -> None:
    (hooks.folder / "run-tests.sh").write_text(script)
    found = await answer(hooks, "Not done before the tests pass", stop_hook_active=False)
    assert found.decision == decision and ("2 failed" in found.reason) is (decision == "deny")


async def test_tests_beside_the_work_refuse_it_when_they_fail(hooks: Hooks) -> None:
    (hooks.folder / "run-tests.sh").write_text("echo 2 failed; exit 1")
    title = "Run the tests beside the work"
    found = await answer(hooks, title, stop_hook_active=False)
    assert hook(title).async_rewake
    assert (found.decision, found.reason) == ("deny", "2 failed")


async def test_an_agent_looks_first(hooks: Hooks) -> None:
    (hooks.folder / "CHANGELOG.md").write_text("# Changes\n")
    hooks.model = ScriptedModel(
        says("", ("c1", "Read", {"file_path": "CHANGELOG.md"})),
        says("", ("c2", "Answer", {"ok": False, "reason": "It does not."})),
    )
    found = await answer(hooks, "Have an agent look before it is called done", last_assistant_message="Done.")
    assert (found.decision, found.reason) == ("deny", "It does not.")
    assert "# Changes" in str(hooks.model.requests[-1].messages)


async def test_a_tool_of_a_server_decides(hooks: Hooks) -> None:
    server = hooks.folder / "owners.py"
    server.write_text(OWNERS)
    started = {"transport": "stdio", "command": sys.executable, "args": (str(server),)}
    hooks.serve(ServerConfig.model_validate({"name": "owners", "scope": "user", **started}))
    title = "Ask a tool of an MCP server"
    refused = await answer(hooks, title, tool_input={"file_path": "/w/theirs.py"})
    assert (refused.decision, refused.reason) == ("deny", "/w/theirs.py is theirs")
    assert (await answer(hooks, title, tool_input={"file_path": "/w/mine.py"})).decision is None


@pytest.mark.parametrize(("stage", "exported"), [("", {}), ("test", {"STAGE": "test"})])
async def test_a_variable_is_set(hooks: Hooks, stage: str, exported: dict[str, str]) -> None:
    if stage:
        (hooks.folder / ".stage").write_text(f"{stage}\n")
    ran = await run(hooks, "Set variables for the commands of a session", source="startup")
    assert read(ran.exported).over({}) == exported


async def test_a_small_model_is_asked(hooks: Hooks) -> None:
    title = "Let a small model look at it"
    hooks.model = ScriptedModel(says("", ("a1", "Answer", {"ok": False, "reason": "It skipped the tests."})))
    found = await answer(hooks, title, last_assistant_message="I skipped the tests.")
    assert (found.decision, found.reason) == ("deny", "It skipped the tests.")


@pytest.mark.parametrize(
    ("title", "file", "given", "line"),
    [
        ("Be told when you are waited for", "waiting.log", {"message": "Run make?"}, "Run make?"),
        ("Keep a log of commands", "commands.log", {"tool_input": {"command": "make -j2"}}, "make -j2"),
    ],
)
async def test_a_line_is_written_down(hooks: Hooks, title: str, file: str, given: dict[str, Any], line: str) -> None:
    await answer(hooks, title, **given)
    assert (hooks.folder / file).read_text() == f"{line}\n"
