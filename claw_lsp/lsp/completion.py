"""Completion in a chat document: the slash commands, where a line begins with one."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.position import Encoding
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.commands.table import TABLE

KEYWORD = 14
"""LSP's CompletionItemKind.Keyword."""


def slash(buffer: Buffer, position: Position, encoding: Encoding) -> dict[str, Any]:
    """The commands that fit what stands between the line's start and the cursor; nothing where that is no slash word."""
    index = buffer.index
    cursor = index.offset(*position, encoding)
    start = index.offset(position[0], 0, encoding)
    word = buffer.text[start:cursor]
    if not word.startswith("/") or (not word[1:].replace("-", "").isalnum() and word != "/"):
        return {"isIncomplete": False, "items": []}
    range_ = to_lsp.text_range(index, start, cursor, encoding)
    items = [
        _item(f"/{name.removeprefix('claw.')}", it.title, range_) for name, it in sorted(TABLE.items()) if it.slash
    ]
    return {"isIncomplete": False, "items": [it for it in items if it["label"].startswith(word)]}


def _item(label: str, title: str, range_: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": label,
        "kind": KEYWORD,
        "detail": title,
        "filterText": label,
        "textEdit": {"range": range_, "newText": f"{label} "},
    }
