"""The tool ReadMcpResourceTool: one resource of an MCP server."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import one_line, visible
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.mcp import ToolAnswer
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.mcp import Servers
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.mcp_resources import home_of
from claw_lsp.tools.mcp_tool import Room, result_of


class ReadMcpResourceInput(BaseModel):
    server: str = Field(min_length=1, description="The server that has it, as ListMcpResourcesTool names it.")
    uri: str = Field(min_length=1, description="Its URI; the variables of a template are filled in.")


class ReadMcpResourceTool:
    """Read a resource of an MCP server."""

    name: ClassVar[str] = "ReadMcpResourceTool"
    input: ClassVar[type[BaseModel]] = ReadMcpResourceInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, servers: Servers, room: Room) -> None:
        self._servers = servers
        self._room = room

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = ReadMcpResourceInput.model_validate(call.input)
        source = f"the MCP server {wanted.server}"
        title = f"Read {one_line(wanted.uri, 80)} of the MCP server {one_line(wanted.server, 40)}"
        detail = visible(wanted.uri)
        return Plan(call=call, reach=Reach.NOTHING, title=title, detail=detail, source=source, payload=wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, ReadMcpResourceInput)
        blocks = await self._servers.read(home_of(scene), wanted.server, wanted.uri)
        source = f"{wanted.uri} of the MCP server {wanted.server}"
        return await result_of(ToolAnswer(blocks), source, self._room)
