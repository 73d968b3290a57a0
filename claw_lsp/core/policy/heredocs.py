"""Where the text of a heredoc ends: told by bash's own rule, line by line, and compared with what the grammar says."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

_DELIMITER: Final = re.compile(rb"([A-Za-z_][A-Za-z0-9_]*)|'([A-Za-z_][A-Za-z0-9_]*)'|\"([A-Za-z_][A-Za-z0-9_]*)\"")


def fits(node: Node, source: bytes) -> bool | None:
    """Whether the heredoc's text is taken as it stands (its delimiter is quoted); None where bash and the grammar may part
    over where it begins and ends. Only one heredoc may begin in a line."""
    by_type = {it.type: it for it in node.children}
    operator = by_type.get("<<") or by_type.get("<<-")
    start, body, end = (by_type.get(f"heredoc_{it}") for it in ("start", "body", "end"))
    if operator is None or start is None or body is None or end is None:
        return None
    written = _DELIMITER.fullmatch(source[start.start_byte : start.end_byte])
    newline = source.find(b"\n", start.end_byte)
    if written is None or newline < 0:
        return None
    others = [it for it in node.children if it not in (body, end)]
    on_line = source[source.rfind(b"\n", 0, start.start_byte) + 1 : newline]
    if any(it.end_byte > newline for it in others) or on_line.count(b"<<") != 1:
        return None
    if body.start_byte <= newline or source[newline : body.start_byte].strip(b" \t\n"):
        return None
    delimiter = next(filter(None, written.groups()))
    found = _end(source, newline + 1, delimiter, tabs=operator.type == "<<-")
    # With `<<-` the grammar counts the tabs before the end as part of the body.
    n_tabs = len(source[found:]) - len(source[found:].lstrip(b"\t")) if operator.type == "<<-" else 0
    if (end.start_byte, end.end_byte) != (found + n_tabs, found + n_tabs + len(delimiter)) or body.end_byte not in (
        found,
        found + n_tabs,
    ):
        return None
    return written[1] is None


def _end(source: bytes, at: int, delimiter: bytes, *, tabs: bool) -> int:
    """Where the line that ends it begins; behind everything where there is none."""
    while at < len(source):
        newline = source.find(b"\n", at)
        line = source[at : newline if newline >= 0 else len(source)]
        if (line.lstrip(b"\t") if tabs else line) == delimiter:
            return at
        if newline < 0:
            break
        at = newline + 1
    return len(source)
