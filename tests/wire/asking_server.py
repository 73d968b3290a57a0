"""An MCP server for the tests that asks while its tools run, sends more than text, and changes what it offers."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import AudioContent, CreateMessageResult, ImageContent, ListRootsResult, SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("asking")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Guests(BaseModel):
    guests: int
    where: str = "inside"


def how_many() -> Elicit[Guests]:
    return Elicit("How many are you?", Guests)


@server.tool()
def order(what: str, table: Annotated[Guests, Resolve(how_many)]) -> str:
    """Order a table."""
    return f"{what} for {table.guests}, {table.where}"


def in_short(text: str) -> Sample:
    said = SamplingMessage(role="user", content=TextContent(type="text", text=f"In one word: {text}"))
    return Sample([said], max_tokens=100, system_prompt="Be short.")


@server.tool()
def summarize(text: str, short: Annotated[CreateMessageResult, Resolve(in_short)]) -> str:
    """Summarize a text."""
    assert isinstance(short.content, TextContent)
    return f"In short: {short.content.text}"


@server.tool()
def where(roots: Annotated[ListRootsResult, Resolve(ListRoots)]) -> str:
    """Say which folders are open."""
    return " ".join(str(it.uri) for it in roots.roots)


@server.tool()
def pictures() -> list[ImageContent]:
    """Show a picture under a wrong name, and something that is none."""
    as_jpeg = base64.b64encode(PNG).decode()
    no_picture = base64.b64encode(b"<svg/>").decode()
    return [
        ImageContent(type="image", mime_type="image/jpeg", data=as_jpeg),
        ImageContent(type="image", mime_type="image/png", data=no_picture),
    ]


@server.tool()
def sound() -> AudioContent:
    """Play a sound."""
    return AudioContent(type="audio", mime_type="audio/wav", data=base64.b64encode(b"RIFFwave").decode())


@server.resource("data://blob", mime_type="application/zip")
def blob() -> bytes:
    """Bytes."""
    return b"PK\x03\x04"


@server.tool()
async def pushed(ctx: Context) -> str:
    """Ask as servers of before did: a request of its own, while the call runs."""
    said = await ctx.elicit("How many are you?", Guests)
    return f"{said.action} {said.data.guests if said.action == 'accept' else ''}".strip()


@server.tool()
async def grow(ctx: Context) -> str:
    """Offer one tool more."""

    def grown() -> str:
        """Came later."""
        return "here"

    server.add_tool(grown)
    # The newer revision of the protocol has a stream for it, the older a message.
    if (ctx.protocol_version or "") < "2026":
        await ctx.session.send_tool_list_changed()
    else:
        await ctx.notify_tools_changed()
    return "grown"


@server.tool()
async def wait(path: str, ctx: Context) -> str:
    """Wait until it is called off, and write down that it was."""
    await ctx.report_progress(1, 2, "half way")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        Path(path).write_text("called off")
        raise
    return "done"


@server.tool()
def die() -> str:
    """End the server."""
    os._exit(3)


if __name__ == "__main__":
    server.run("stdio")
