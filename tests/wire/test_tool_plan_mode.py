"""Into plan mode and out of it: the person approves, approves and accepts edits, or keeps planning."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, SESSION, Answer
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.tools import Tool
from claw_lsp.tools.enter_plan_mode import EnterPlanModeTool
from claw_lsp.tools.exit_plan_mode import ExitPlanModeTool

WORKSPACE: Any = None


def scene(mode: Mode) -> Scene:
    return Scene("s", "r", "/p", ("/p",), "/h", mode, {}, (), Settings())


async def planned(tool: Tool, mode: Mode, **given: Any) -> Plan:
    return await tool.plan(Call(id="c", name=tool.name, input=given), scene(mode), WORKSPACE)


async def performed(tool: Tool, mode: Mode, *answers: Answer, **given: Any) -> Result:
    async def tell(line: str) -> None:
        raise AssertionError(line)

    return await tool.perform(await planned(tool, mode, **given), scene(mode), WORKSPACE, answers, tell)


async def test_entering_needs_no_yes_and_changes_the_mode() -> None:
    assert (await planned(EnterPlanModeTool(), Mode.DEFAULT)).reach is Reach.NOTHING
    result = await performed(EnterPlanModeTool(), Mode.ACCEPT_EDITS)
    assert (result.mode, result.is_error) == ("plan", False)


async def test_entering_twice_changes_nothing() -> None:
    assert (await performed(EnterPlanModeTool(), Mode.PLAN)).mode is None


async def test_the_person_is_shown_the_whole_plan_with_the_harmless_choice_first() -> None:
    plan = await planned(ExitPlanModeTool(), Mode.PLAN, plan="# Plan\n1. a")
    (inquiry,) = plan.inquiries
    assert (plan.reach, plan.detail, inquiry.detail) == (Reach.PERSON, "# Plan\n1. a", "# Plan\n1. a")
    assert [(it.key, it.title) for it in inquiry.choices] == [
        (DENY, "Keep planning"),
        (ONCE, "Approve"),
        (SESSION, "Approve and accept edits"),
    ]


@pytest.mark.parametrize(
    ("answer", "mode", "content"),
    [
        (Answer(ONCE), "default", "The person approved the plan. Each edit still asks. Carry it out."),
        (
            Answer(ONCE, "skip step 2"),
            "default",
            "The person approved the plan. Each edit still asks. They say: skip step 2 Carry it out.",
        ),
        (
            Answer(SESSION),
            "acceptEdits",
            "The person approved the plan, and edits need no further question. Carry it out.",
        ),
        (
            Answer(DENY),
            None,
            "The person wants to go on planning; nothing may be changed yet. Ask what is missing.",
        ),
        (
            Answer("always", "use sqlite"),
            None,
            "The person wants to go on planning; nothing may be changed yet. They say: use sqlite",
        ),
    ],
)
async def test_only_an_approval_leaves_plan_mode(answer: Answer, mode: str | None, content: str) -> None:
    result = await performed(ExitPlanModeTool(), Mode.PLAN, answer, plan="p")
    assert (result.mode, result.content) == (mode, content)


async def test_there_is_nothing_to_approve_outside_of_plan_mode() -> None:
    with pytest.raises(ToolError, match="The mode is default, not plan"):
        await planned(ExitPlanModeTool(), Mode.DEFAULT, plan="p")


async def test_an_empty_plan_is_refused() -> None:
    with pytest.raises(ToolError, match="The plan is empty"):
        await planned(ExitPlanModeTool(), Mode.PLAN, plan=" \n")
    with pytest.raises(ValidationError, match="plan"):
        await planned(ExitPlanModeTool(), Mode.PLAN)
