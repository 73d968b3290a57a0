"""Our own values into the protocol's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.facts.text import TextEdit

Json = dict[str, Any]


def position(index: LineIndex, offset: int, encoding: Encoding) -> Json:
    line, character = index.position(offset, encoding)
    return {"line": line, "character": character}


def text_range(index: LineIndex, start: int, end: int, encoding: Encoding) -> Json:
    return {"start": position(index, start, encoding), "end": position(index, end, encoding)}


def text_edits(index: LineIndex, edits: Sequence[TextEdit], encoding: Encoding) -> list[Json]:
    return [{"range": text_range(index, it.start, it.end, encoding), "newText": it.new} for it in edits]


def versioned_edit(uri: str, version: int | None, edits: list[Json]) -> Json:
    """A WorkspaceEdit of one document which the client refuses when its version is another; None: any version."""
    return {"documentChanges": [{"textDocument": {"uri": uri, "version": version}, "edits": edits}]}


def plain_edit(uri: str, edits: list[Json]) -> Json:
    """A WorkspaceEdit of one document for a client that knows no versions."""
    return {"changes": {uri: edits}}
