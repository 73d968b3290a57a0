"""Our MCP client as the conformance suite starts it: with a server's address; what the person would do is done here.

python conformance_client.py URL        (the scenario is in MCP_CONFORMANCE_SCENARIO, its givens in _CONTEXT)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import httpx2

from claw_lsp.adapters.mcp.logins import McpLogins
from claw_lsp.adapters.mcp.servers import McpServers
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.core.mcp.form import defaults, fields_of
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.mcp import Configured, Elicitation, Elicited, OAuthSettings, Sampled, ServerConfig, ServerView
from claw_lsp.facts.settings import Settings

SECONDS = 20.0


class NoKeyring:
    """There is none here: logins are kept in a file."""

    def get(self, name: str) -> str | None:
        return None

    def put(self, name: str, secret: str) -> bool:
        return False

    def remove(self, name: str) -> None: ...


async def visit(url: str) -> None:
    """The person's browser: goes to the page, says yes, and is led back to us."""

    async def go() -> None:
        async with httpx2.AsyncClient(trust_env=False) as web:
            answer = await web.get(url)
            if answer.status_code in (301, 302, 303):
                await web.get(answer.headers["location"])

    task = asyncio.create_task(go())
    _AT_WORK.add(task)
    task.add_done_callback(_AT_WORK.discard)


_AT_WORK: set[asyncio.Task[None]] = set()


def config_of(url: str, given: dict[str, Any]) -> ServerConfig:
    known = OAuthSettings(client_id=given["client_id"]) if "client_id" in given else None
    return ServerConfig(name="conformance", scope="user", transport="http", url=url, oauth=known, digest="conformance")


class OneEntry:
    """As much of the port Entries as a connection needs: one server is configured."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config

    async def read(self, folder: str, settings: Settings) -> Configured:
        return Configured((ServerView(self._config, "waiting"),))

    async def switch(self, folder: str, name: str, *, on: bool) -> None: ...


class Agreeing:
    """Fills `Asked`: the person accepts everything as it is proposed."""

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        return Elicited("accept", dict(defaults(fields_of(elicitation.schema))))

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        return None


async def main(url: str, given: dict[str, Any]) -> int:
    """Connect, log in where that is wanted, and call every tool; log in anew where a call wants more than was granted."""
    with tempfile.TemporaryDirectory() as home:
        config, environment = config_of(url, given), dict(os.environ)
        store = LoginStore(home, NoKeyring())
        logins = McpLogins(store, environment)
        if "client_secret" in given:
            await logins.keep_secret(config, given["client_secret"])
        servers = McpServers(OneEntry(config), store, environment, home)
        servers.configure(home, (home,), Settings())
        try:
            for _ in range(4):
                await servers.settled(home, (), SECONDS)
                (view,) = servers.views(home)
                said(view.standing, view.why)
                if view.standing == "up" and await called(servers, home, view):
                    return 0
                if view.standing not in ("up", "login"):
                    return 1
                said(await logins.login(config, visit))
                await servers.restart(home, config.name)
            return 1
        finally:
            await servers.close()


async def called(servers: McpServers, home: str, view: ServerView) -> bool:
    """Whether every tool answered."""
    for tool in view.tools:
        numbers = {it: n for n, it in enumerate(tool.input_schema.get("properties") or {}, 2)}
        try:
            answer = await servers.call(home, tool, numbers, Agreeing(), unheard)
        except ToolError as error:
            said(tool.name, error)
            return False
        said(tool.name, answer)
    return True


async def unheard(line: str) -> None: ...


def said(*what: object) -> None:
    print(*what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[-1], json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}"))))
