"""JSON-RPC and the life cycle of one connection, on top of pygls' features, capabilities and typed senders.

pygls 2.1.1 keeps only: FeatureManager, ServerCapabilitiesBuilder, Progress, and the typed methods of its server. How a
message is read, dispatched, answered and cancelled is done here; tests/wire/test_transport_*.py say why.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from secrets import token_hex
from typing import Any, cast

import cattrs
from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from claw_lsp.lsp.transport import messages
from claw_lsp.lsp.transport.messages import Answer, Malformed, Message, Notification, Request, RequestId
from claw_lsp.lsp.transport.speaking import SpeakingProtocol
from claw_lsp.lsp.transport.structure import structure_what_fits, what_does_not_fit

logger = logging.getLogger(__name__)

Registered = dict[str, Callable[..., Any]]


class Phase(enum.Enum):
    """Where in its life a connection is."""

    NEW = "new"
    STARTING = "starting"
    LOADING = "loading"
    RUNNING = "running"
    SHUT_DOWN = "shut down"


class WireProtocol(SpeakingProtocol):
    """One client's connection.

    Invariant: a request that was read is answered exactly once, unless the connection ends first.
    """

    def __init__(self, server: LanguageServer, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self._features = cast("Registered", self.fm.features)
        self._commands = cast("Registered", self.fm.commands)
        self._ctx_said: contextvars.ContextVar[Any] = contextvars.ContextVar("said", default=None)
        self._phase = Phase.NEW
        self._held: list[Message] = []
        self._running: dict[RequestId, asyncio.Task[Any]] = {}
        self._closing: asyncio.Task[Any] | None = None
        self._noticing: set[asyncio.Task[Any]] = set()
        self.introduced = asyncio.Event()
        self.ended = asyncio.Event()
        self.exit_code = 0

    # ---- the connection

    def finish(self, exit_code: int) -> None:
        """Let the serving loop end; the first exit code counts."""
        if not self.ended.is_set():
            self.exit_code = exit_code
            self.ended.set()

    def lose(self, reason: str) -> None:
        """The client is gone without an `exit`: an expected end only if it had asked for `shutdown`."""
        self.disconnect(reason)
        if self.ended.is_set():
            return
        self.finish(0 if self.was_shut_down else 1)
        if self.was_shut_down:
            return
        logger.error("the connection is lost: %s", reason)
        try:
            self._served.hooks.on_lost(reason)
        except Exception as error:
            self._report("on_lost", error)

    async def wait_shut_down(self) -> None:
        """Returns when no `shutdown` waits for its answer: `exit` may be right behind it."""
        if self._closing is not None:
            await asyncio.wait([self._closing])

    @property
    def said(self) -> Any:
        """The params of the request being handled, as the JSON that came: what lsprotocol 2025 structures does not
        always turn back into JSON (test_every_recorded_client_is_introduced)."""
        return self._ctx_said.get()

    @property
    def was_shut_down(self) -> bool:
        """True when the client announced its end."""
        return self._phase is Phase.SHUT_DOWN

    # ---- coming in

    def receive(self, body: bytes) -> None:
        """Act on one body; never raises, for then nothing more would be read."""
        if self.tap is not None:
            self.tap("server", body)
        try:
            self.accept(messages.read_message(body))
        except Exception as error:
            self._report("a message", error)

    def accept(self, message: Message) -> None:
        """Act on one message; what comes while `initialize` is being answered waits for that."""
        match message:
            case Request(method=method) | Notification(method=method) if self._waits(method):
                self._held.append(message)
            case Request():
                self._begin(message)
            case Notification():
                self._notice(message)
            case Answer():
                self._settle(message)
            case Malformed():
                logger.error("the client sent what is no message: %s", message.text)
                self._refuse(message.id, message.code, message.text)

    def _waits(self, method: str) -> bool:
        """Whether a message of the client's has to wait: for the answer to `initialize`, then for what answers the rest.

        `exit` does not wait for an answer that may not come, but for the loading: a `shutdown` may be before it.
        """
        return self._phase is Phase.LOADING or (self._phase is Phase.STARTING and method != types.EXIT)

    def _begin(self, request: Request) -> None:
        """Start what answers a request; the answer follows, now or later."""
        if request.id in self._running:
            self._refuse(request.id, messages.INVALID_REQUEST, "id: already in use")
            return
        if problem := self._out_of_turn(request.method):
            self._refuse(request.id, *problem)
            return
        handler = self._handler_of(request.method)
        if handler is None:
            self._refuse(request.id, messages.METHOD_NOT_FOUND, f"{request.method[:100]}: no such method")
            return
        try:
            params = self._structure_params(request.method, request.params)
        except JsonRpcException as error:
            self._refuse(request.id, error.code, error.message)
            return
        self._start(request, handler, params)

    def _start(self, request: Request, handler: Callable[[Any], Any], params: Any) -> None:
        context = contextvars.copy_context()
        context.run(self._ctx_msg_id.set, request.id)
        context.run(self._ctx_said.set, request.params)
        try:
            result = context.run(handler, params)
        except Exception as error:
            self._fail(request, error)
            return
        if not inspect.isawaitable(result):
            self._answer(request, result)
            return
        task = asyncio.get_running_loop().create_task(_awaited(result), context=context)
        self._running[request.id] = task
        if request.method == types.SHUTDOWN:
            self._closing = task
        task.add_done_callback(partial(self._conclude, request))

    def _conclude(self, request: Request, task: asyncio.Task[Any]) -> None:
        if self._running.get(request.id) is not task:
            # Cancelled, and answered then; a late failure is only of interest to developers.
            if not task.cancelled() and (error := task.exception()):
                logger.debug("%s failed after it was cancelled", request.method, exc_info=error)
            return
        del self._running[request.id]
        error = None if task.cancelled() else task.exception()
        if request.method == types.INITIALIZE:
            self._phase = Phase.NEW if task.cancelled() or error else Phase.LOADING
        if task.cancelled():
            self._refuse(request.id, messages.CANCELLED, "cancelled")
        elif error:
            self._fail(request, error)
        else:
            self._answer(request, task.result())
        if self._phase is Phase.LOADING:
            loading = asyncio.get_running_loop().create_task(self._load(), name="loading")
            self._noticing.add(loading)
            loading.add_done_callback(self._noticing.discard)
        elif request.method == types.INITIALIZE:
            self._release()

    def _out_of_turn(self, method: str) -> tuple[int, str] | None:
        match self._phase:
            case Phase.NEW | Phase.STARTING:
                return None if method == types.INITIALIZE else (messages.NOT_INITIALIZED, "initialize comes first")
            case Phase.RUNNING | Phase.LOADING if method == types.INITIALIZE:
                return messages.INVALID_REQUEST, "already initialized"
            case Phase.RUNNING | Phase.LOADING:
                return None
            case Phase.SHUT_DOWN:
                return messages.INVALID_REQUEST, "the server was shut down"

    def _handler_of(self, method: str) -> Callable[[Any], Any] | None:
        own: Registered = {types.INITIALIZE: self._initialize, types.SHUTDOWN: self._shut_down}
        if method == types.WORKSPACE_EXECUTE_COMMAND:
            return self._features.get(method, self._execute)
        return own.get(method) or self._features.get(method)

    def _structure_params(self, method: str, params: Any) -> Any:
        """Typed params where lsprotocol knows the method, JSON where not; raises JsonRpcInvalidParams."""
        kind = types.METHOD_TO_TYPES.get(method, (None, None, None))[2]
        if kind is None:
            return params
        if not isinstance(params, dict | None):
            raise JsonRpcInvalidParams("params: expected an object")
        given = cast("dict[str, Any]", params or {})
        try:
            if method == types.INITIALIZE:
                return structure_what_fits(self._converter, given, kind)
            return self._converter.structure(given, kind)
        except Exception as error:
            raise JsonRpcInvalidParams(what_does_not_fit(error, "params")) from error

    # ---- notifications

    def _notice(self, notification: Notification) -> None:
        if notification.method == types.EXIT:
            self.disconnect("the editor said exit")
            self.finish(0 if self.was_shut_down else 1)
            return
        if notification.method == types.CANCEL_REQUEST:
            self._cancel(notification.params)
            return
        handler = self._features.get(notification.method)
        if self._phase is not Phase.RUNNING or handler is None:
            logger.debug("ignored %r", notification.method[:100])
            return
        try:
            result = handler(self._structure_params(notification.method, notification.params))
        except Exception as error:
            self._report(notification.method, error)
            return
        if inspect.isawaitable(result):
            task = asyncio.get_running_loop().create_task(_awaited(result))
            self._noticing.add(task)
            task.add_done_callback(partial(self._noticed, notification.method))

    def _noticed(self, method: str, task: asyncio.Task[Any]) -> None:
        self._noticing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._report(method, error)

    def _cancel(self, params: Any) -> None:
        """Answer a cancelled request at once, stop its handler, and tell the door, which may have started more."""
        request_id = cast("dict[str, Any]", params).get("id") if isinstance(params, dict) else None
        if request_id is None or not messages.is_request_id(request_id):
            logger.warning("the client cancelled nothing")
            return
        task = self._running.pop(request_id, None)
        if task is not None:
            self._refuse(request_id, messages.CANCELLED, "cancelled")
            task.cancel()
        try:
            self._served.hooks.on_cancel(request_id)
        except Exception as error:
            self._report(types.CANCEL_REQUEST, error)

    # ---- answering

    def _answer(self, request: Request, result: Any) -> None:
        try:
            self._send({"jsonrpc": "2.0", "id": request.id, "result": result})
        except Exception as error:
            self._fail(request, error)

    def _fail(self, request: Request, error: BaseException) -> None:
        """Answer a request whose handler raised; what we did not raise on purpose is not described to the client."""
        known = error if isinstance(error, JsonRpcException) else self._explained(error)
        if known is None:
            id_ = self._report(request.method, error)
            text = f"{request.method[:100]}: internal error ({type(error).__name__}); the server's log says more under {id_}"
            self._refuse(request.id, messages.INTERNAL_ERROR, text)
        else:
            self._refuse(request.id, known.code, known.message, known.data)

    def _explained(self, error: BaseException) -> JsonRpcException | None:
        try:
            return self._served.hooks.explain(error) if isinstance(error, Exception) else None
        except Exception as second:
            self._report("explain", second)
            return None

    def _report(self, method: str, error: BaseException) -> str:
        """Log a bug; the id of its line, by which it is found."""
        id_ = token_hex(4)
        logger.error("%s failed (%s)", method[:100], id_, exc_info=error)
        return id_

    # ---- what every server answers

    def _initialize(self, params: types.InitializeParams) -> Awaitable[types.InitializeResult]:
        self._phase = Phase.STARTING
        return self._introduce(params)

    async def _introduce(self, params: types.InitializeParams) -> types.InitializeResult:
        self._served.process_id = params.process_id
        self.introduced.set()
        self.client_capabilities = params.capabilities
        chosen = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.position_encoding = types.PositionEncodingKind(chosen)
        if (handler := self._features.get(types.INITIALIZE)) is not None:
            await _awaited(handler(params))
        self.server_capabilities = ServerCapabilitiesBuilder(
            self.client_capabilities,
            set(self._features),
            cast("dict[str, Any]", self.fm.feature_options),
            list(self._commands),
            self._served.text_document_sync_kind,
            self._served.notebook_document_sync,
            self.position_encoding,
        ).build()
        return types.InitializeResult(capabilities=self.server_capabilities, server_info=self.server_info)

    async def _load(self) -> None:
        """Load what answers everything else; without it there is nothing to serve."""
        try:
            await self._served.hooks.load()
        except Exception as error:
            self._report("loading", error)
            self.finish(1)
            return
        self._phase = Phase.RUNNING
        self._release()

    def _release(self) -> None:
        """Go on with what came meanwhile."""
        held, self._held = self._held, []
        for message in held:
            self.accept(message)

    def _shut_down(self, _: Any) -> Awaitable[None]:
        self._phase = Phase.SHUT_DOWN
        return self._wind_down()

    async def _wind_down(self) -> None:
        if (handler := self._features.get(types.SHUTDOWN)) is not None:
            await _awaited(handler(None))
        for task in self._running.values():
            if task is not asyncio.current_task():
                task.cancel()

    def _execute(self, params: types.ExecuteCommandParams) -> Any:
        handler = self._commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams("command: no such command")
        return handler(*(params.arguments or ()))


async def _awaited(result: Awaitable[Any] | Any) -> Any:
    return await result if inspect.isawaitable(result) else result
