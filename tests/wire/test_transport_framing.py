"""R11: whatever the bytes are, messages that follow are read, or the connection ends; nothing hangs."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.lsp.transport.framing import FrameDecoder, FramingLost, frame
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Wire, serve
from claw_lsp.lsp.transport.sinks import ThreadSink
from claw_lsp.testing.wire import connected

BODY = b'{"jsonrpc":"2.0","method":"m"}'


def decode(data: bytes, *, piece: int = 0) -> list[bytes]:
    decoder = FrameDecoder()
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)] if piece else [data]
    return [body for it in pieces for body in decoder.feed(it)]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: %d\r\n\r\n",
        b"content-length:%d\r\n\r\n",
        b"CONTENT-LENGTH \t:   %d  \r\n\r\n",
        b"Content-Length: %d\n\n",
        b"Content-Length: %d\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\nContent-Type: x\r\n\r\n",
        b"\r\n\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: 0%d\r\n\r\n",
        b"Content-Length: %d\r\nContent-Length: 30\r\n\r\n",
    ],
)
@pytest.mark.parametrize("piece", [0, 1, 7])
def test_r11_headers_that_say_the_length_in_their_own_way(header: bytes, piece: int) -> None:
    assert decode((header % len(BODY) + BODY) * 3, piece=piece) == [BODY] * 3


BROKEN = [
    b"Content-Length: abc\r\n\r\n",
    b"Content-Length: -5\r\n\r\n",
    b"Content-Length: +5\r\n\r\n",
    b"Content-Length: 5.0\r\n\r\n",
    b"Content-Length:\r\n\r\n",
    b"Content-Length: 999999999999\r\n\r\n",
    b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
    b"Content-Type: x\r\n\r\n",
    b"no header at all\r\n\r\n",
    b"x" * 100_000 + b"\r\n\r\n",
    b"\x00\xff\xfe garbage",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"Content-Length: 5\r\n\r\n{}",
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda it: repr(it[:40]))
@pytest.mark.parametrize("piece", [0, 1000])
def test_r11_a_broken_header_costs_one_message(broken: bytes, piece: int) -> None:
    after = frame(BODY) * 5
    assert decode(frame(BODY) + broken + BODY + after, piece=piece)[-4:] == [BODY] * 4


def test_r11_a_broken_header_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert decode(b"Content-Length: abc\r\n\r\n{}" * 50 + frame(BODY)) == [BODY]
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.ERROR


def test_r11_garbage_without_end_ends_the_connection_in_little_memory() -> None:
    decoder = FrameDecoder(max_garbage=1_000_000)
    with pytest.raises(FramingLost):
        for _ in range(100):
            list(decoder.feed(b"\x01" * 100_000))
    assert len(decoder._buffer) < 10_000


def test_r11_a_message_over_the_limit_is_skipped_and_not_kept() -> None:
    decoder = FrameDecoder(max_body=1000)
    assert list(decoder.feed(frame(b"x" * 5000)[:3000])) == []
    assert len(decoder._buffer) < 1000
    assert list(decoder.feed(frame(b"x" * 5000)[3000:] + frame(BODY))) == [BODY]


def test_a_length_line_inside_a_body_is_not_taken_for_a_header() -> None:
    inside = json.dumps({"text": "Content-Length: 5\r\n\r\n"}).encode()
    assert decode(frame(inside) + frame(BODY)) == [inside, BODY]


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([it for it in BROKEN if len(it) < 200]), max_size=6),
    st.integers(1, 50),
)
def test_r11_any_bytes_are_survived_and_a_full_stop_is_found(junk: list[bytes], piece: int) -> None:
    # What the junk promised may swallow a message, and the blank line ends a header it began.
    decoded = decode(b"".join(junk) + b"\r\n\r\n" + frame(BODY) * 3, piece=piece)
    assert decoded[-1:] == [BODY]


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 64))
def test_frames_survive_any_split(bodies: list[bytes], piece: int) -> None:
    assert decode(b"".join(map(frame, bodies)), piece=piece) == bodies


async def test_r11_the_server_answers_the_six_requests_after_a_bad_length() -> None:
    async with connected(DoorServer("t", "1")) as client:
        await client.initialize()
        for broken in BROKEN[:-1]:
            client.send_bytes(broken)
            with pytest.raises(Exception, match="-32601"):
                await client.request("no/such/method")


async def test_r11_the_server_ends_with_1_when_nothing_can_be_read_any_more() -> None:
    async def bodies() -> AsyncGenerator[bytes, None]:
        raise FramingLost("no message in 7 bytes")
        yield b""

    nowhere = os.open(os.devnull, os.O_WRONLY)
    assert await serve(DoorServer("t", "1"), Wire(bodies(), ThreadSink(nowhere))) == 1
    os.close(nowhere)
