"""Reading files: whole as documents that can be written back, or by windows when they cannot."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator

from claw_lsp.adapters.disk.encoding import HEAD, binary, decoded, legible, marked, sort_of
from claw_lsp.adapters.disk.opening import opened
from claw_lsp.adapters.disk.places import located
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.text import Document
from claw_lsp.ports.files import Window

EDIT_LIMIT = 10 * 1024 * 1024
"""Files of more bytes are looked at by windows and never edited."""

_BLOCK = 1 << 20
_FARTHEST = 4 << 30
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_document(path: str) -> Document:
    """The text of a closed file. Raises NoSuchFile, or ToolError for what is no file that could be edited."""
    place = located(path)
    with opened(place.path, place.target) as descriptor:
        size = os.fstat(descriptor).st_size
        head = os.read(descriptor, HEAD)
        _refuse_binary(place.path, head, size)
        if size > EDIT_LIMIT:
            raise ToolError(f"{place.path} {_too_large(size)}.")
        data = head + bytes_of(descriptor, EDIT_LIMIT)
    return document_of(place.path, data, place.target)


def document_of(path: str, data: bytes, target: str = "") -> Document:
    """The document that these bytes are. Raises ToolError when they are binary, too many or in an unknown encoding."""
    if len(data) > EDIT_LIMIT:
        raise ToolError(f"{path} {_too_large(len(data))}.")
    _refuse_binary(path, data[:HEAD], len(data))
    found = decoded(data)
    if found is None:
        raise ToolError(f"{path} {_odd(data)}.")
    return Document(path, found[0], encoding=found[1], target=target)


def read_bytes(path: str, limit: int) -> bytes:
    """The bytes of a regular file. Raises ToolError, also when there are more than `limit`."""
    place = located(path)
    with opened(place.path, place.target) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise ToolError(f"{place.path} is {measured(size)}; at most {measured(limit)} of such a file can be read.")
        return bytes_of(descriptor, limit)[:limit]


def read_window(path: str, first: int, count: int, width: int) -> Window:
    """Some lines of a file of any size, decoded for showing; fulfils `Windows.window`."""
    place = located(path)
    with opened(place.path, place.target) as descriptor:
        size = os.fstat(descriptor).st_size
        head = os.read(descriptor, _BLOCK)
        if size <= EDIT_LIMIT:
            head += bytes_of(descriptor, EDIT_LIMIT)
        _refuse_binary(place.path, head[:HEAD], size)
        encoding = legible(head)
        why = f"This file {_too_large(size) if size > EDIT_LIMIT else _odd(head)}."
        lines, more = _lines(_text(descriptor, head, encoding), first, count, width)
    return Window(place.path, tuple(lines), first, more, size, why)


def bytes_of(descriptor: int, limit: int) -> bytes:
    """What is left to read, one byte over the limit at most."""
    parts: list[bytes] = []
    n_left = limit + 1
    while n_left > 0 and (part := os.read(descriptor, min(n_left, _BLOCK))):
        parts.append(part)
        n_left -= len(part)
    return b"".join(parts)


def measured(size: int) -> str:
    """A size for people."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def _refuse_binary(path: str, head: bytes, size: int) -> None:
    if binary(head):
        raise ToolError(
            f"{path} is binary: {sort_of(head)}, {measured(size)}. Its content is not text and is not shown."
        )


def _too_large(size: int) -> str:
    return f"is {measured(size)}; files over {measured(EDIT_LIMIT)} can be read by windows (offset and limit) but not edited"


def _odd(data: bytes) -> str:
    if encoding := marked(data):
        what = f"begins with a {encoding} mark but does not decode as that"
    else:
        what = f"is not valid UTF-8 (shown as {legible(data)})"
    return f"{what}; it can be read but not edited, because its bytes could not be kept"


def _text(descriptor: int, head: bytes, encoding: str) -> Iterator[str]:
    """The file's text in pieces, however large it is; bytes that do not decode become replacement characters."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    piece = decoder.decode(head)
    yield piece.removeprefix("\ufeff")
    n_read = len(head)
    while n_read < _FARTHEST and (block := os.read(descriptor, _BLOCK)):
        n_read += len(block)
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _lines(pieces: Iterator[str], first: int, count: int, width: int) -> tuple[list[str], bool]:
    """Lines `first` to `first + count - 1`, cut to one character over `width`, and whether there are more."""
    number, line, lines = 1, "", list[str]()
    carried = ""
    for piece in pieces:
        piece = carried + piece
        # A \r at the end of a piece may be half of a line end: it waits for what follows.
        carried = "\r" if piece.endswith("\r") else ""
        piece = piece.removesuffix("\r")
        n_ends = len(_LINE_END.findall(piece)) if "\r" in piece else piece.count("\n")
        if number + n_ends < first:
            number, line = number + n_ends, ""
            continue
        start = 0
        for end in _LINE_END.finditer(piece):
            if number >= first:
                lines.append((line + piece[start : min(end.start(), start + width + 1)])[: width + 1])
            number, line, start = number + 1, "", end.end()
            if len(lines) == count:
                return lines, bool(piece[start:] or carried) or any(pieces)
        line = (line + piece[start : start + width + 1])[: width + 1]
    if line and number >= first:
        lines.append(line)
    return lines, False
