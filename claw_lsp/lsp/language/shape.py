"""A chat document's outline as editors take it: symbols and folding ranges."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.chat.outline import Outline, Span, Turn, name_of
from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.core.words import counted
from claw_lsp.lsp import to_lsp

NAMESPACE, FUNCTION, STRING = 3, 12, 15
"""LSP's SymbolKind for a turn, a tool call and the model's last words; every client knows these."""
MOST = 5000
"""Folds, and calls with a symbol of their own; of a longer document those of its last turns."""

Json = dict[str, Any]


def symbols(outline: Outline, index: LineIndex, *, encoding: Encoding) -> list[Json]:
    """DocumentSymbols: one for each turn, within it the calls and what was said in the end."""

    def symbol(name: str, kind: int, span: Span, head: Span) -> Json:
        where, shown = (to_lsp.text_range(index, *it, encoding) for it in (span, head))
        return {"name": name, "kind": kind, "range": where, "selectionRange": shown}

    left = MOST

    def within(turn: Turn) -> list[Json]:
        nonlocal left
        entries = turn.entries[-left:] if left else ()
        left -= len(entries)
        calls = [symbol(f"{it.sign} {it.title}".strip(), FUNCTION, it.span, it.span) for it in entries]
        words = turn.last_words
        said = name_of(index.text, words) if words else ""
        return [*calls, *([symbol(said, STRING, words, words)] if words and said else [])]

    return [
        symbol(it.name or "…", NAMESPACE, it.span, it.prompt if it.name else it.heading) | {"children": within(it)}
        for it in reversed(outline.turns)
        if it.name or it.answer
    ][::-1]


def flat(symbols: list[Json], uri: str, container: str | None = None) -> list[Json]:
    """The same as SymbolInformation, for a client that knows no trees."""
    found: list[Json] = []
    for it in symbols:
        one = {"name": it["name"], "kind": it["kind"], "location": {"uri": uri, "range": it["range"]}}
        found.append(one | ({"containerName": container} if container else {}))
        found += flat(it.get("children", []), uri, it["name"])
    return found


def folds(outline: Outline, index: LineIndex, *, texts: bool) -> list[Json]:
    """FoldingRanges of whole lines: turns, tool entries that stand together, code and quotes. `texts` says that the client
    shows a text in place of what is folded."""
    spans = [(it.span, it.name) for it in outline.turns]
    spans += [(it, counted(index.text.count("\n", *it) + 1, "tool call")) for it in outline.lists]
    spans += [(it, "") for it in (*outline.fences, *outline.quotes)]
    ranges: list[Json] = []
    for (start, end), text in spans[:MOST]:
        first, last = index.position(start, "utf-32")[0], index.position(end, "utf-32")[0]
        if last > first:
            fold: Json = {"startLine": first, "endLine": last}
            ranges.append(fold | ({"collapsedText": text} if texts and text else {}))
    return sorted(ranges, key=lambda it: (it["startLine"], -it["endLine"]))
