"""Images as blocks of the Messages API; what the provider would refuse is refused here, with a reason. Pure."""

from __future__ import annotations

import base64
import struct

from claw_lsp.facts.call import Block, Result
from claw_lsp.facts.fault import ToolError

IMAGE_LIMIT = 5 * 1024 * 1024
IMAGE_NAMES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
MOST_PIXELS = 8000
"""Of one side: the provider refuses more."""


def image_result(path: str, data: bytes) -> Result:
    """The picture. Raises ToolError when the bytes are no image the model can see."""
    block, width, height = image_block(path, data)
    kind = block["source"]["media_type"].removeprefix("image/").upper()
    words = f"{path}: {kind} image, {width} × {height} pixels, {len(data)} bytes"
    return Result(content=({"type": "text", "text": words}, block), summary="image")


def image_block(path: str, data: bytes) -> tuple[Block, int, int]:
    """The block, width and height; the type is told by the bytes, not by the name."""
    media_type = _media_type(data)
    if media_type is None:
        raise ToolError(f"{path} is named like an image, but its bytes are no PNG, JPEG, GIF or WebP image.")
    size = _size(data, media_type)
    if size is None or min(size) < 1:
        raise ToolError(f"{path} is a damaged {media_type} file: its width and height cannot be read.")
    if max(size) > MOST_PIXELS:
        raise ToolError(
            f"{path} has {size[0]} × {size[1]} pixels; at most {MOST_PIXELS} on a side can be shown. "
            "Make a smaller copy and read that."
        )
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}, *size


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _size(data: bytes, media_type: str) -> tuple[int, int] | None:
    try:
        if media_type == "image/png":
            return struct.unpack(">II", data[16:24])
        if media_type == "image/gif":
            return struct.unpack("<HH", data[6:10])
        return _jpeg_size(data) if media_type == "image/jpeg" else _webp_size(data)
    except (struct.error, IndexError):
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None
