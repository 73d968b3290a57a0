"""pygls' LanguageServer on our protocol: what a door registers its features and commands with."""

from __future__ import annotations

import logging
from typing import Any, Literal, TypeAlias

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.transport.protocol import WireProtocol
from claw_lsp.lsp.transport.structure import make_converter

logger = logging.getLogger(__name__)

PositionEncoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]


class DoorServer(LanguageServer):
    """One connection's server; serves once.

    `feature` and `command` work as in pygls, handlers sync or async, but: documents and folders are not kept by pygls
    (there is no `workspace`), nor progress cancelled by it; a command gets the JSON arguments as they came; `thread()`
    is not supported. Questions to the client go through `client.ask_client`: the typed `…_async` have no time limit.
    """

    protocol: WireProtocol  # pyright: ignore[reportIncompatibleVariableOverride]  the class given below

    def __init__(
        self,
        name: str,
        version: str,
        *,
        hooks: Hooks | None = None,
        text_document_sync_kind: types.TextDocumentSyncKind = types.TextDocumentSyncKind.Incremental,
        notebook_document_sync: types.NotebookDocumentSyncOptions | None = None,
    ) -> None:
        self.hooks = hooks or Hooks()
        self.text_document_sync_kind = text_document_sync_kind
        self.notebook_document_sync = notebook_document_sync
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            name,
            version,
            text_document_sync_kind,
            notebook_document_sync,
            protocol_cls=WireProtocol,
            converter_factory=make_converter,
        )

    @property
    def position_encoding(self) -> PositionEncoding:
        """What positions count, as agreed in `initialize`; utf-16 before."""
        return self.protocol.position_encoding.value

    @property
    def request_id(self) -> RequestId | None:
        """The id of the request being handled, inside its handler; None elsewhere."""
        return self.protocol.msg_id

    @property
    def said(self) -> Any:
        """The params of the request being handled as the JSON that came, inside its handler; None elsewhere."""
        return self.protocol.said

    async def drain(self) -> None:
        """Wait until the client keeps up with what it is sent; raises ConnectionError when it is gone."""
        await self.protocol.drain()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Only logs: pygls 2.1.1 pops up a toast (test_a_failing_notification_shows_no_message)."""
        logger.error("%s", type(error).__name__, exc_info=error)
