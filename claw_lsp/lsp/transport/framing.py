"""Content-Length frames out of a byte stream that may hold anything; a broken header costs one message, not the rest."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Protocol

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
MAX_HEADER = 8 * 1024
MAX_GARBAGE = 4 * MAX_BODY
READ_SIZE = 256 * 1024

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:[^\r\n]*")
_LENGTH_LINE = re.compile(rb"content-length[ \t]*:[ \t]*([0-9]{1,19})[ \t]*", re.IGNORECASE)
# JSON escapes its line ends, so a length line that ends in a real one cannot stand inside a body.
_NEXT_LENGTH = re.compile(_LENGTH_LINE.pattern + rb"\r?\n", re.IGNORECASE)
# As much of the end of the garbage is kept as could be the beginning of a length line.
_TAIL = 128


class ByteSource(Protocol):
    """What frames are read from: an asyncio.StreamReader, or a thread that reads a file."""

    async def read(self, n: int, /) -> bytes: ...


class FramingLost(Exception):
    """No header was found in more bytes than any message may have; nothing that follows can be trusted."""


class FrameDecoder:
    """Bytes in, bodies out.

    Invariant: `_buffer` never holds more than one body, one header and the last chunk fed.
    """

    def __init__(self, *, max_body: int = MAX_BODY, max_garbage: int = MAX_GARBAGE) -> None:
        self._max_body = max_body
        self._max_garbage = max_garbage
        self._buffer = bytearray()
        self._length: int | None = None
        self._in_step = True
        self._n_skipped = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that `data` completes; raises FramingLost when no header can be found any more."""
        self._buffer += data
        while True:
            if self._length is None and not self._read_header():
                return
            if self._length is None or len(self._buffer) < self._length:
                return
            body = bytes(memoryview(self._buffer)[: self._length])
            del self._buffer[: self._length]
            self._length = None
            self._n_skipped = 0
            yield body

    def _read_header(self) -> bool:
        """True when the length of the next body is known; the header is then gone from the buffer."""
        if not self._in_step and not self._find_step():
            return False
        while self._buffer and self._buffer[0] in b"\r\n":
            del self._buffer[:1]
        blank = _BLANK_LINE.search(self._buffer, 0, MAX_HEADER)
        if blank is None:
            if len(self._buffer) < MAX_HEADER:
                return False
            return self._lose_step("a header without end", resume=1) and self._read_header()
        length = _length_of(bytes(self._buffer[: blank.start()]))
        if isinstance(length, int) and length <= self._max_body:
            del self._buffer[: blank.end()]
            self._length = length
            self._in_step = True
            return True
        if length is None:
            # Something before the length, the rest of a body for instance: the length itself may be good.
            return self._lose_step("bytes that are no header", resume=1) and self._read_header()
        problem = f"a message of {length} bytes" if isinstance(length, int) else length
        return self._lose_step(problem, resume=blank.end()) and self._read_header()

    def _lose_step(self, problem: str, *, resume: int) -> bool:
        if self._in_step:
            logger.error("the client sent %s; looking for the next header", problem)
        self._in_step = False
        return self._find_step(start=resume)

    def _find_step(self, *, start: int = 0) -> bool:
        """True when the buffer now begins with a plausible length line."""
        found = _NEXT_LENGTH.search(self._buffer, start)
        n_garbage = found.start() if found else max(start, len(self._buffer) - _TAIL)
        self._n_skipped += n_garbage
        del self._buffer[:n_garbage]
        if self._n_skipped > self._max_garbage:
            raise FramingLost(f"no message in {self._n_skipped} bytes")
        return found is not None


async def read_frames(source: ByteSource) -> AsyncGenerator[bytes, None]:
    """Every body until the end of the stream; raises FramingLost."""
    decoder = FrameDecoder()
    while data := await source.read(READ_SIZE):
        for body in decoder.feed(data):
            yield body


def frame(body: bytes) -> bytes:
    """A body with its header, as it goes over a byte stream."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _length_of(header: bytes) -> int | str | None:
    """The length that a header block gives, or what is wrong with that; None for what is no header block."""
    lengths: set[int] = set()
    for line in header.splitlines():
        if not _HEADER_LINE.fullmatch(line):
            return None
        if line.lower().startswith(b"content-length"):
            match = _LENGTH_LINE.fullmatch(line)
            if match is None:
                return "a Content-Length that is no number"
            lengths.add(int(match.group(1)))
    if len(lengths) != 1:
        return f"a header with {len(lengths)} lengths"
    return lengths.pop()
