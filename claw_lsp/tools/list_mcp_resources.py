"""The tool ListMcpResourcesTool: what MCP servers have to read."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import one_line
from claw_lsp.core.foreign import framed
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.mcp import Servers
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.mcp_resources import home_of

_MOST = 200


class ListMcpResourcesInput(BaseModel):
    server: str | None = Field(None, description="Only what this server has.")


class ListMcpResourcesTool:
    """List the resources of MCP servers: what ReadMcpResourceTool can read, with its server and URI."""

    name: ClassVar[str] = "ListMcpResourcesTool"
    input: ClassVar[type[BaseModel]] = ListMcpResourcesInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = ListMcpResourcesInput.model_validate(call.input)
        of = f" of {one_line(wanted.server, 40)}" if wanted.server else ""
        return Plan(call=call, reach=Reach.NOTHING, title=f"List MCP resources{of}", payload=wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, ListMcpResourcesInput)
        found = await self._servers.resources(home_of(scene), wanted.server)
        lines = [
            f"- {it.server}: {it.uri}{' (a template)' if it.template else ''}: {one_line(it.description or it.name, 200)}"
            for it in found[:_MOST]
        ]
        if len(found) > _MOST:
            lines.append(f"(and {counted(len(found) - _MOST, 'other')}; name a `server` to see fewer)")
        content = framed("\n".join(lines), "mcp_result", "the lists of MCP servers") if lines else "(no resources)"
        return Result(content=content, summary=counted(len(found), "resource"))
