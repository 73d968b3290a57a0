"""A small MCP server for the tests, over stdio or, with a port, over streamable HTTP; `odd` ones behave badly on purpose."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import AudioContent

server = MCPServer("tests")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def variable(name: str) -> str:
    """What the server's environment says."""
    return os.environ.get(name, "(not set)")


@server.tool()
def child() -> str:
    """Start a process that wants to live on."""
    started = subprocess.Popen(["sleep", "300"], start_new_session=True)
    return f"{os.getpid()} {started.pid}"


@server.tool()
async def slow(ctx: Context) -> str:
    """Take long."""
    await ctx.report_progress(1, 4, "a quarter")
    await asyncio.sleep(60)
    return "done"


@server.tool()
def wrong() -> str:
    """Fail."""
    raise ValueError("there is no such thing")


@server.tool()
def die() -> str:
    """End the server."""
    os._exit(3)


@server.tool()
async def describe(name: str, description: str, ctx: Context) -> str:
    """Describe the adding of numbers otherwise, under this name."""
    server.remove_tool("add")
    server.add_tool(add, name, description=description)
    await ctx.notify_tools_changed()
    return "described"


@server.tool()
async def demand(ctx: Context) -> str:
    """Want a third number from here on."""

    def three(a: int, b: int, c: int) -> int:
        return a + b + c

    server.remove_tool("add")
    server.add_tool(three, "add", description="Add three numbers.")
    await ctx.notify_tools_changed()
    return "demanded"


@server.tool()
def chatter(n: int) -> str:
    """So many lines of a hundred characters."""
    return "\n".join("x" * 99 for _ in range(n))


@server.tool(meta={"anthropic/alwaysLoad": True})
def first() -> str:
    """Known at once."""
    return "first"


@server.tool(meta={"anthropic/requiresUserInteraction": True})
def delicate() -> str:
    """Asked about always."""
    return "done"


@server.resource("notes://one")
def note() -> str:
    """A note."""
    return "the first note"


@server.resource("notes://zip", mime_type="application/zip")
def packed() -> bytes:
    """Bytes."""
    return b"PK\x03\x04"


@server.tool()
def sound() -> AudioContent:
    """Play a sound."""
    return AudioContent(type="audio", mime_type="audio/wav", data=base64.b64encode(b"RIFFwave").decode())


@server.prompt()
def review(code: str) -> str:
    """Review code."""
    return f"Please review: {code}"


def main() -> None:
    """Serve as the arguments say."""
    match sys.argv[1:]:
        case []:
            server.run("stdio")
        case ["http", port]:
            server.run("streamable-http", port=int(port))
        case ["garbage"]:
            print("Hello! This is no message.", flush=True)
            print("{half", flush=True)
            server.run("stdio")
        case ["flood"]:
            while True:
                sys.stdout.write("x" * 1_000_000)
        case ["silent"]:
            time.sleep(300)
        case _:
            sys.exit("odd arguments")


if __name__ == "__main__":
    main()
