"""Tools for what only looks beside a session: the same tools, the same policy, and nobody who could be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from claw_lsp.core.policy.judge import judge
from claw_lsp.engine.judging import read_input_error
from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.call import Block, Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.tools import Tool

LOOKING = ("Read", "Grep", "Glob")
"""The tools that look into the workspace and reach no further."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What may be looked at from a scene.

    Invariant: nothing is written, run or fetched, and what the policy would ask about is refused.
    """

    tools: Mapping[str, Tool]
    workspace: Workspace
    scene: Scene

    @property
    def offered(self) -> tuple[Block, ...]:
        """The tools as a request holds them."""
        specs = [spec(self.tools[it]) for it in LOOKING if it in self.tools]
        return tuple({"name": it.name, "description": it.description, "input_schema": it.input_schema} for it in specs)

    async def see(self, call: Call) -> Result:
        """What a call shows; one that may not be made, or fails, is a result that says why."""
        if call.name not in LOOKING or call.name not in self.tools:
            return Result(content=f"There is no tool named {call.name!r} here.", is_error=True)
        tool = self.tools[call.name]
        try:
            plan = await tool.plan(call, self.scene, self.workspace)
            verdict = judge(self.scene.rules, Mode.DONT_ASK, plan, self.scene.ground)
            if verdict.decision != "allow" or plan.reach is not Reach.READ or plan.inquiries:
                return Result(content=f"Not permitted: {verdict.reason}. Go on without it.", is_error=True)
            return await tool.perform(plan, self.scene, self.workspace, (), _unheard)
        except ValidationError as error:
            return Result(content=read_input_error(call.name, error), is_error=True)
        except ToolError as error:
            return Result(content=str(error), is_error=True)


def scene(place: HookPlace, home: str, claw_home: str) -> Scene:
    """The scene of what hooks look at."""
    return Scene(
        session=place.session,
        run="",
        cwd=place.cwd,
        roots=place.roots,
        home=home,
        mode=Mode.DONT_ASK,
        seen={},
        tasks=(),
        settings=place.settings,
        claw_home=claw_home,
        rules=place.rules,
    )


async def _unheard(line: str) -> None:
    """Where a tool says how far it is."""
