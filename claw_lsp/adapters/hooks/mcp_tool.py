"""Hooks that are tools of MCP servers: the event fills in their input, and the text of the result is what a program prints."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, cast

from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.mcp import Elicitation, Elicited, ServerTool, ToolAnswer
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.ports.mcp import Servers

MOST_ANSWER = 1_000_000
"""Characters of an answer beyond which it is not read."""
MOST_WAITED = 30.0
"""Seconds for a server that is just coming up: a turn waits for what it begins with."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][\w-]*(?:\.[\w-]+)*)\}")


async def call(servers: Servers, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
    """Call the tool of a server that the person uses in this folder; one that is just coming up is waited for."""
    arguments = filled(hook.input, json.loads(given))
    try:
        async with asyncio.timeout(seconds):
            await servers.settled(place.project, (hook.server,), min(seconds, MOST_WAITED))
            tool = _tool(servers, hook, place.project)
            answer = await servers.call(place.project, tool, arguments, _Nobody(), _unheard)
    except TimeoutError:
        return HookRan(None, fault=f"the MCP server {hook.server} did not answer within {seconds:g} s")
    except ToolError as error:
        return HookRan(None, fault=str(error).rstrip("."))
    return _ran(hook, answer)


def filled(value: Any, event: Mapping[str, Any]) -> Any:
    """The input with its placeholders filled in. A text that is one placeholder becomes the value itself, of whatever type;
    what the event does not have is an empty text."""
    if isinstance(value, dict):
        return {name: filled(it, event) for name, it in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [filled(it, event) for it in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    if whole := _PLACEHOLDER.fullmatch(value):
        return _found(whole[1], event)
    return _PLACEHOLDER.sub(lambda it: _as_text(_found(it[1], event)), value)


class _Nobody:
    """Fills the port `Asked`: while a hook runs, no server asks the person or the model."""

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        return Elicited("cancel")

    async def sample(self, server: str, request: Mapping[str, Any]) -> None:
        return None


def _found(path: str, event: Mapping[str, Any]) -> Any:
    value: Any = event
    for name in path.split("."):
        if isinstance(value, dict) and name in value:
            value = cast("dict[str, Any]", value)[name]
        elif (
            isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(cast("list[Any]", value))
        ):
            value = cast("list[Any]", value)[int(name)]
        else:
            return ""
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tool(servers: Servers, hook: Hook, folder: str) -> ServerTool:
    """Raises ToolError where the server is not up, or has no such tool."""
    view = next((it for it in servers.views(folder) if it.config.name == hook.server), None)
    if view is None:
        named = ", ".join(it.config.name for it in servers.views(folder)) or "none"
        raise ToolError(f"there is no MCP server named {hook.server}; configured here: {named}")
    if view.standing != "up":
        why = f": {view.why}" if view.why else ""
        raise ToolError(f"the MCP server {hook.server} is not connected ({view.standing}{why})")
    tools = [it for it in servers.tools(folder) if it.server == hook.server]
    if found := next((it for it in tools if it.name == hook.tool), None):
        return found
    raise ToolError(
        f"the MCP server {hook.server} has no tool {hook.tool}; it has: {', '.join(it.name for it in tools) or 'none'}"
    )


def _ran(hook: Hook, answer: ToolAnswer) -> HookRan:
    text = "\n".join(it["text"] for it in answer.blocks if it.get("type") == "text") or answer.structured
    if answer.is_error:
        return HookRan(None, fault=f"the tool {hook.tool} of {hook.server} failed: {text[:300]}")
    if len(text) > MOST_ANSWER:
        return HookRan(None, fault=f"the tool {hook.tool} of {hook.server} answered more than {MOST_ANSWER} characters")
    return HookRan(0, text)


async def _unheard(line: str) -> None:
    """Where a call says how far it is: nobody watches a hook."""
