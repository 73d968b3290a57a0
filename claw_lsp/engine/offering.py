"""Tools of MCP servers in a session: told of when they come up, called by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from claw_lsp.core.mcp.offering import PREFIX, offering, searched
from claw_lsp.core.policy.matching import shut_out
from claw_lsp.core.state import State
from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.mcp import Elicitation, Elicited, ServerTool
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.facts.rule import Rule
from claw_lsp.ports.mcp import Asked, Servers
from claw_lsp.ports.tools import Tool

OF_SERVERS = frozenset({"ToolSearch", "WaitForMcpServers", "ListMcpResourcesTool", "ReadMcpResourceTool"})
"""Tools that only sessions with servers have."""
TOOL_SEARCH = "ENABLE_TOOL_SEARCH"
"""The environment variable that says whether servers' tools are left to a search."""

MakeTool = Callable[[ServerTool, str, Asked], Tool]
"""(a server's tool, the home folder of the session, who answers what it asks) -> the tool as ours."""


@dataclass(frozen=True, slots=True)
class Served(Mapping[str, Tool]):
    """Tools by name: `own`, and what the servers of a folder offer at this moment. `wish` is what ENABLE_TOOL_SEARCH says,
    `window` how many tokens a model takes, `rules` which of them are denied in any case."""

    own: Mapping[str, Tool]
    servers: Servers
    folder: str
    asked: Asked
    make: MakeTool
    wish: str
    window: Callable[[str], int]
    rules: tuple[Rule, ...] = ()

    def offered(self, state: State) -> ToolsOffered | None:
        """What the model was not told of yet; None for nothing. What is not left to a search begins a new prefix, and so do
        the tools of ours that a session without a server does not have: that waits for the next prompt."""
        offered, known = self.servers.tools(self.folder), {it.name for it in state.tools}
        if not offered and not any(it.startswith(PREFIX) for it in known):
            return None
        denied = shut_out((*self.rules, *state.rules))
        now = tuple(it for it in offered if not denied(it.called))
        has_ours, all_deferred = not known.isdisjoint(OF_SERVERS), searched(self.wish, now, self.window(state.model))
        if state.turn is not None and state.turn.n_replies:
            if not has_ours or not all_deferred:
                return None
            now = tuple(it for it in now if not it.always_load or it.called in known)
        found = offering(state.tools, state.gone, now, all_deferred=all_deferred)
        if found is None or has_ours:
            return found
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
