"""Bytes to text and back: what carries a byte order mark or is UTF-8 can be written back, all else is only shown."""

from __future__ import annotations

import codecs

from claw_lsp.facts.fault import ToolError

HEAD = 8192
"""How many bytes decide whether a file is binary."""

_MARKS = (
    ("utf-32-le", codecs.BOM_UTF32_LE),
    ("utf-32-be", codecs.BOM_UTF32_BE),
    ("utf-8-sig", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
)
"""UTF-32's little-endian mark begins with UTF-16's, so it is tried first."""


def marked(data: bytes) -> str | None:
    """The encoding that a byte order mark announces."""
    return next((encoding for encoding, mark in _MARKS if data.startswith(mark)), None)


def binary(head: bytes) -> bool:
    """Whether the beginning of a file says that it is no text: a NUL that no byte order mark explains."""
    return marked(head) is None and b"\0" in head[:HEAD]


def decoded(data: bytes) -> tuple[str, str] | None:
    """Text without its mark, and encoding; None when that encoding would not give back the same bytes."""
    for encoding, mark in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding.removesuffix("-sig")), encoding
            except UnicodeDecodeError:
                continue
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return None


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a file with this text, mark included. Raises ToolError for text no file can hold (R18)."""
    mark = dict(_MARKS).get(encoding, b"")
    try:
        return mark + text.encode(encoding.removesuffix("-sig"))
    except UnicodeEncodeError as error:
        raise ToolError(
            f"The text has a lone surrogate (\\u{ord(text[error.start]):04x} at offset {error.start}), which no file can "
            "hold. Nothing was written; write the whole character instead."
        ) from error


def legible(data: bytes) -> str:
    """An encoding in which bytes that are not valid text can at least be shown.

    Mostly UTF-8 with bad bytes in it is shown as UTF-8; what has no valid character beyond ASCII as Latin-1.
    """
    announced = marked(data)
    if announced:
        return announced
    return "latin-1" if data.decode("utf-8", "ignore").isascii() else "utf-8"


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF-", "PDF document"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\x7fELF", "ELF program or library"),
    (b"\xcf\xfa\xed\xfe", "Mach-O program or library"),
    (b"MZ", "Windows program or library"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\0", "xz archive"),
    (b"(\xb5/\xfd", "zstd archive"),
    (b"\0asm", "WebAssembly module"),
    (b"\xca\xfe\xba\xbe", "Java class or universal binary"),
)


def sort_of(head: bytes) -> str:
    """What a binary file is, in a few words."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP image"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "binary data")
