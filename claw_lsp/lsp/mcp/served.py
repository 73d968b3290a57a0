"""What MCP servers offer in a chat: resources by mention, prompts as slash commands; looked up, and completed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.core.blocks import sound, text_block
from claw_lsp.core.chat.mentions import mentions, written
from claw_lsp.core.foreign import framed, harmless
from claw_lsp.core.mcp import names
from claw_lsp.core.words import counted
from claw_lsp.engine.opening import Home
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import BadRequest, ToolError
from claw_lsp.facts.mcp import ServerPrompt, ServerResource, ServerView
from claw_lsp.facts.settings import Settings
from claw_lsp.lsp.along import LONGEST, MOST, Along
from claw_lsp.ports.mcp import Servers

UP, GLANCE = 15.0, 0.2
"""Seconds that a prompt waits for a server it names, and that somebody who writes waits for what could be named."""

_PROMPT = re.compile(r"/(mcp__[\w:.-]+)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Offered:
    """What one server has for a prompt: what is written, what is shown, and one line about it."""

    new: str
    label: str
    detail: str


async def along(servers: Servers, home: Home, settings: Settings, words: str) -> Along:
    """What goes to the model with words that begin with a server's prompt, or mention resources; the servers they name are
    waited for. Raises BadRequest for a prompt that lacks an argument, or that its server does not give."""
    prompt = _PROMPT.fullmatch(words.strip())
    named = [(it, *f"{it.name}{it.lines}".partition(":")[::2]) for it in mentions(words)[:MOST] if it.kind == "path"]
    named = [(it, server, uri) for it, server, uri in named if server and uri]
    if not prompt and not named:
        return Along()
    folder = home.folder
    servers.configure(folder, home.roots, settings)
    await _up(servers, folder, [server for _, server, _ in named], prompt[1] if prompt else "")
    found = await _prompt(servers, folder, prompt[1], prompt[2] or "") if prompt else Along()
    views = {it.config.name for it in servers.views(folder)}
    for it, server, uri in named:
        if server not in views:
            continue
        one = await _resource(servers, folder, server, uri, written(it))
        if found.size + one.size > LONGEST:
            one = Along(lines=(f"not sent: {written(it)} (with it the prompt would be too long; Claw can read it)",))
        found += one
    return found


async def met(servers: Servers, home: Home, settings: Settings) -> None:
    """The servers of a folder are connected to from now on: somebody writes there."""
    servers.configure(home.folder, home.roots, settings)
    await servers.settled(home.folder, (), GLANCE)


def starting(servers: Servers, folder: str) -> bool:
    """Whether more may be offered in a moment."""
    return any(it.standing in ("waiting", "starting") for it in servers.views(folder))


async def _up(servers: Servers, folder: str, named: Sequence[str], prompt: str) -> None:
    """Wait for servers that are mentioned, or whose prompt is called, where they are starting."""
    called = prompt.casefold()
    await servers.settled(folder, [*named, called.split("__")[1] if called else ""], UP)
    prefixes = names.servers(it.config.name for it in servers.views(folder))
    if of_prompt := [it for it, prefix in prefixes.items() if called.startswith(f"mcp__{prefix}__".casefold())]:
        await servers.settled(folder, of_prompt, UP)


def prompts(servers: Servers, folder: str) -> list[Offered]:
    """The prompts of all servers that are up, as slash commands."""
    return [
        Offered(f"/{it.called} " if it.arguments else f"/{it.called}", f"/{it.called}", it.description or it.title)
        for view in servers.views(folder)
        for it in view.prompts
    ]


async def arguments(servers: Servers, folder: str, called: str, typed: str) -> list[Offered]:
    """What a server suggests for the argument that is being written."""
    prompt = _named(servers.views(folder), called)
    if prompt is None or not prompt.arguments:
        return []
    before, space, last = typed.rpartition(" ")
    n = min(len(before.split()) if space else 0, len(prompt.arguments) - 1)
    argument = prompt.arguments[n]
    found = await servers.complete(folder, prompt, argument.name, last)
    detail = f"{argument.name}: {argument.description}" if argument.description else argument.name
    return [Offered(f"{before}{space}{it}", it, detail) for it in found]


async def resources(servers: Servers, folder: str, typed: str) -> list[Offered]:
    """What can be mentioned: servers that have resources, and behind the colon their resources; what is left open in a
    template is what its server suggests."""
    server, colon, uri = typed.removeprefix("@").partition(":")
    views = [it for it in servers.views(folder) if it.resources]
    if not colon:
        names = [it.config.name for it in views if it.config.name.startswith(server)]
        return [Offered(f"@{it}:", f"@{it}:", "resources of an MCP server") for it in names]
    found: list[Offered] = []
    for it in (one for view in views if view.config.name == server for one in view.resources):
        uris = await _filled(servers, folder, it, uri) if it.template else [it.uri]
        found += [Offered(f"@{server}:{one}", one, it.title or it.name) for one in uris if _plain(one)]
    return list(dict.fromkeys(found))


async def _filled(servers: Servers, folder: str, template: ServerResource, typed: str) -> list[str]:
    """A template with what is typed so far and what the server suggests for the part that is begun, up to the next."""
    parts = re.split(r"\{([^{}]+)\}", template.uri)
    done = ""
    for fixed, name, following in zip(parts[0::2], parts[1::2], [*parts[2::2]], strict=False):
        done += fixed
        if not typed.startswith(done):
            return [done] if done.startswith(typed) and done != typed else []
        rest = typed[len(done) :]
        value, ends, _ = rest.partition(following) if following else (rest, "", "")
        if not ends:
            return [
                f"{done}{it}{following}" for it in await servers.complete(folder, template, name.lstrip("+/?&#"), value)
            ]
        done += value
    return []


async def _resource(servers: Servers, folder: str, server: str, uri: str, label: str) -> Along:
    try:
        blocks = _sendable(await servers.read(folder, server, uri))
    except ToolError as error:
        return Along(lines=(f"not sent: {label} ({str(error).splitlines()[0]})",))
    about = f"{label} (a resource of the MCP server {server}), as data:"
    source = f"{uri} of the MCP server {server}"
    made: list[Block] = []
    for it in blocks:
        text = sound(f"{about}\n{framed(it['text'], 'mcp_result', source)}") if it.get("type") == "text" else ""
        made += [text_block(text)] if text else [text_block(about), it]
    return Along(tuple(made), lines=(f"{label} ({counted(len(blocks), 'part')})",), untrusted=(label,))


async def _prompt(servers: Servers, folder: str, called: str, words: str) -> Along:
    prompt = _named(servers.views(folder), called)
    if prompt is None:
        known = ", ".join(f"/{it.called}" for view in servers.views(folder) for it in view.prompts) or "none"
        raise BadRequest(f"There is no prompt /{called}; the MCP servers that are up have: {known}.")
    try:
        blocks = _sendable(await servers.prompt(folder, prompt, _given(prompt, words)))
    except ToolError as error:
        raise BadRequest(f"/{prompt.called}: {error}") from error
    about = f"The person chose the prompt {prompt.name} of the MCP server {prompt.server}. It says:"
    summary = f"/{prompt.called} ({counted(len(blocks), 'part')})"
    said = (text_block(sound(harmless(it["text"], "mcp_result"))) if it.get("type") == "text" else it for it in blocks)
    return Along((text_block(about), *said), lines=(summary,), untrusted=(f"/{prompt.called}",))


def _sendable(blocks: Sequence[Block]) -> tuple[Block, ...]:
    # The handshake imports no tools (tests/wire/test_start_up.py).
    from claw_lsp.tools.mcp_pictures import sendable

    return sendable(blocks)


def _named(views: Sequence[ServerView], called: str) -> ServerPrompt | None:
    """The prompt of this name, however its letters are written."""
    return next((it for view in views for it in view.prompts if it.called.lower() == called.lower()), None)


def _given(prompt: ServerPrompt, words: str) -> dict[str, str]:
    """The arguments by name: the last takes all that is left. Raises BadRequest where one is missing."""
    try:
        said = shlex.split(words)
    except ValueError:
        said = words.split()
    n = len(prompt.arguments)
    if n and len(said) > n:
        said = [*said[: n - 1], " ".join(said[n - 1 :])]
    missing = [it.name for it in prompt.arguments[len(said) :] if it.required]
    if missing or len(said) > n:
        usage = " ".join(f"<{it.name}>" if it.required else f"[{it.name}]" for it in prompt.arguments)
        raise BadRequest(
            f"expected /{prompt.called} {usage}".rstrip() + (f": {missing[0]} is missing" if missing else "")
        )
    return {it.name: value for it, value in zip(prompt.arguments, said, strict=False)}


def _plain(uri: str) -> bool:
    """Whether a mention can hold it."""
    return not any(it.isspace() or it in '"@' for it in uri)
