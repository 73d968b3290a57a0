"""Tools of MCP servers in a session: told of when they come up, called by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from claw_lsp.core.mcp.offering import offering
from claw_lsp.core.state import State
from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.mcp import Elicitation, Elicited, ServerTool
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.ports.mcp import Asked, Servers
from claw_lsp.ports.tools import Tool

OF_SERVERS = frozenset({"ToolSearch", "WaitForMcpServers", "ListMcpResourcesTool", "ReadMcpResourceTool"})
"""Tools that only sessions with servers have."""

MakeTool = Callable[[ServerTool, str, Asked], Tool]
"""(a server's tool, the home folder of the session, who answers what it asks) -> the tool as ours."""


@dataclass(frozen=True, slots=True)
class Served(Mapping[str, Tool]):
    """Tools by name: `own`, and what the servers of a folder offer at this moment."""

    own: Mapping[str, Tool]
    servers: Servers
    folder: str
    asked: Asked
    make: MakeTool

    def offered(self, state: State) -> ToolsOffered | None:
        """What the model was not told of yet; None for nothing. A session that began without a server cannot search yet: that
        begins a new prefix, and so waits for the next prompt."""
        found = offering(state.tools, state.gone, self.servers.tools(self.folder))
        if found is None or any(it.name in OF_SERVERS for it in state.tools):
            return found
        if state.turn is not None and state.turn.n_replies:
            return None
        of_servers = (spec(it) for name, it in self.own.items() if name in OF_SERVERS)
        return found.model_copy(update={"tools": (*of_servers, *found.tools)})

    def __getitem__(self, name: str) -> Tool:
        if (own := self.own.get(name)) is not None:
            return own
        for it in self.servers.tools(self.folder):
            if it.called == name:
                return self.make(it, self.folder, self.asked)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (it.called for it in self.servers.tools(self.folder))

    def __len__(self) -> int:
        return len(self.own) + len(self.servers.tools(self.folder))


class Nobody:
    """Fills `Asked` where no person can be asked: nothing a server wants is granted."""

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        return Elicited("cancel")

    async def sample(self, server: str, request: Mapping[str, object]) -> None:
        return None
