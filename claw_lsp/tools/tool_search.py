"""The tool ToolSearch: what a deferred tool takes, for those that a query is about."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import one_line
from claw_lsp.core.mcp.offering import found
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell


class ToolSearchInput(BaseModel):
    query: str = Field(
        min_length=1,
        max_length=1_000,
        description="Words about what is wanted, `+word` for one that must be there; or `select:name,name` for tools by name.",
    )
    max_results: int = Field(5, ge=1, le=50, description="The most tools to answer with.")


class ToolSearchTool:
    """Find tools of MCP servers that were announced but whose inputs you do not know yet. What it answers with can be called
    right away. Search again with other words where nothing fits."""

    name: ClassVar[str] = "ToolSearch"
    input: ClassVar[type[BaseModel]] = ToolSearchInput
    side_by_side: ClassVar[bool] = True

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = ToolSearchInput.model_validate(call.input)
        return Plan(
            call=call,
            reach=Reach.NOTHING,
            title=f"Look for tools: {one_line(wanted.query, 60)}",
            payload=wanted,
        )

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, ToolSearchInput)
        there = tuple(it for it in scene.tools if it.deferred)
        if not (tools := found(wanted.query, there, wanted.max_results)):
            raise ToolError(f"None of {counted(len(there), 'tool')} fits {wanted.query!r}. Try other or fewer words.")
        return Result(
            content=tuple({"type": "tool_reference", "tool_name": it.name} for it in tools),
            summary=counted(len(tools), "tool"),
        )
