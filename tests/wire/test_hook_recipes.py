"""The recipes of docs/hooks.md, taken out of the page and run: each by the real runner, and what comes of it as it is read."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from test_hooks import Hooks

from claw_lsp.adapters.settings import examined
from claw_lsp.core.files.handlers import found_in
from claw_lsp.core.hooks.choosing import names_meant
from claw_lsp.core.hooks.saying import Said, said
from claw_lsp.facts.hook import Hook
from claw_lsp.testing.scripted_model import ScriptedModel, says

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text("utf-8")
RECIPES = {
    title: json.loads(text)
    for title, text in re.findall(r"^### (.+?)\n.*?^```json\n(.+?)^```", PAGE, re.DOTALL | re.MULTILINE)
}


def hook(title: str) -> Hook:
    [found] = list(found_in(RECIPES[title]["hooks"]))
    assert found.hook is not None and not found.remark
    return found.hook


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncGenerator[Hooks]:
    made = Hooks(tmp_path)
    yield made
    await made.close()


async def answer(hooks: Hooks, title: str, **given: Any) -> Said:
    """What the hook of a recipe says to this."""
    it = hook(title)
    event = {"session_id": "s", "cwd": str(hooks.folder), "hook_event_name": it.event, **given}
    ran = await hooks.run(json.dumps(event), **json.loads(it.model_dump_json(by_alias=True, exclude_unset=True)))
    assert not ran.fault, ran.fault
    return said(it, ran)


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


async def test_what_was_edited_is_formatted(hooks: Hooks) -> None:
    script = hooks.folder / "a.sh"
    script.write_text("echo hi   \n")
    await answer(hooks, "Format what was edited", tool_input={"file_path": str(script)})
    assert script.read_text() == "echo hi\n"


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
