"""A tool of an MCP server, as one of ours: always a question unless a rule allows it, its answer always somebody else's text."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from claw_lsp.core.escape import one_line, visible
from claw_lsp.core.foreign import framed
from claw_lsp.core.mcp.offering import spec
from claw_lsp.core.mcp.seeing import why_asked
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block, Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import ServerTool, ToolAnswer
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.mcp import Asked, Servers
from claw_lsp.ports.tools import Tell, Tool
from claw_lsp.tools.mcp_pictures import sendable
from claw_lsp.tools.mcp_sampling import Counting

LIMIT = 100_000
"""Characters of a result that the model is shown, about 25,000 tokens, where neither the server nor the person raises it."""
LARGE = 40_000
"""Characters, about 10,000 tokens, from which on the person sees how much the model is shown."""
HIGHEST = 500_000
"""Characters to which a server may raise it."""
_BEGINNING = 4_000
"""Characters that are shown of a longer one, beside where all of it is."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a result the model is shown, in characters; `keep` writes what is longer to a file of ours and answers its
    path, and raises ToolError."""

    keep: Callable[[str], Awaitable[str]]
    limit: int = LIMIT


class AnyInput(BaseModel):
    """What a server's tool takes is the server's to check."""

    model_config = ConfigDict(extra="allow")


def mcp_tool(tool: ServerTool, folder: str, servers: Servers, asked: Asked, room: Room) -> Tool:
    """The tool under the name that the model and rules know. `folder` is the home of the session."""

    class Called(McpTool):
        name: ClassVar[str] = tool.called

    return Called(tool, folder, servers, asked, room)


class McpTool:
    """A tool of an MCP server."""

    name: ClassVar[str] = "mcp"
    input: ClassVar[type[BaseModel]] = AnyInput
    # What a server says of its tools is no promise: one that claims to look only may still change something.
    side_by_side: ClassVar[bool] = False

    def __init__(self, tool: ServerTool, folder: str, servers: Servers, asked: Asked, room: Room) -> None:
        self._tool = tool
        self._folder = folder
        self._servers = servers
        self._asked = asked
        self._room = room

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        it = self._tool
        shown = f"{it.name} {json.dumps(call.input, ensure_ascii=False, indent=2)}"
        unlike = why_asked(it)
        return Plan(
            call=call,
            reach=Reach.FETCH,
            title=f"Call {one_line(it.title or it.name, 60)} of the MCP server {one_line(it.server, 40)}",
            detail=visible(f"{shown}\n\nIt says of itself now: {it.description}" if unlike else shown),
            asks="its server wants you to be asked" if it.asks else "",
            unlike=unlike,
        )

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        if self._tool.unlike and scene.mode is not Mode.BYPASS:
            await self._servers.saw(self._folder, self._tool)
        asked = Counting(self._asked)
        try:
            answer = await self._servers.call(self._folder, self._tool, plan.call.input, asked, tell)
        except ToolError as error:
            if not asked.usage:
                raise
            answer = ToolAnswer(({"type": "text", "text": str(error)},), is_error=True)
        source = f"{self._tool.name} of the MCP server {self._tool.server}"
        room = replace(self._room, limit=min(self._tool.size, HIGHEST)) if self._tool.size else self._room
        result = await result_of(self._corrected(answer, scene), source, room)
        spent = {"side_usage": asked.usage, "side_cost": asked.cost} if asked.usage else {}
        return result.model_copy(update=spent)

    def _corrected(self, answer: ToolAnswer, scene: Scene) -> ToolAnswer:
        """A failure of a tool that takes something else than the model was told says what it takes now."""
        now = spec(self._tool).input_schema
        told = next((it.input_schema for it in scene.tools if it.name == self.name), now)
        if not answer.is_error or told == now:
            return answer
        said = f"The server changed what this tool takes, to: {json.dumps(now, ensure_ascii=False)[:_BEGINNING]}"
        return replace(answer, blocks=(*answer.blocks, _text(said)))


async def result_of(answer: ToolAnswer, source: str, room: Room) -> Result:
    """What the model is shown of an answer: framed as somebody else's text, what there is no room for in a file."""
    blocks = sendable(answer.blocks)
    text = "\n".join(it["text"] for it in blocks if it.get("type") == "text") or answer.structured
    images = [it for it in blocks if it.get("type") == "image"]
    content = _framed(text, source) if len(text) <= room.limit else await _kept(text, source, room)
    return Result(
        content=(_text(content), *images) if images else content,
        is_error=answer.is_error,
        summary=_summary(answer, text, images, room.limit),
    )


async def _kept(text: str, source: str, room: Room) -> str:
    path = await room.keep(text)
    n_lines = text.count("\n") + 1
    said = f"The result is {len(text)} characters in {counted(n_lines, 'line')}, too long to be shown: it is in {path}."
    how = "Read parts of it with Read, or search it with Grep. It begins:"
    return f"{said} {how}\n{_framed(text[:_BEGINNING], source)}"


def _framed(text: str, source: str) -> str:
    return framed(text, "mcp_result", source) if text.strip() else "(no output)"


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _summary(answer: ToolAnswer, text: str, images: Iterable[Block], limit: int) -> str:
    if answer.is_error:
        return one_line(text, 100) or "it failed"
    n_images = len(list(images))
    shown = counted(text.count("\n") + 1, "line") if text.strip() else "no output"
    if len(text) > LARGE:
        shown = (
            f"{shown}, large: about {len(text) // 4_000},000 tokens" if len(text) <= limit else f"{shown}, in a file"
        )
    return f"{shown}, {counted(n_images, 'image')}" if n_images else shown
