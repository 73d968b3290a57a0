"""Tools that describe themselves otherwise than when the person approved them ask again (a server may change them at any time)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from claw_lsp.facts.mcp import ServerTool


def compared(seen: Mapping[str, str], tools: Iterable[ServerTool]) -> tuple[ServerTool, ...]:
    """The tools, each with how it is unlike those of which the digests, by name, were seen. A tool that was renamed is new."""
    return tuple(it.model_copy(update={"unlike": _unlike(seen.get(it.called), it)}) for it in tools)


def _unlike(digest: str | None, tool: ServerTool) -> str:
    if digest is None:
        return "new"
    return "" if digest == tool.digest else "changed"


def why_asked(tool: ServerTool) -> str:
    """Why a tool is asked about though it may be allowed, in words that end a sentence; "" for no reason."""
    match tool.unlike:
        case "new":
            return "its server did not have this tool when you first used it"
        case "changed":
            return "its server describes it otherwise than when you approved it"
        case "":
            return ""
