"""Events out of the frames in which Amazon Bedrock streams, wherever the network cut them.

A frame is: its length, the length of its headers and a checksum of both; headers; the payload; a checksum of all. A payload
holds one event of the Messages API in base64, or says what went wrong.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from struct import unpack_from
from typing import Any, Final
from zlib import crc32

from claw_lsp.adapters.claude import faults
from claw_lsp.adapters.claude.faults import StreamBroke


class FrameReader:
    """Collects bytes and gives the data of every event whose frame is whole. Raises StreamBroke for what is no frame."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that these bytes complete, in order."""
        self._held += data
        found: list[bytes] = []
        while len(self._held) >= _PRELUDE:
            length, n_headers, checksum = unpack_from(">III", self._held)
            if crc32(self._held[:8]) != checksum or not _PRELUDE + n_headers + 4 <= length <= _LONGEST:
                raise StreamBroke(faults.broken("the provider sent a frame that cannot be read"))
            if len(self._held) < length:
                break
            frame = bytes(self._held[:length])
            del self._held[:length]
            found += _event(frame, _PRELUDE + n_headers)
        return found

    def end(self) -> list[bytes]:
        """Nothing: half a frame is none."""
        return []


def _event(frame: bytes, payload_at: int) -> list[bytes]:
    try:
        if crc32(frame[:-4]) != unpack_from(">I", frame, len(frame) - 4)[0]:
            raise ValueError("the checksum is another")
        headers = _headers(frame[_PRELUDE:payload_at])
        payload: dict[str, Any] = json.loads(frame[payload_at:-4] or b"{}")
        if headers.get(":message-type") == "event":
            return [b64decode(payload["bytes"])] if "bytes" in payload else []
        name = headers.get(":exception-type") or headers.get(":error-code", "")
        said = str(payload.get("message") or headers.get(":error-message", ""))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError) as error:
        raise StreamBroke(faults.broken("the provider sent a frame that cannot be read")) from error
    kind = _KINDS.get(name, "api_error")
    return [json.dumps({"type": "error", "error": {"type": kind, "message": said}}).encode()]


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are texts; others are passed over."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        n_name = data[at]
        name = data[at + 1 : at + 1 + n_name].decode()
        kind = data[at + 1 + n_name]
        at += 2 + n_name
        if kind in _SIZED:
            size = data[at] << 8 | data[at + 1]
            at += 2
            found |= {name: data[at : at + size].decode()} if kind == _TEXT else {}
        else:
            size = _FIXED[kind]
        at += size
    return found


_PRELUDE: Final = 12
_LONGEST: Final = 24 * 1024 * 1024
_TEXT: Final = 7
_SIZED: Final = (6, _TEXT)
_FIXED: Final[Mapping[int, int]] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_KINDS: Final[Mapping[str, str]] = {
    "throttlingException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "validationException": "invalid_request_error",
    "modelTimeoutException": "timeout_error",
}
