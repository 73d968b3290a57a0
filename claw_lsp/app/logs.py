"""Where `logging` goes, and what never gets there: credentials, and what would paint or hide on a terminal."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType

from claw_lsp.core.escape import visible
from claw_lsp.core.redaction import redacted, secrets_of
from claw_lsp.facts.fault import BadRequest

LEVELS = ("debug", "info", "warning", "error")
WIRE = "wire"
"""The word of CLAW_LOG that has the messages between client and server kept, for `claw-lsp trace`."""


class Redacting(logging.Formatter):
    """One record as text, tracebacks too, without the credentials that can be told and without control codes."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._known = known

    def format(self, record: logging.LogRecord) -> str:
        return visible(redacted(super().format(record), self._known))


def set_up(environment: Mapping[str, str]) -> None:
    """CLAW_LOG is a level, a file and `wire`, any of them, with commas; warnings go to stderr without it. Raises BadRequest
    for a file that cannot be written."""
    level, path = "warning", None
    for part in _parts(environment):
        if part.lower() in LEVELS:
            level = part.lower()
        elif part.lower() != WIRE:
            path = part
    try:
        if path:
            # Paths and command lines are nobody else's business.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = logging.FileHandler(path, encoding="utf-8") if path else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise BadRequest(f"CLAW_LOG: {path} cannot be written: {error.strerror}") from None
    handler.setFormatter(Redacting(secrets_of(environment)))
    # The libraries below log whole messages when asked for more than warnings: file text, prompts.
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("claw_lsp").setLevel(level.upper())
    # The SDK of MCP logs every fault of a server with a trace, and raises it as well (mcp 2.3): it is told in that server's state.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    sys.excepthook = _crashed
    threading.excepthook = lambda it: _crashed(it.exc_type, it.exc_value, it.exc_traceback)


def wants_wire(environment: Mapping[str, str]) -> bool:
    """Whether the messages between client and server are to be kept from the first one on."""
    return WIRE in map(str.lower, _parts(environment))


def _parts(environment: Mapping[str, str]) -> list[str]:
    return [it.strip() for it in environment.get("CLAW_LOG", "").split(",") if it.strip()]


def _crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """A bug that nothing caught, said as everything else is: Python would print it with all that stands in it."""
    logging.getLogger("claw_lsp").critical("%s ended this", kind.__name__, exc_info=error)
