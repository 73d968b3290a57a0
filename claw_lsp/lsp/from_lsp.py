"""Protocol values into our own."""

from __future__ import annotations

from lsprotocol import types

from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.lsp.buffers import Buffers, Piece, Position


def position(value: types.Position) -> Position:
    return (value.line, value.character)


def offsets(index: LineIndex, value: types.Range, encoding: Encoding) -> tuple[int, int]:
    """The code points a range spans; one that ends before it begins spans the same the other way round."""
    ends = (index.offset(*position(it), encoding) for it in (value.start, value.end))
    first, last = sorted(ends)
    return first, last


def did_open(buffers: Buffers, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    buffers.open(item.uri, item.language_id, item.version, item.text)


def did_change(buffers: Buffers, params: types.DidChangeTextDocumentParams) -> None:
    document = params.text_document
    buffers.change(document.uri, document.version, tuple(_piece(it) for it in params.content_changes))


def did_save(buffers: Buffers, params: types.DidSaveTextDocumentParams) -> None:
    buffers.save(params.text_document.uri, params.text)


def did_close(buffers: Buffers, params: types.DidCloseTextDocumentParams) -> None:
    buffers.close(params.text_document.uri)


def _piece(change: types.TextDocumentContentChangeEvent) -> Piece:
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return Piece(change.text)
    return Piece(change.text, position(change.range.start), position(change.range.end))
