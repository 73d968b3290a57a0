"""The ExitPlanMode tool: the person reads the plan and decides. The document that shows it is the door's to write."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Choice, Inquiry, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, SESSION, Answer
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell

_CHOICES = (Choice(DENY, "Keep planning"), Choice(ONCE, "Approve"), Choice(SESSION, "Approve and accept edits"))


class ExitPlanModeInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan: str = Field(min_length=1, description="The plan, in Markdown")


class ExitPlanModeTool:
    """Shows the person your plan and asks for approval to carry it out. Only in plan mode, when the plan is complete: what changes in which files, in what order, how it is checked. Not for answers to a question."""  # noqa: E501

    name: ClassVar[str] = "ExitPlanMode"
    input: ClassVar[type[BaseModel]] = ExitPlanModeInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = ExitPlanModeInput.model_validate(call.input)
        if not wanted.plan.strip():
            raise ToolError("The plan is empty. Write down what is to be done, then call ExitPlanMode again.")
        if scene.mode is not Mode.PLAN:
            raise ToolError(f"The mode is {scene.mode}, not plan, so there is nothing to approve. Go on with the work.")
        inquiry = Inquiry("Carry out this plan?", wanted.plan, _CHOICES, document="plan.md")
        return Plan(call, Reach.PERSON, "Ask for approval of the plan", detail=wanted.plan, inquiries=(inquiry,))

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        (answer,) = answers
        words = f" They say: {answer.text.strip()}" if answer.text.strip() else ""
        if answer.choice == ONCE:
            content = f"The person approved the plan. Each edit still asks.{words} Carry it out."
            return Result(content=content, summary="Plan approved", mode="default")
        if answer.choice == SESSION:
            content = f"The person approved the plan, and edits need no further question.{words} Carry it out."
            return Result(content=content, summary="Plan approved, edits accepted", mode="acceptEdits")
        content = f"The person wants to go on planning; nothing may be changed yet.{words or ' Ask what is missing.'}"
        return Result(content=content, summary="Keep planning")
