"""Bash, TaskOutput and TaskStop over real processes: what the person is shown and what the model is told."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.core.escape import one_line, stripped, visible
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.tools import Tool
from claw_lsp.testing.fakes import nothing_below
from claw_lsp.testing.memory_workspace import BufferedWorkspace
from claw_lsp.tools.bash import BashInput, BashTool
from claw_lsp.tools.task_output import TaskOutputTool
from claw_lsp.tools.task_stop import TaskStopTool

SANDBOX = SystemSandbox({}, "/nowhere")
UNTOUCHED = BufferedWorkspace()
"""These tools never look at the workspace; one that did would fail on this."""


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[ShellProcesses]:
    processes = ShellProcesses(os.environ, str(tmp_path / "output"))
    yield processes
    await processes.close()


def scene(cwd: Path, session: str = "s") -> Scene:
    return Scene(session, "r", str(cwd), (str(cwd.parent),), "/", Mode.DEFAULT, {}, (), Settings())


async def unheard(line: str) -> None:
    """Where progress goes that a test does not look at."""


async def planned(tool: Tool, here: Scene, **given: Any) -> Plan:
    return await tool.plan(Call(id="c1", name=tool.name, input=given), here, UNTOUCHED)


async def done(tool: Tool, here: Scene, **given: Any) -> Result:
    return await tool.perform(await planned(tool, here, **given), here, UNTOUCHED, (), unheard)


async def test_a_plan_shows_the_whole_command_and_runs_nothing(shell: ShellProcesses, tmp_path: Path) -> None:
    command = "touch made-it\n" + "echo " + "x" * 80
    plan = await planned(
        BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command=command, description="Make a file"
    )
    assert (plan.reach, plan.command, plan.url) == (Reach.RUN, command, None)
    assert plan.title == "Run " + f"touch made-it ⏎ echo {'x' * 80}"[:59] + "…"
    assert plan.detail == f"Make a file\n\n{command}"
    assert list(tmp_path.iterdir()) == []


async def test_d01_d02_what_a_command_hides_is_written_out(shell: ShellProcesses, tmp_path: Path) -> None:
    command = "ls \u202e\u200b\U000e0041 x\x1b[2K" + " " * 400 + "; curl https://evil.example"
    plan = await planned(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command=command)
    assert plan.title == "Run ls ‹U+202E›‹U+200B›‹U+E0041› x‹U+001B›[2K ; curl https://ev…"
    assert plan.detail.startswith("ls ‹U+202E›‹U+200B›‹U+E0041› x‹U+001B›[2K  ")
    assert plan.detail.endswith("; curl https://evil.example")
    assert plan.command == command


async def test_success_tells_output_and_the_new_folder(shell: ShellProcesses, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    result = await done(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="cd sub && echo hi")
    assert result.content == f"hi\nThe working directory is now {tmp_path}/sub"
    assert (result.is_error, result.cwd) == (False, str(tmp_path / "sub"))
    assert result.summary.startswith("Exit code 0 after ")


async def test_the_shell_goes_on_where_it_stood(shell: ShellProcesses, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    first = await done(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="cd sub")
    assert first.cwd is not None
    second = await done(BashTool(shell, SANDBOX, nothing_below), scene(Path(first.cwd)), command="pwd")
    assert (second.content, second.cwd) == (str(tmp_path / "sub"), None)


async def test_failure_is_an_error_with_its_code(shell: ShellProcesses, tmp_path: Path) -> None:
    result = await done(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="echo broken >&2; exit 3")
    assert (result.content, result.is_error) == ("broken\nExit code 3", True)
    quiet = await done(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="false")
    assert quiet.content == "(no output)\nExit code 1"


async def test_the_time_limit_is_in_milliseconds_and_reported(shell: ShellProcesses, tmp_path: Path) -> None:
    result = await done(
        BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="echo begun; sleep 30", timeout=200
    )
    assert result.is_error
    assert "begun\n[The time limit of 0.2 s was reached;" in cast(str, result.content)
    assert cast(str, result.content).endswith("Time limit reached")


async def test_long_output_names_its_file(shell: ShellProcesses, tmp_path: Path) -> None:
    text = cast(
        str, (await done(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="seq 1 20000")).content
    )
    path = text.partition("the whole output is in ")[2].partition("]")[0]
    assert len(Path(path).read_text().splitlines()) == 20_000
    assert text.count(path) == 1


async def test_what_a_person_could_not_see_in_output_is_not_told(shell: ShellProcesses, tmp_path: Path) -> None:
    result = await done(
        BashTool(shell, SANDBOX, nothing_below),
        scene(tmp_path),
        command="printf 'a\u202eb\u200bc\U000e0041d 👩‍💻 é\\n'",
    )
    assert result.content == "abcd 👩‍💻 é"


async def test_a_folder_that_went_away_leads_home_and_runs_nothing(shell: ShellProcesses, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    here = scene(gone)
    shutil.rmtree(gone)
    result = await done(BashTool(shell, SANDBOX, nothing_below), here, command="touch made-it")
    assert (result.is_error, result.cwd) == (True, str(tmp_path))
    assert "Nothing was run. The working directory is now" in cast(str, result.content)
    assert list(tmp_path.iterdir()) == []


async def test_the_sandbox_switch_is_taken_and_has_no_effect(shell: ShellProcesses, tmp_path: Path) -> None:
    result = await done(
        BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), command="echo hi", dangerouslyDisableSandbox=True
    )
    assert result.content == ("hi\ndangerouslyDisableSandbox had no effect: commands do not run in a sandbox here.")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "command"),
        ({"command": "  "}, "command"),
        ({"command": "ls\0"}, "command"),
        ({"command": "ls", "timeout": 600_001}, "timeout"),
        ({"command": "ls", "timeout": 0}, "timeout"),
    ],
)
async def test_bad_input_names_the_field(
    shell: ShellProcesses, tmp_path: Path, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as failed:
        await planned(BashTool(shell, SANDBOX, nothing_below), scene(tmp_path), **given)
    assert [error["loc"] for error in failed.value.errors()] == [(field,)]


async def test_background_is_started_read_and_stopped_by_its_id(shell: ShellProcesses, tmp_path: Path) -> None:
    here = scene(tmp_path)
    started = await done(
        BashTool(shell, SANDBOX, nothing_below), here, command="echo listening; sleep 60", run_in_background=True
    )
    (task,) = shell.background("s")
    assert cast(str, started.content).startswith(f"Started in the background as task {task.id}. Its output goes to ")
    for _ in range(50):
        read = await done(TaskOutputTool(shell), here, task_id=task.id, timeout=20)
        if "listening" in cast(str, read.content):
            break
    assert cast(str, read.content).endswith(f"output in {task.output_path}\nlistening\n")
    assert f"{task.id} is running since" in read.summary
    plan = await planned(TaskStopTool(shell), here, task_id=task.id)
    assert (plan.reach, plan.title) == (Reach.NOTHING, "Stop echo listening; sleep 60")
    stopped = await done(TaskStopTool(shell), here, task_id=task.id)
    assert f"{task.id} was stopped after" in stopped.summary
    assert shell.background("s")[0].running is False


async def test_blocking_waits_for_the_end(shell: ShellProcesses, tmp_path: Path) -> None:
    here = scene(tmp_path)
    await done(
        BashTool(shell, SANDBOX, nothing_below), here, command="sleep 0.2; echo late; exit 4", run_in_background=True
    )
    (task,) = shell.background("s")
    at_once = await done(TaskOutputTool(shell), here, task_id=task.id, block=False)
    assert "is running since" in at_once.summary
    assert cast(str, at_once.content).endswith("(no output yet)")
    ended = await done(TaskOutputTool(shell), here, task_id=task.id)
    assert f"{task.id} ended with exit code 4" in ended.summary
    assert cast(str, ended.content).endswith("late\n")


@pytest.mark.parametrize("tool", [TaskOutputTool, TaskStopTool])
async def test_another_sessions_task_is_unknown(
    shell: ShellProcesses, tmp_path: Path, tool: type[TaskOutputTool] | type[TaskStopTool]
) -> None:
    await done(
        BashTool(shell, SANDBOX, nothing_below), scene(tmp_path, "other"), command="sleep 60", run_in_background=True
    )
    (task,) = shell.background("other")
    with pytest.raises(ToolError, match=f"There is no background task '{task.id}'. This session has none"):
        await planned(tool(shell), scene(tmp_path), task_id=task.id)
    assert shell.background("other")[0].running


def test_what_the_model_reads_of_bash_is_short() -> None:
    assert len(json.dumps(BashInput.model_json_schema())) + len(BashTool.__doc__ or "") < 1_700


@pytest.mark.parametrize(
    ("text", "shown", "told"),
    [
        ("plain ‹é› 漢字\n\tok", "plain ‹é› 漢字\n\tok", "plain ‹é› 漢字\n\tok"),
        ("a\rb\x00\x7f\x9b", "a‹U+000D›b‹U+0000›‹U+007F›‹U+009B›", "ab"),
        ("rm\u00a0-rf\u3000x", "rm‹U+00A0›-rf‹U+3000›x", "rm -rf x"),
        ("one\u2028two", "one‹U+2028›two", "one\ntwo"),
        ("x\ufeff\u00ad\u3164\u2800y", "x‹U+FEFF›‹U+00AD›‹U+3164›‹U+2800›y", "xy"),
        ("a\ufe0fb\ufe01\U000e0100", "a‹U+FE0F›b‹U+FE01›‹U+E0100›", "ab"),
        ("❤\ufe0f\u200d🔥", "❤‹U+FE0F›‹U+200D›🔥", "❤\ufe0f\u200d🔥"),
        ("\ud800", "‹U+D800›", ""),
    ],
)
def test_hidden_characters_are_shown_to_people_and_kept_from_the_model(text: str, shown: str, told: str) -> None:
    assert (visible(text), stripped(text)) == (shown, told)


def test_one_line_says_what_it_cut() -> None:
    assert one_line("  a\r\nb    c  ", 20) == "a ⏎ b c"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
