"""MCP servers, and what they ask of us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from claw_lsp.facts.call import Block
from claw_lsp.facts.mcp import (
    Configured,
    Elicitation,
    Elicited,
    Sampled,
    ServerConfig,
    ServerPrompt,
    ServerResource,
    ServerTool,
    ServerView,
    ToolAnswer,
)
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.tools import Tell


class Asked(Protocol):
    """Who answers what a server asks of a person or of the model; one for each call, or for the door where no call runs."""

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        """Put the server's question to the person; "cancel" where nobody answers."""
        ...

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        """Let the model write for the server, once the person said yes; `request` is in MCP's shape. None where they did not."""
        ...


class Servers(Protocol):
    """The MCP servers of this machine's workspaces. `folder` is the home folder of a session. Nothing here waits for a server
    that is slow or dead but `call` and its like, which are bounded in time."""

    def configure(self, folder: str, roots: tuple[str, ...], settings: Settings) -> None:
        """What is configured for a folder holds from now on: new servers are connected behind this call, side by side;
        changed ones again; those that are gone are ended. Does nothing, and imports nothing, where none is configured."""
        ...

    def views(self, folder: str) -> tuple[ServerView, ...]:
        """How each configured server of a folder is now, in the order they are configured."""
        ...

    def tools(self, folder: str) -> tuple[ServerTool, ...]:
        """The tools of the servers that are up."""
        ...

    def on_change(self, hear: Callable[[str], None]) -> None:
        """Call this with the folder whenever a server of it came up, went away, or offers something else."""
        ...

    async def settled(self, folder: str, names: Iterable[str], seconds: float) -> None:
        """Once these servers, or all for none, are up or failed, or the time is over."""
        ...

    async def saw(self, folder: str, tool: ServerTool) -> None:
        """The person said yes to a tool as it describes itself now: it is not unlike any more. Raises ToolError where that
        cannot be kept."""
        ...

    async def call(
        self, folder: str, tool: ServerTool, arguments: Mapping[str, Any], asked: Asked, tell: Tell
    ) -> ToolAnswer:
        """Run a tool. Cancelling tells the server. Raises ToolError with a sentence for whatever goes wrong."""
        ...

    async def read(self, folder: str, server: str, uri: str) -> tuple[Block, ...]:
        """A resource's contents as blocks. Raises ToolError."""
        ...

    async def resources(self, folder: str, server: str | None = None) -> tuple[ServerResource, ...]:
        """What can be read of one server, or of all that are up. Raises ToolError for a server that is not."""
        ...

    async def prompt(self, folder: str, prompt: ServerPrompt, arguments: Mapping[str, str]) -> tuple[Block, ...]:
        """A prompt with its arguments filled in, as blocks for a user message. Raises ToolError."""
        ...

    async def complete(
        self, folder: str, of: ServerPrompt | ServerResource, argument: str, value: str
    ) -> tuple[str, ...]:
        """What a server suggests for an argument; nothing where it has no suggestions or not in time. Never raises."""
        ...

    async def restart(self, folder: str, server: str) -> None:
        """End a server and connect to it anew. Never raises: its view says what came of it."""
        ...

    async def close(self) -> None:
        """End every connection and every process that was started for one."""
        ...


class Entries(Protocol):
    """Where servers are configured."""

    async def read(self, folder: str, settings: Settings) -> Configured:
        """What is configured for a folder now. Never raises."""
        ...

    async def switch(self, folder: str, server: str, *, on: bool) -> None:
        """Whether a server is used in a folder. Raises ClawError where it is not the person who switched it off."""
        ...


class Logins(Protocol):
    """Logins to servers that want one. A server is told of them when it is connected to anew."""

    async def login(self, config: ServerConfig, visit: Callable[[str], Awaitable[None]]) -> str:
        """Let the person log in on the page that `visit` shows them; answers a sentence. Bounded by minutes. Raises ClawError."""
        ...

    async def logout(self, config: ServerConfig) -> bool:
        """Forget a login; whether there was one. Raises ClawError."""
        ...
