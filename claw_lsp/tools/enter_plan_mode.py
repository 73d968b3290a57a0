"""The EnterPlanMode tool."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell


class EnterPlanModeInput(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EnterPlanModeTool:
    """Goes into plan mode: from here on you only read, search and think, until ExitPlanMode has the person's approval. For large, risky or unclear work."""  # noqa: E501

    name: ClassVar[str] = "EnterPlanMode"
    input: ClassVar[type[BaseModel]] = EnterPlanModeInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        EnterPlanModeInput.model_validate(call.input)
        return Plan(call, Reach.NOTHING, "Go into plan mode")

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        if scene.mode is Mode.PLAN:
            return Result(content="This is plan mode already. Go on with the plan.", summary="Already in plan mode")
        content = (
            "This is plan mode now: nothing may be changed. Look into what the work needs, ask what only the person can"
            " decide, then call ExitPlanMode with the plan."
        )
        return Result(content=content, summary="Plan mode", mode="plan")
