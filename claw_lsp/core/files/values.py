"""Values that a schema does not tell: rules, matchers, tools, models, servers; which of them are meant where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from claw_lsp.core.files.hook_words import MATCHED
from claw_lsp.core.files.json_tree import Scalar
from claw_lsp.core.files.kinds import Kind
from claw_lsp.core.json_edit import Keys
from claw_lsp.facts.hook import TOOL_EVENTS
from claw_lsp.facts.rule import Behavior

Meaning = Literal["rule", "matcher", "tool", "model", "server"]

_WAYS: Final[tuple[tuple[frozenset[Kind], Keys, Meaning], ...]] = (
    (frozenset({"settings"}), ("permissions", "allow", "*"), "rule"),
    (frozenset({"settings"}), ("permissions", "ask", "*"), "rule"),
    (frozenset({"settings"}), ("permissions", "deny", "*"), "rule"),
    (frozenset({"settings", "skill", "agent"}), ("model",), "model"),
    (frozenset({"settings"}), ("smallModel",), "model"),
    (frozenset({"settings"}), ("fallbackModel", "*"), "model"),
    (frozenset({"settings"}), ("availableModels", "*"), "model"),
    (frozenset({"settings"}), ("aliases", "*"), "model"),
    (frozenset({"settings"}), ("enabledMcpjsonServers", "*"), "server"),
    (frozenset({"settings"}), ("disabledMcpjsonServers", "*"), "server"),
    (frozenset({"settings", "hooks", "skill", "agent"}), ("hooks", "*", "*", "matcher"), "matcher"),
    (frozenset({"settings", "hooks", "skill", "agent"}), ("hooks", "*", "*", "hooks", "*", "if"), "rule"),
    (frozenset({"settings", "hooks", "skill", "agent"}), ("hooks", "*", "*", "hooks", "*", "model"), "model"),
    (frozenset({"settings", "hooks", "skill", "agent"}), ("hooks", "*", "*", "hooks", "*", "server"), "server"),
    (frozenset({"skill"}), ("allowed-tools",), "rule"),
    (frozenset({"skill"}), ("disallowed-tools",), "tool"),
    (frozenset({"agent"}), ("tools",), "tool"),
    (frozenset({"agent"}), ("disallowedTools",), "tool"),
    (frozenset({"agent"}), ("mcpServers", "*"), "server"),
)
_EXAMPLES: Final = ("Bash(npm test *)", "Read(./**)", "Edit(./**)", "WebFetch(domain:example.com)")


@dataclass(frozen=True, slots=True)
class Known:
    """What only a running server knows: the names of tools, of models with their aliases, and of MCP servers."""

    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


def meaning(kind: Kind, keys: Keys) -> Meaning | None:
    """What a text at this place means, where it is more than a text. A list of texts may stand where one does."""
    for kinds, way, found in _WAYS:
        if kind in kinds and (_leads(way, keys) or (found in ("rule", "tool") and _leads((*way, "*"), keys))):
            return found
    return None


def behavior(keys: Keys) -> Behavior:
    """What the rule at this place does."""
    return keys[1] if keys[:1] == ("permissions",) and keys[1] in ("ask", "deny") else "allow"


def values(found: Meaning, keys: Keys, beside: Mapping[str, Scalar], known: Known) -> Iterator[tuple[str, str]]:
    """What may stand there, each with a few words about it."""
    match found:
        case "model":
            yield from ((it, "model") for it in known.models)
        case "server":
            yield from ((it, "MCP server") for it in known.servers)
        case "tool":
            yield from ((it, "tool") for it in known.tools)
            yield from ((f"mcp__{it}", "all tools of this MCP server") for it in known.servers)
        case "rule":
            yield from ((it, "every use of this tool") for it in known.tools)
            yield from ((it, "for example") for it in _EXAMPLES)
            yield from ((f"mcp__{it}", "every tool of this MCP server") for it in known.servers)
        case "matcher":
            event = str(keys[1])
            if event in TOOL_EVENTS:
                yield from ((it, "calls of this tool") for it in known.tools)
                yield "Edit|Write|NotebookEdit", "calls that change files"
                yield from ((f"mcp__{it}__.*", "calls of tools of this MCP server") for it in known.servers)
            elif event in ("Elicitation", "ElicitationResult"):
                yield from ((it, "MCP server") for it in known.servers)
            yield from ((it, event) for it in MATCHED.get(event, ()))


def _leads(way: Keys, keys: Keys) -> bool:
    return len(way) == len(keys) and all(wanted in ("*", it) for wanted, it in zip(way, keys, strict=True))
