"""Images of MCP servers: the type is that of the bytes, and what the provider would refuse is told in words."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.facts.call import Block
from claw_lsp.tools.mcp_pictures import MOST, sendable


def png(width: int = 1, height: int = 1, size: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", width, height) + b"\0" * size


def image(data: bytes | str, media_type: str = "image/jpeg") -> Block:
    encoded = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": encoded}}


def test_an_image_has_the_type_of_its_bytes_whatever_the_server_says() -> None:
    [shown] = sendable([image(png())])
    assert shown["source"]["media_type"] == "image/png"


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (image(b"<svg/>", "image/svg+xml"), "its bytes are no PNG, JPEG, GIF or WebP image"),
        (image("not base64!"), "its data is no base64"),
        (image(png(9000, 10)), "at most 8000 on a side"),
        (image(png(0, 10)), "damaged"),
        (image(png(size=6_000_000)), "over 5 MB"),
    ],
)
def test_what_would_be_refused_is_a_text_that_says_why(odd: Block, why: str) -> None:
    [said] = sendable([odd])
    assert said["type"] == "text" and why in said["text"]


def test_of_very_many_the_first_are_shown() -> None:
    kinds = [it["type"] for it in sendable([image(png())] * (MOST + 2))]
    assert kinds == ["image"] * MOST + ["text"] * 2


@given(st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=20))), st.text(max_size=30))
def test_nothing_a_server_sends_breaks_it_and_no_part_is_lost(parts: list[bytes | str], media_type: str) -> None:
    blocks = [image(it, media_type) for it in parts]
    assert len(sendable(blocks)) == len(blocks)
