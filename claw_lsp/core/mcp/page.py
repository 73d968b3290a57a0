"""MCP servers as a document for people: how each one is and why, what it offers, and what it last said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from claw_lsp.core.chat.writer import code
from claw_lsp.core.escape import one_line
from claw_lsp.core.mcp.offering import size
from claw_lsp.core.mcp.seeing import why_asked
from claw_lsp.core.words import counted
from claw_lsp.facts.mcp import ServerConfig, ServerPrompt, ServerResource, ServerTool, ServerView, Standing

WORDS: Mapping[Standing, str] = {
    "disabled": "off",
    "unapproved": "waits for your yes",
    "refused": "not allowed",
    "waiting": "not started",
    "starting": "starting",
    "up": "up",
    "login": "needs a login",
    "failed": "failed",
}
MOST, LOG = 200, 20
"""How many tools, resources or prompts of a server are listed, and how many lines of its log."""

_NOTHING = (
    "No MCP server is configured. `claw-lsp mcp add NAME -- COMMAND …` adds one, or a file .mcp.json in the folder:"
    ' `{"mcpServers": {"name": {"command": "…", "args": []}}}`.'
)


def target(config: ServerConfig) -> str:
    """What is run, or where it is; without what may be secret."""
    return " ".join((config.command, *config.args)) if config.transport == "stdio" else config.url.partition("?")[0]


def summary(it: ServerView, short: Callable[[str], str]) -> str:
    """A server on one line."""
    tools = f", {counted(len(it.tools), 'tool')}" if it.standing == "up" else ""
    where = f"{it.config.scope}, {short(it.config.file)}" if it.config.file else it.config.scope
    why = f": {one_line(it.why, 400)}" if it.why else ""
    what = f"{it.config.transport} {one_line(target(it.config), 200)}".strip()
    return f"{it.config.name} ({where}), {what}: {WORDS[it.standing]}{tools}{why}"


def written(
    views: Sequence[ServerView], problems: Sequence[str], short: Callable[[str], str]
) -> tuple[str, dict[str, ServerView]]:
    """The document, and which server each of its lines is about. `short` says a path as people write it."""
    lines = ["# MCP servers"]
    about: dict[str, ServerView] = {}
    for it in views:
        part = _server(it, short)
        lines += ["", *part]
        about |= {line: it for line in part if line and line not in lines[: -len(part)]}
    lines += [] if views else ["", _NOTHING]
    if problems:
        lines += ["", "## Wrong in the files", "", *(f"- {one_line(it, 500)}" for it in problems)]
    return "\n".join(lines) + "\n", about


def _server(it: ServerView, short: Callable[[str], str]) -> list[str]:
    config = it.config
    where = f"{config.scope}, {short(config.file)}" if config.file else config.scope
    protocol = f", protocol {one_line(it.protocol, 40)}" if it.protocol else ""
    lines = [f"## {code(config.name)}: {WORDS[it.standing]}", ""]
    lines += [f"{code(config.name)} is {config.transport} {code(target(config) or '?')} ({where}{protocol})."]
    lines += [one_line(it.why, 500)] if it.why else []
    cost = sum(map(size, it.tools))
    lines += _list(f"{counted(len(it.tools), 'tool')}, about {cost} tokens in all", list(map(_tool, it.tools)))
    lines += _list(counted(len(it.resources), "resource"), list(map(_resource, it.resources)))
    lines += _list(counted(len(it.prompts), "prompt"), list(map(_prompt, it.prompts)))
    if it.log:
        lines += ["", "Its last words:", "", *(f"    {one_line(line, 200)}" for line in it.log[-LOG:])]
    return lines


def _list(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    more = [f"- and {len(items) - MOST} more"] if len(items) > MOST else []
    return ["", f"{title}:", "", *items[:MOST], *more]


def _tool(it: ServerTool) -> str:
    claims = " (only reads, it says)" if it.read_only else ""
    asks = f" (asks: {why})" if (why := why_asked(it)) else ""
    return f"- {code(it.called or it.name)}, about {counted(size(it), 'token')}{claims}{asks}{_words(it.description)}"


def _resource(it: ServerResource) -> str:
    return f"- {code(f'@{it.server}:{it.uri}')}{_words(it.title or it.name)}"


def _prompt(it: ServerPrompt) -> str:
    arguments = "".join(f" {a.name}" if a.required else f" [{a.name}]" for a in it.arguments)
    return f"- {code(f'/{it.called}{arguments}')}{_words(it.description)}"


def _words(text: str) -> str:
    """A server's own words, as inline code: they are not ours."""
    first = text.strip().partition("\n")[0]
    return f": {code(one_line(first, 100))}" if first else ""
