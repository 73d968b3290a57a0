"""What a server offers and answers, as values of ours; what the provider would refuse is left out and said. Imported late."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import mcp_types as types

from claw_lsp.core import approvals
from claw_lsp.core.escape import one_line, stripped
from claw_lsp.core.mcp.names import called
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block
from claw_lsp.facts.mcp import PromptArgument, ServerPrompt, ServerResource, ServerTool

LONGEST_DESCRIPTION, LONGEST_SCHEMA = 4_000, 60_000
"""Characters of what a tool may say of itself."""
_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_UNIONS = ("oneOf", "anyOf", "allOf")


def tools(server: str, prefix: str, found: Sequence[types.Tool], say: Callable[[str], None]) -> tuple[ServerTool, ...]:
    """The tools that the model can be told of; of two with one name the first."""
    unlike = {it.name: it for it in reversed(found)}
    names = called(prefix, unlike)
    shaped: list[ServerTool] = []
    for it in found:
        if unlike[it.name] is not it:
            continue
        schema = _schema(it.input_schema)
        if schema is None:
            say(
                f"Its tool {one_line(it.name, 80)} is left out: its parameters are too many or named as no provider takes them."
            )
            continue
        shaped.append(_tool(server, names[it.name], it, schema))
    return tuple(shaped)


def _tool(server: str, name: str, it: types.Tool, schema: dict[str, Any]) -> ServerTool:
    hints, meta = it.annotations, it.meta or {}
    size = meta.get("anthropic/maxResultSizeChars")
    content = approvals.canonical([it.name, it.description, it.input_schema, it.output_schema])
    return ServerTool(
        server=server,
        name=it.name,
        called=name,
        title=one_line(it.title or (hints.title if hints else None) or "", 200),
        description=_text(it.description)[:LONGEST_DESCRIPTION],
        input_schema=schema,
        read_only=bool(hints and hints.read_only_hint),
        destructive=hints is None or hints.destructive_hint is not False,
        open_world=hints is None or hints.open_world_hint is not False,
        asks=meta.get("anthropic/requiresUserInteraction") is True,
        always_load=meta.get("anthropic/alwaysLoad") is True,
        size=size if isinstance(size, int) and size > 0 else None,
        digest=approvals.digest(f"tool {it.name} of MCP server {server}", content),
    )


def _schema(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema as every provider takes it: alternatives at its top are left to the server to check."""
    bare = {key: it for key, it in schema.items() if key not in _UNIONS}
    properties: Any = bare.get("properties") or {}
    if not isinstance(properties, dict) or len(json.dumps(bare)) > LONGEST_SCHEMA:
        return None
    if not all(_KEY.fullmatch(it) for it in cast("dict[str, Any]", properties)):
        return None
    return {**bare, "type": "object", "properties": properties}


def resources(server: str, found: Sequence[types.Resource]) -> tuple[ServerResource, ...]:
    return tuple(
        ServerResource(server, str(it.uri), it.name, it.title or "", _text(it.description)[:500], it.mime_type or "")
        for it in found
    )


def templates(server: str, found: Sequence[types.ResourceTemplate]) -> tuple[ServerResource, ...]:
    return tuple(
        ServerResource(
            server, it.uri_template, it.name, it.title or "", _text(it.description)[:500], it.mime_type or "", True
        )
        for it in found
    )


def prompts(server: str, prefix: str, found: Sequence[types.Prompt]) -> tuple[ServerPrompt, ...]:
    names = called(prefix, [it.name for it in found])
    return tuple(
        ServerPrompt(
            server,
            it.name,
            names[it.name],
            one_line(it.title or "", 200),
            one_line(it.description or "", 500),
            tuple(
                PromptArgument(one.name, _text(one.description)[:300], bool(one.required)) for one in it.arguments or ()
            ),
        )
        for it in found
    )


Keep = Callable[[str, str], str]
"""Puts base64 of a media type into a file and answers its path. Blocks. Raises OSError, ValueError."""


def contents(found: Iterable[types.ContentBlock], keep: Keep) -> tuple[Block, ...]:
    """The parts of an answer as blocks; what no model is shown is in a file that words name. Blocks."""
    return tuple(_content(it, keep) for it in found)


def _content(it: types.ContentBlock, keep: Keep) -> Block:
    match it:
        case types.TextContent():
            return _words(it.text)
        case types.ImageContent():
            source = {"type": "base64", "media_type": it.mime_type, "data": it.data}
            return {"type": "image", "source": source}
        case types.AudioContent():
            return _kept("Audio", it.data, it.mime_type, keep)
        case types.ResourceLink():
            said = f": {_text(it.description)}" if it.description else ""
            return _words(f"[Resource {it.name} at {it.uri}{said}. ReadMcpResourceTool reads it.]")
        case types.EmbeddedResource():
            return resource(it.resource, keep)


def resource(it: types.TextResourceContents | types.BlobResourceContents, keep: Keep) -> Block:
    """A part of a resource, as `contents`. Blocks."""
    if isinstance(it, types.TextResourceContents):
        return _words(it.text)
    if (it.mime_type or "").startswith("image/"):
        return {"type": "image", "source": {"type": "base64", "media_type": it.mime_type, "data": it.blob}}
    return _kept(str(it.uri), it.blob, it.mime_type or "application/octet-stream", keep)


def _kept(what: str, encoded: str, media_type: str, keep: Keep) -> Block:
    size = len(encoded) * 3 // 4 - encoded[-2:].count("=")
    said = f"{what} ({media_type}, {counted(size, 'byte')})"
    try:
        return _words(f"[{said} is in {keep(encoded, media_type)}]")
    except (OSError, ValueError) as error:
        return _words(f"[{said} is left out, since it could not be written to a file: {one_line(str(error), 200)}]")


def _words(text: str) -> Block:
    return {"type": "text", "text": _text(text)}


def _text(text: str | None) -> str:
    return stripped(text or "").encode("utf-8", "replace").decode("utf-8")
