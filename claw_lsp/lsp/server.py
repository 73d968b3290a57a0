"""Front door 1, the language server: which messages it takes, and which part of the door answers each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from claw_lsp.engine.house import House
from claw_lsp.facts.event import Entry
from claw_lsp.facts.fault import BadRequest, ClawError, HostError
from claw_lsp.facts.question import Question
from claw_lsp.lsp import actions, completion, from_lsp
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.chat import Chats, Desk
from claw_lsp.lsp.client import Client
from claw_lsp.lsp.commands import modes, sight, slash, turns
from claw_lsp.lsp.commands.table import TABLE, Command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import Messages
from claw_lsp.lsp.notices import Notices
from claw_lsp.lsp.powers import Powers, powers_of
from claw_lsp.lsp.progress import Progress
from claw_lsp.lsp.questions import Questions
from claw_lsp.lsp.runs import Runs
from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.uris import filelike, path_of
from claw_lsp.lsp.views import Views
from claw_lsp.lsp.workspace import EditorWorkspace
from claw_lsp.ports import Workspace

logger = logging.getLogger(__name__)

ANNOUNCED = (modes, sight, turns)
"""The modules whose import fills the table of commands."""

REQUEST_FAILED = -32803
"""LSP's code for a request that was understood and could not be carried out."""


class ClawServer:
    """One connection. `door` is there once the client introduced itself; no client is waited for over `longest` seconds."""

    def __init__(self, house: House, disk: Workspace, version: str, *, longest: float = float("inf")) -> None:
        self.house = house
        self.disk = disk
        self.longest = longest
        self.door: Door | None = None
        hooks = Hooks(explain=explained, on_cancel=self._cancelled, clean_up=self._clean_up)
        self.wire = DoorServer("claw-lsp", version, hooks=hooks)
        self._register()

    # ---- the life of the connection -------------------------------------------------------------------------------

    def _introduce(self, params: types.InitializeParams) -> None:
        said = cast("dict[str, Any]", self.wire.said)
        powers = powers_of(said)
        self.door = make_door(self.house, Client(self.wire, self.longest), self.disk, powers, _folders(said))
        options = said.get("initializationOptions")
        self.door.section = _section(options)

    async def _begin(self, params: types.InitializedParams) -> None:
        door = self._door
        door.later(self.house.warm(), "warming up")
        if door.powers.configuration_registration:
            door.later(_register_configuration(door), "registering for settings")
        if door.powers.configuration:
            door.later(self._read_section(), "reading the editor's settings")

    async def _read_section(self) -> None:
        door = self._door
        try:
            found = await door.editor.ask("workspace/configuration", {"items": [{"section": "claw"}]})
        except HostError as error:
            logger.info("The editor's settings are not known: %s", error)
            return
        if isinstance(found, list) and found and isinstance(found[0], dict):
            door.section = {**door.section, **cast("dict[str, Any]", found[0])}

    async def _clean_up(self) -> None:
        if self.door is not None:
            await self.door.close()
        else:
            await self.house.close()

    def _cancelled(self, request: RequestId) -> None:
        if self.door is not None:
            self.door.runs.cancelled(request)

    @property
    def _door(self) -> Door:
        assert self.door is not None
        return self.door

    # ---- what it takes --------------------------------------------------------------------------------------------

    def _register(self) -> None:
        takes = self._takes
        takes(types.INITIALIZE, self._introduce)
        takes(types.INITIALIZED, self._begin)
        takes(types.TEXT_DOCUMENT_DID_OPEN, self._did(from_lsp.did_open))
        takes(types.TEXT_DOCUMENT_DID_CHANGE, self._did(from_lsp.did_change))
        takes(types.TEXT_DOCUMENT_DID_SAVE, self._did(from_lsp.did_save))
        takes(types.TEXT_DOCUMENT_DID_CLOSE, self._did(from_lsp.did_close))
        takes(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._folders_changed)
        takes(types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._configuration_changed)
        takes(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, self._progress_cancelled)
        takes("claw/editorState", self._editor_state)
        kinds = types.CodeActionOptions(code_action_kinds=list(actions.KINDS))
        takes(types.TEXT_DOCUMENT_CODE_ACTION, self._actions, kinds)
        takes(types.TEXT_DOCUMENT_CODE_LENS, self._lenses, types.CodeLensOptions(resolve_provider=False))
        takes(types.TEXT_DOCUMENT_COMPLETION, self._completion, types.CompletionOptions(trigger_characters=["/"]))
        for command in TABLE.values():
            self.wire.command(command.name)(partial(self._command, command))

    def _takes(self, method: str, answer: Callable[[Any], Any], options: Any = None) -> None:
        # pygls 2.1 writes attributes on what it registers, which a bound method does not take.
        self.wire.feature(method, options)(partial(answer))

    def _did(self, tell: Callable[[Buffers, Any], None]) -> Callable[[Any], None]:
        return lambda params: tell(self._door.buffers, params)

    async def _command(self, command: Command, *given: Any) -> Any:
        return await command(self._door, given, self.wire.request_id)

    def _actions(self, params: types.CodeActionParams) -> list[dict[str, Any]]:
        door = self._door
        said = cast("dict[str, Any]", self.wire.said)
        uri, range_ = params.text_document.uri, said["range"]
        door.buffers.saw(uri, from_lsp.position(params.range.start), from_lsp.position(params.range.end))
        path = path_of(uri)
        if door.chats.is_chat(path):
            found = door.chats.actions(path)
        else:
            found = [
                *actions.answers(door.questions.pending, path),
                *actions.offered(uri, range_, said["context"]),
            ]
        found = [it for it in found if actions.fits(it["kind"], said["context"].get("only"))]
        return found if door.powers.code_action_literals else [it["command"] for it in found]

    def _lenses(self, params: types.CodeLensParams) -> list[dict[str, Any]]:
        door = self._door
        path = path_of(params.text_document.uri)
        if door.chats.is_chat(path):
            return door.chats.lenses(path)
        return door.notices.lenses(door.questions.pending, path)

    def _completion(self, params: types.CompletionParams) -> dict[str, Any]:
        door = self._door
        buffer = door.buffers.get(path_of(params.text_document.uri))
        if buffer is None or not door.chats.is_chat(buffer.path):
            return {"isIncomplete": False, "items": []}
        return completion.slash(buffer, from_lsp.position(params.position), door.buffers.encoding)

    def _folders_changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        door = self._door
        removed = {path_of(it.uri) for it in params.event.removed}
        kept = [it for it in door.folders if it not in removed]
        added = [path_of(it.uri) for it in params.event.added]
        door.folders = (*kept, *(it for it in added if it not in kept and filelike(it)))

    async def _configuration_changed(self, params: types.DidChangeConfigurationParams) -> None:
        door = self._door
        given = _section(params.settings)
        door.section = {**door.section, **given}
        if door.powers.configuration:
            await self._read_section()

    def _progress_cancelled(self, params: types.WorkDoneProgressCancelParams) -> None:
        door = self._door
        run = door.progress.run_of(params.token)
        if run is not None:
            door.runs.stop(door.runs.get(run))

    def _editor_state(self, params: Any) -> None:
        """`claw/editorState {uri, selection, visible}`: where the person is, from a shim."""
        if not isinstance(params, dict):
            return
        said = cast("dict[str, Any]", params)
        uri, selection = said.get("uri"), said.get("selection")
        if isinstance(uri, str):
            start, end = _ends(selection)
            self._door.buffers.saw(uri, start, end)


def make_door(house: House, editor: Client, disk: Workspace, powers: Powers, folders: tuple[str, ...]) -> Door:
    """The parts of a door, put together for a client with these powers."""
    buffers = Buffers(powers.encoding)
    views = Views(editor, Path(house.claw_home) / "views", shows=powers.show_document)
    workspace = EditorWorkspace(editor, buffers, powers, disk)
    notices = Notices(
        buffers, lambda uri, found: editor.notify("textDocument/publishDiagnostics", {"uri": uri, "diagnostics": found})
    )
    slot: list[Door] = []
    questions = Questions(
        editor,
        show=partial(_show_change, views),
        changed=lambda: _questions_changed(slot),
        answerable=powers.questions,
        side_by_side=powers.toasts,
    )
    chats = Chats(chat_desk(house, editor, buffers, powers, workspace, slot))
    messages = Messages(editor, chats.document, chats.show, toasts=powers.toasts)
    slot.append(
        Door(
            house=house,
            editor=editor,
            powers=powers,
            buffers=buffers,
            workspace=workspace,
            runs=Runs(),
            questions=questions,
            progress=Progress(editor, shown=powers.progress),
            notices=notices,
            chats=chats,
            views=views,
            messages=messages,
            folders=folders,
        )
    )
    return slot[0]


def chat_desk(
    house: House, editor: Client, buffers: Buffers, powers: Powers, workspace: Workspace, slot: list[Door]
) -> Desk:
    """What the chat documents need of a door that `slot` will hold."""

    async def entries(session: str) -> Sequence[Entry]:
        return await house.sessions.entries(session)

    async def begin(session: str | None, words: str, path: str, request: RequestId | None) -> dict[str, Any]:
        door = slot[0]
        found = await door.session_for(session, path, None, None)
        return await turns.send_words(door, found, words, request)

    def running(session: str) -> str | None:
        return next((it.id for it in slot[0].runs.active(session)), None)

    async def configured(home: str) -> str | None:
        return (await slot[0].settings_in(home)).chats_directory

    return Desk(
        editor=editor,
        buffers=buffers,
        powers=powers,
        entries=entries,
        begin=begin,
        running=running,
        slash=slash.table(slot),
        folders=lambda: slot[0].folders,
        configured=configured,
        save=workspace.save,
        now=house.clock.now,
        claw_home=house.claw_home,
    )


def explained(error: Exception) -> JsonRpcException | None:
    """Our exceptions as the client is told of them; None for a bug."""
    match error:
        case BadRequest():
            return JsonRpcInvalidParams(str(error))
        case ClawError():
            return JsonRpcException(str(error), REQUEST_FAILED)
        case _:
            return None


def _questions_changed(slot: list[Door]) -> None:
    slot[0].questions_changed()


async def _show_change(views: Views, question: Question) -> None:
    detail = question.detail if question.document else question.plan.detail
    await views.show(await views.write(question.session, question.document or "change.diff", detail))


async def _register_configuration(door: Door) -> None:
    registration = {
        "id": "claw-configuration",
        "method": "workspace/didChangeConfiguration",
        "registerOptions": {"section": "claw"},
    }
    try:
        await door.editor.ask("client/registerCapability", {"registrations": [registration]})
    except HostError as error:
        logger.info("The editor does not tell when its settings change: %s", error)


def _folders(said: dict[str, Any]) -> tuple[str, ...]:
    """The workspace folders as absolute paths; the root of a client that has only that."""
    folders: list[str] = [it["uri"] for it in said.get("workspaceFolders") or ()]
    if not folders and said.get("rootUri"):
        folders = [said["rootUri"]]
    if not folders and said.get("rootPath"):
        return (said["rootPath"],)
    return tuple(dict.fromkeys(path for it in folders if filelike(path := path_of(it))))


def _section(options: object) -> dict[str, Any]:
    """The section `claw` of what an editor sends, which may be the section itself."""
    if not isinstance(options, dict):
        return {}
    said = cast("dict[str, Any]", options)
    inner = said.get("claw")
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {k: v for k, v in said.items() if k != "token"}


def _ends(selection: object) -> tuple[tuple[int, int], tuple[int, int]]:
    try:
        said = cast("dict[str, Any]", selection)
        start, end = said["start"], said["end"]
        return (int(start["line"]), int(start["character"])), (int(end["line"]), int(end["character"]))
    except (KeyError, TypeError, ValueError):
        return (0, 0), (0, 0)
