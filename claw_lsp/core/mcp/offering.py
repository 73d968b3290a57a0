"""Which tools of servers the model is told of, in what words, and how it finds the one it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from claw_lsp.core.approvals import canonical
from claw_lsp.core.escape import one_line
from claw_lsp.core.foreign import framed
from claw_lsp.core.words import counted
from claw_lsp.facts.mcp import ServerTool
from claw_lsp.facts.offered import ToolsOffered, ToolSpec

PREFIX = "mcp__"
"""What the names of servers' tools begin with."""
NAMED = 30
"""Tools of a server that are named when it comes up; what else there is, a search finds."""
DESCRIPTION = 2_048
"""Characters of a description that the model is shown."""

_FOUND_BY = "Their inputs are not known to you yet: ToolSearch finds them, by words or as `select:name,name`."
_SELECT = "select:"


def offering(
    known: Iterable[ToolSpec], gone: frozenset[str], now: Iterable[ServerTool], *, all_deferred: bool = True
) -> ToolsOffered | None:
    """What is to be told where `known` was told before and `gone` is known to be away; None where nothing changed. Tools are
    left to a search, but for those that ask not to be, and for all that need not be (`searched`)."""
    told = {it.name for it in known if it.name.startswith(PREFIX)}
    tools = {it.called: it for it in now}
    new = tuple(it for name, it in tools.items() if name not in told or name in gone)
    away = tuple(name for name in told - gone if name not in tools)
    if not new and not away:
        return None
    specs = tuple(spec(it, deferred=all_deferred and not it.always_load) for it in new)
    return ToolsOffered(tools=specs, gone=tuple(sorted(away)), text=_announced(new, specs, sorted(away)))


def searched(wish: str, tools: Iterable[ServerTool], window: int) -> bool:
    """Whether tools are left to a search. `wish` is what ENABLE_TOOL_SEARCH says: `false` never, `auto` or `auto:N` where
    their definitions together are more than N percent (10) of a window of as many tokens, anything else always."""
    said = wish.strip().casefold()
    if said in ("false", "0", "no", "off"):
        return False
    if (auto := re.fullmatch(r"auto(?::(\d{1,3}))?", said)) is None:
        return True
    return sum(size(it) for it in tools) * 100 > window * int(auto[1] or 10)


def size(tool: ServerTool) -> int:
    """About how many tokens its definition costs, at four characters each."""
    return (len(tool.description) + len(canonical(tool.input_schema)) + len(tool.called) + 3) // 4


def spec(tool: ServerTool, *, deferred: bool = True) -> ToolSpec:
    """A server's tool as the model is told of it: its words are the server's, and said to be."""
    described = framed(tool.description[:DESCRIPTION], "mcp_tool", tool.server) if tool.description else ""
    return ToolSpec(
        name=tool.called,
        description=f"{tool.name} of the MCP server {tool.server}. {described}".strip(),
        input_schema={"type": "object", "properties": {}, **tool.input_schema},
        deferred=deferred,
    )


def found(query: str, tools: Iterable[ToolSpec], most: int) -> tuple[ToolSpec, ...]:
    """The deferred tools that a query is about, the best first. `select:a,b` takes them by their names, all of them. Else each
    word counts where it stands in a name more than in a description; a word with `+` before it has to be there."""
    deferred = tuple(it for it in tools if it.deferred)
    if query.strip().casefold().startswith(_SELECT):
        wanted = [it.strip() for it in query.strip()[len(_SELECT) :].split(",")]
        by_name = {it.name: it for it in deferred}
        return tuple(by_name[it] for it in dict.fromkeys(wanted) if it in by_name)
    words = re.findall(r"\+?[^\s,]+", query.casefold())
    needed = [it[1:] for it in words if it.startswith("+")]
    plain = [it.lstrip("+") for it in words if it.strip("+")]
    scored = [(_score(plain, it), n, it) for n, it in enumerate(deferred) if all(one in _text(it) for one in needed)]
    scored.sort(key=lambda one: (-one[0], one[1]))
    return tuple(it for score, _, it in scored if score)[:most]


def _score(words: Iterable[str], tool: ToolSpec) -> int:
    name, text = tool.name.casefold(), _text(tool)
    parts = set(re.split(r"[_\W]+", name))
    return sum(8 * (it in parts) + 3 * (it in name) + min(text.count(it), 3) for it in words)


def _text(tool: ToolSpec) -> str:
    return f"{tool.name} {tool.description} {' '.join(tool.input_schema.get('properties', ()))}".casefold()


def _announced(new: Iterable[ServerTool], specs: Iterable[ToolSpec], away: Iterable[str]) -> str:
    """Bounded, however many there are."""
    by_server: dict[str, list[str]] = {}
    for it in new:
        by_server.setdefault(it.server, []).append(it.called)
    lines = [f"- {one_line(server, 60)}: {_names(names)}" for server, names in by_server.items()]
    how = f" {_FOUND_BY}" if any(it.deferred for it in specs) else ""
    parts = [f"Tools of MCP servers can be called now.{how}", *lines] if lines else []
    if gone := list(away):
        parts.append(f"Not there any more, since their servers are away: {_names(gone)}")
    return "<system-reminder>\n" + "\n".join(parts) + "\n</system-reminder>"


def _names(names: list[str]) -> str:
    more = f" and {counted(len(names) - NAMED, 'other')}" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
