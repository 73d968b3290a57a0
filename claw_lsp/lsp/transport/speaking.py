"""The half of a connection that speaks: telling the client, asking it, and what becomes of its answers."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from claw_lsp.core.redaction import redacted
from claw_lsp.lsp.transport import messages
from claw_lsp.lsp.transport.hooks import Served, Tap
from claw_lsp.lsp.transport.messages import Answer, Encoder, RequestId
from claw_lsp.lsp.transport.outgoing import Outgoing
from claw_lsp.lsp.transport.structure import what_does_not_fit

logger = logging.getLogger(__name__)

N_FORGOTTEN = 256
FIRST_ID = 1_000_000
"""Ids of ours are numbers, since Vim 9's own LSP channel can answer no others, and far from those that clients give."""


class SpeakingProtocol(LanguageServerProtocol):
    """What pygls' typed senders (`server.text_document_publish_diagnostics` and the like) go through.

    Invariant: a future in `_request_futures` is settled by an answer, by `disconnect` or by `forget`, whichever is first.
    """

    def __init__(self, server: LanguageServer, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self._served = cast("Served", server)  # Only DoorServer has this protocol.
        self._encoder = Encoder(self._serialize_message)
        self._outgoing: Outgoing | None = None
        self._n_asked = 0
        self._forgotten: deque[RequestId] = deque(maxlen=N_FORGOTTEN)
        self._gone: str | None = None
        self.tap: Tap | None = None
        self.position_encoding = types.PositionEncodingKind.Utf16

    def _register_builtin_features(self) -> None:
        """None of pygls': its document handlers raise KeyError for unknown documents and read files."""

    def attach(self, outgoing: Outgoing) -> None:
        """From now on messages go out through `outgoing`."""
        self._outgoing = outgoing

    def disconnect(self, reason: str) -> None:
        """The client answers no more: what it was and will be asked fails. It may still be listening."""
        self._gone = reason
        for future in list(self._request_futures.values()):
            if not future.done():
                future.set_exception(ConnectionResetError(reason))
        self._request_futures.clear()
        self._result_types.clear()

    async def drain(self) -> None:
        """Wait until the client keeps up; raises ConnectionError when it is gone."""
        if self._gone is not None:
            raise ConnectionResetError(self._gone)
        if self._outgoing is not None:
            await self._outgoing.drain()

    def notify(self, method: str, params: Any | None = None) -> None:
        """Tell the client something; `params` is a value of lsprotocol's or plain JSON."""
        self._send({"jsonrpc": "2.0", "method": method} | _given(_said(method, params)))

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: RequestId | None = None,
    ) -> Future[Any]:
        """Ask the client; the future fails with JsonRpcException or ConnectionError. Prefer `client.ask_client`."""
        future: Future[Any] = Future()
        if callback is not None:
            future.add_done_callback(lambda it: None if it.cancelled() or it.exception() else callback(it.result()))
        if self._gone is not None:
            future.set_exception(ConnectionResetError(self._gone))
            return future
        request_id = msg_id if msg_id is not None else self.next_request_id()
        self._request_futures[request_id] = future
        self._result_types[request_id] = self.get_result_type(method)
        try:
            self._send({"jsonrpc": "2.0", "id": request_id, "method": method} | _given(params))
        except Exception:
            self.forget(request_id)
            raise
        return future

    def next_request_id(self) -> RequestId:
        """An id no request of ours had yet."""
        self._n_asked += 1
        return FIRST_ID + self._n_asked

    def forget(self, request_id: RequestId) -> None:
        """Nobody waits for this answer any more; when it comes it is dropped without a word."""
        if self._request_futures.pop(request_id, None) is not None:
            self._result_types.pop(request_id, None)
            self._forgotten.append(request_id)

    def _refuse(self, request_id: RequestId | None, code: int, text: str, data: Any = None) -> None:
        error = {"code": code, "message": redacted(text)} | ({} if data is None else {"data": data})
        self._send({"jsonrpc": "2.0", "id": request_id, "error": error})

    def _send(self, message: dict[str, Any]) -> None:
        if self._outgoing is None:
            logger.debug("nobody is there to be told")
            return
        keep = self.position_encoding == types.PositionEncodingKind.Utf16
        body = self._encoder.encode(message, keep_surrogates=keep)
        if self.tap is not None:
            self.tap("client", body)
        self._outgoing.write(body)

    def _settle(self, answer: Answer) -> None:
        future = self._request_futures.pop(answer.id, None)
        kind = self._result_types.pop(answer.id, None)
        if future is None:
            if answer.id not in self._forgotten:
                logger.warning("the client answered what was not asked, or asked and answered before")
            return
        if future.done():
            return
        if answer.error is not None:
            future.set_exception(_refusal(answer.error))
            return
        try:
            # eglot 1.9 answers null where an object is due: None says that, and the caller knows what it means.
            given = answer.result
            result = given if given is None or kind is None else self._structure_result(answer, kind)
        except Exception as error:
            # pygls 2.1.1 leaves the future pending for ever (test_r12_an_answer_that_does_not_fit_fails_the_ask).
            future.set_exception(JsonRpcException(what_does_not_fit(error, "result"), messages.INVALID_REQUEST))
        else:
            future.set_result(result)

    def _structure_result(self, answer: Answer, kind: Any) -> Any:
        data = {"jsonrpc": "2.0", "id": answer.id, "result": answer.result}
        return self._converter.structure(data, kind).result


def _given(params: Any) -> dict[str, Any]:
    return {} if params is None else {"params": params}


def _said(method: str, params: Any) -> Any:
    """Results and faults for people and for the editor's log, without the credentials that a fault may quote."""
    if method not in _FOR_PEOPLE or not isinstance(params, dict):
        return params
    fields = cast("dict[str, Any]", params)
    return {**fields, "message": redacted(str(fields.get("message", "")))}


_FOR_PEOPLE = frozenset({types.WINDOW_SHOW_MESSAGE, types.WINDOW_LOG_MESSAGE, types.LOG_TRACE})


def _refusal(error: Any) -> JsonRpcException:
    """The client's error as an exception, whatever shape it has."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code, message = fields.get("code"), fields.get("message")
    return JsonRpcException.from_error(
        types.ResponseError(
            code=code if isinstance(code, int) else messages.INTERNAL_ERROR,
            message=message if isinstance(message, str) and message else "the client gave no reason",
            data=fields.get("data"),
        )
    )
