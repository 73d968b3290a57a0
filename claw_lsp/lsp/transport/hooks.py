"""What the protocol needs from above it: functions of the door, and the server that carries them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claw_lsp.lsp.transport.messages import RequestId


def _explain_nothing(error: Exception) -> JsonRpcException | None:
    return None


def _ignore_cancel(request_id: RequestId) -> None:
    return None


def _ignore_loss(reason: str) -> None:
    return None


async def _clean_nothing() -> None:
    return None


async def _load_nothing() -> None:
    return None


Tap = Callable[[Literal["server", "client"], bytes], None]
"""Hears every body with whom it is for; it must be quick and must not raise."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Every hook has a default that does nothing.

    `explain`: the error a client is told for an exception of a handler; None for a bug, which it hears nothing about.
    `on_cancel`: the client cancelled this request, answered or not: stop what it started. Called for every cancel.
    `on_lost`: the connection is gone without a goodbye; asks that are pending have failed already.
    `load`: awaited once when `initialize` was answered; what the client says meanwhile waits, in order.
    `clean_up`: awaited once before the process ends, whatever ended it, for at most `Timing.clean_up` seconds.
    """

    explain: Callable[[Exception], JsonRpcException | None] = _explain_nothing
    on_cancel: Callable[[RequestId], None] = _ignore_cancel
    on_lost: Callable[[str], None] = _ignore_loss
    load: Callable[[], Awaitable[None]] = _load_nothing
    clean_up: Callable[[], Awaitable[None]] = _clean_nothing


class Served(Protocol):
    """The server, as far as its protocol looks at it."""

    process_id: int | None
    hooks: Hooks
    text_document_sync_kind: types.TextDocumentSyncKind
    notebook_document_sync: types.NotebookDocumentSyncOptions | None
