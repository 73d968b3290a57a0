"""Front door 1, the language server: which messages it takes. What answers them is loaded behind the handshake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.lsp.announced import COMMANDS, KINDS
from claw_lsp.lsp.powers import knows
from claw_lsp.lsp.transport.hooks import Hooks, Tap
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.transport.server import DoorServer

if TYPE_CHECKING:
    from claw_lsp.engine.house import House
    from claw_lsp.lsp.answers import Answers
    from claw_lsp.lsp.door import Door
    from claw_lsp.ports.files import Workspace

logger = logging.getLogger(__name__)

REQUEST_FAILED = -32803
"""LSP's code for a request that was understood and could not be carried out."""

OF_CHATS = (
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, "documentSymbol", "symbols"),
    (types.TEXT_DOCUMENT_FOLDING_RANGE, "foldingRange", "folds"),
    (types.TEXT_DOCUMENT_DOCUMENT_LINK, "documentLink", "links"),
)
"""What only chat documents answer; announced to the clients that ask for it by themselves."""

Build = Callable[[], "tuple[House, Workspace]"]
"""Makes what is below the doors, and the plain disk; called once, in a thread, when the handshake is answered."""


class ClawServer:
    """One connection. `answers` is there once the handshake was answered and the rest was loaded; what the client says
    meanwhile waits in the transport. No client is waited for over `longest` seconds. `tap` makes what keeps the messages,
    once the client asks for that by the protocol's own trace."""

    def __init__(
        self, build: Build, version: str, *, longest: float = float("inf"), tap: Callable[[], Tap] | None = None
    ) -> None:
        self._build = build
        self._tap = tap
        self._traced: Tap | None = None
        self._longest = longest
        self._said: dict[str, Any] = {}
        self.answers: Answers | None = None
        hooks = Hooks(explain=explained, on_cancel=self._cancelled, load=self._load, clean_up=self._clean_up)
        self.wire = DoorServer("claw-lsp", version, hooks=hooks)
        self._register()

    @property
    def door(self) -> Door | None:
        """The door, once there is one."""
        return self.answers.door if self.answers else None

    def _introduce(self, params: types.InitializeParams) -> None:
        self._said = cast("dict[str, Any]", self.wire.said)
        self._trace(params.trace)
        for method, feature, name in OF_CHATS:
            if knows(self._said, feature):
                self._takes(method, self._through(name))

    def _set_trace(self, params: types.SetTraceParams) -> None:
        self._trace(params.value)

    def _trace(self, value: types.TraceValue | None) -> None:
        """The protocol's own switch; what the process was started with it does not turn off."""
        protocol = self.wire.protocol
        if value in (types.TraceValue.Messages, types.TraceValue.Verbose):
            if protocol.tap is None and self._tap is not None:
                self._traced = protocol.tap = self._traced or self._tap()
        elif protocol.tap is self._traced:
            protocol.tap = None

    async def _load(self) -> None:
        made, (house, disk) = await asyncio.to_thread(self._loaded)
        self.answers = made(self.wire, house, disk, self._said, longest=self._longest)
        for method, feature, name in OF_CHATS:
            if not knows(self._said, feature):
                # Nobody heard of it, and whoever asks all the same, by a key of the person's, is answered.
                self._takes(method, self._through(name))

    def _loaded(self) -> tuple[type[Answers], tuple[House, Workspace]]:
        from claw_lsp.lsp.answers import Answers

        return Answers, self._build()

    async def _clean_up(self) -> None:
        if self.answers is not None:
            await self.answers.language.close()
            await self.answers.door.close()

    def _cancelled(self, request: RequestId) -> None:
        if self.answers is not None:
            self.answers.door.runs.cancelled(request)

    def _register(self) -> None:
        takes = self._takes
        takes(types.INITIALIZE, self._introduce)
        takes(types.SET_TRACE, self._set_trace)
        takes(types.INITIALIZED, self._through("begin"))
        takes(types.TEXT_DOCUMENT_DID_OPEN, self._through("did_open"))
        takes(types.TEXT_DOCUMENT_DID_CHANGE, self._through("did_change"))
        takes(types.TEXT_DOCUMENT_DID_SAVE, self._through("did_save"))
        takes(types.TEXT_DOCUMENT_DID_CLOSE, self._through("did_close"))
        everything = types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")
        takes(
            types.WORKSPACE_DID_RENAME_FILES,
            self._through("files_renamed"),
            types.FileOperationRegistrationOptions([everything]),
        )
        takes(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._through("folders_changed"))
        takes(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._through("files_changed"))
        takes(types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._through("configuration_changed"))
        takes(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, self._through("progress_cancelled"))
        takes("claw/editorState", self._through("editor_state"))
        kinds = types.CodeActionOptions(code_action_kinds=list(KINDS))
        takes(types.TEXT_DOCUMENT_CODE_ACTION, self._through("actions"), kinds)
        takes(types.TEXT_DOCUMENT_CODE_LENS, self._through("lenses"), types.CodeLensOptions(resolve_provider=False))
        takes(types.TEXT_DOCUMENT_HOVER, self._through("hover"))
        begins = types.CompletionOptions(trigger_characters=["/", "@", '"'])
        takes(types.TEXT_DOCUMENT_COMPLETION, self._through("completion"), begins)
        for name in COMMANDS:
            self.wire.command(name)(partial(self._command, name))

    def _takes(self, method: str, answer: Callable[[Any], Any], options: Any = None) -> None:
        # pygls 2.1 writes attributes on what it registers, which a bound method does not take.
        self.wire.feature(method, options)(partial(answer))

    def _through(self, name: str) -> Callable[[Any], Any]:
        """The answer of this name: looked up when it is asked for, since it is loaded later."""

        def answer(params: Any) -> Any:
            return getattr(self.answers, name)(params)

        return answer

    async def _command(self, name: str, *given: Any) -> Any:
        assert self.answers is not None
        return await self.answers.command(name, given)


def explained(error: Exception) -> JsonRpcException | None:
    """Our exceptions as the client is told of them; None for a bug."""
    match error:
        case BadRequest():
            return JsonRpcInvalidParams(str(error))
        case ClawError():
            return JsonRpcException(str(error), REQUEST_FAILED)
        case _:
            return None
