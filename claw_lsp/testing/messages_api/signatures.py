"""Signatures of thinking: issued with a reply, checked when the block comes back.

A signature carries the name of everything before the block and a digest of the thinking, sealed with the server's
key. The key is fixed, so that a session outlives the server it began on.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

_KEY: Final = b"claw-lsp scripted signature"
_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Signed:
    """What a genuine signature says about its block."""

    prefix: bytes
    thinking: bytes

    def follows(self, prefix: str) -> bool:
        """Whether the block was made right after the prefix of that name."""
        return self.prefix == bytes.fromhex(prefix)[:_SIZE]

    def covers(self, thinking: str) -> bool:
        return self.thinking == _digest(thinking)


def sign(prefix: str, thinking: str) -> str:
    """The signature of thinking that comes right after the prefix of that name."""
    body = bytes.fromhex(prefix)[:_SIZE] + _digest(thinking)
    return base64.b64encode(body + _seal(body)).decode()


def read_signature(signature: str) -> Signed | None:
    """What the signature says, or None if this server never made it."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None
    body = raw[: 2 * _SIZE]
    if len(raw) != 3 * _SIZE or not hmac.compare_digest(raw[2 * _SIZE :], _seal(body)):
        return None
    return Signed(body[:_SIZE], body[_SIZE:])


def _digest(thinking: str) -> bytes:
    return hashlib.sha256(thinking.encode()).digest()[:_SIZE]


def _seal(body: bytes) -> bytes:
    return hmac.digest(_KEY, body, "sha256")[:_SIZE]
