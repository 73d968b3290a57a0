"""Our MCP client as the conformance suite starts it: with a server's address; what the person would do is done here.

python conformance_client.py URL        (the scenario is in MCP_CONFORMANCE_SCENARIO, its givens in _CONTEXT)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from typing import Any

import httpx2

from claw_lsp.adapters.mcp.logins import McpLogins
from claw_lsp.adapters.mcp.looking import connected, looked_at
from claw_lsp.adapters.mcp.oauth import connecting
from claw_lsp.adapters.mcp.tokens import LoginStore
from claw_lsp.facts.mcp import OAuthSettings, ServerConfig

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


async def main(url: str, given: dict[str, Any]) -> int:
    with tempfile.TemporaryDirectory() as home:
        config, environment = config_of(url, given), dict(os.environ)
        store = LoginStore(home, NoKeyring())
        logins = McpLogins(store, environment)
        if "client_secret" in given:
            await logins.keep_secret(config, given["client_secret"])
        for _ in range(3):
            view = await looked_at(config, store, environment, home, SECONDS)
            if view.standing == "up" and not await calls_want_login(config, store, home):
                break
            if view.standing not in ("up", "login"):
                break
            print(await logins.login(config, visit), file=sys.stderr)
        print(view.standing, view.why, [it.name for it in view.tools], file=sys.stderr)
        return 0 if view.standing == "up" else 1


async def calls_want_login(config: ServerConfig, store: LoginStore, home: str) -> bool:
    """Call every tool; whether the server wants a login, or a greater one, for that."""
    auth = await asyncio.to_thread(connecting, config, store)
    try:
        with open(os.devnull, "w") as nowhere:
            async with connected(config, {}, auth, {}, home, nowhere) as it:
                for tool in (await it.list_tools()).tools:
                    await it.call_tool(
                        tool.name, {"a": 5, "b": 3} if "a" in tool.input_schema.get("properties", {}) else {}
                    )
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    return auth.needs_login


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[-1], json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}"))))
