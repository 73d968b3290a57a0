"""The tool WaitForMcpServers: for what is starting still."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from claw_lsp.core.escape import one_line
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.mcp import Servers
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.mcp_resources import home_of


class WaitForMcpServersInput(BaseModel):
    servers: list[str] = Field([], description="The servers to wait for; all of them if left out.")
    timeout: int = Field(30, ge=1, le=120, description="Seconds to wait at most.")


class WaitForMcpServersTool:
    """Wait until MCP servers are connected, or have failed, where you need their tools and were not told of them yet. Says how
    each one is."""

    name: ClassVar[str] = "WaitForMcpServers"
    input: ClassVar[type[BaseModel]] = WaitForMcpServersInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = WaitForMcpServersInput.model_validate(call.input)
        return Plan(call=call, reach=Reach.NOTHING, title="Wait for MCP servers", payload=wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, WaitForMcpServersInput)
        folder = home_of(scene)
        await self._servers.settled(folder, wanted.servers, wanted.timeout)
        views = [it for it in self._servers.views(folder) if not wanted.servers or it.config.name in wanted.servers]
        lines = [
            f"- {one_line(it.config.name, 60)}: {it.standing}. {one_line(it.why, 300)}".rstrip(" ") for it in views
        ]
        n_up = sum(it.standing == "up" for it in views)
        return Result(content="\n".join(lines) or "(no such server)", summary=f"{n_up} of {len(views)} up")
