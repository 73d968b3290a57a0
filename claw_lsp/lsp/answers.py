"""What the language server answers, once everything is loaded; each message goes to its part of the door."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, cast

from lsprotocol import types

from claw_lsp.engine.house import House
from claw_lsp.facts.fault import HostError
from claw_lsp.facts.settings import Settings
from claw_lsp.lsp import actions, from_lsp, outsiders
from claw_lsp.lsp.client import Client
from claw_lsp.lsp.commands import (
    along,
    comments,
    commits,
    compacting,
    context,
    differences,
    forks,
    hooks,
    mcp,
    memory,
    modes,
    permissions,
    proposals,
    reverting,
    review,
    rewinding,
    sessions,
    sight,
    trust,
    turns,
)
from claw_lsp.lsp.commands.table import TABLE
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.files.own_files import OwnFiles
from claw_lsp.lsp.language.features import ChatLanguage
from claw_lsp.lsp.making import make_door
from claw_lsp.lsp.powers import powers_of
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.uris import filelike, path_of
from claw_lsp.ports.files import Workspace

logger = logging.getLogger(__name__)

ANNOUNCED = (
    along,
    comments,
    commits,
    compacting,
    context,
    differences,
    forks,
    hooks,
    mcp,
    memory,
    modes,
    permissions,
    proposals,
    reverting,
    review,
    rewinding,
    sessions,
    sight,
    trust,
    turns,
)
"""The modules whose import fills the table of commands."""


class Answers:
    """One connection's answers. `said` are the client's initialize parameters as JSON; no client is waited for over
    `longest` seconds."""

    def __init__(
        self, wire: DoorServer, house: House, disk: Workspace, said: dict[str, Any], *, longest: float
    ) -> None:
        self._wire = wire
        self.door = make_door(house, Client(wire, longest), disk, powers_of(said), _folders(said))
        self.language = ChatLanguage(self.door)
        self.own_files = OwnFiles(self.door)
        self._first = _introduced(said.get("initializationOptions"))
        self.door.section = self._first

    async def command(self, name: str, given: tuple[Any, ...]) -> Any:
        # A command may be about a session of an earlier day, or have resumed one: its hunks are there again.
        self.door.review.catch_up(self.door.house.sessions.opened.values())
        answer = await TABLE[name](self.door, given, self._wire.request_id)
        self.door.events.touched()
        self.door.review.catch_up(self.door.house.sessions.opened.values())
        return answer

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        door = self.door
        from_lsp.did_open(door.buffers, params)
        door.later(door.earlier.known(door.homes), "reading what earlier sessions left")

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        from_lsp.did_change(self.door.buffers, params)

    def did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        from_lsp.did_save(self.door.buffers, params)
        if self.door.settings_files.shown(path := path_of(params.text_document.uri)):
            self.door.later(self._settings_changed((path,)), "reading settings that were saved")
        self.door.later(comments.saved(self.door, params.text_document.uri), "looking for comments with AI! or AI?")

    async def files_changed(self, params: types.DidChangeWatchedFilesParams) -> None:
        """The client saw files change; we look ourselves, and so learn it sooner."""
        paths = [path_of(it.uri) for it in params.changes]
        if any(map(self.door.settings_files.is_settings, paths)):
            await self._settings_changed(paths)

    async def _settings_changed(self, paths: Iterable[str]) -> None:
        await self.door.settings_changed(paths)
        await outsiders.follow(self.door)
        await mcp.follow(self.door)

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        from_lsp.did_close(self.door.buffers, params)
        self.door.later(review.closed(self.door, path_of(params.text_document.uri)), "looking at a closed file")

    async def files_renamed(self, params: types.RenameFilesParams) -> None:
        for it in params.files:
            await review.moved(self.door, path_of(it.old_uri), path_of(it.new_uri))

    async def begin(self, params: types.InitializedParams) -> None:
        door = self.door
        door.later(self.door.house.warm(), "warming up")
        door.later(outsiders.follow(door), "sharing the editor")
        door.settings_files.follow(door.house.settings_changes(lambda: door.homes), self._settings_changed)
        door.later(door.clean_up(), "deleting sessions that nobody used for long")
        door.events.touched()
        if door.powers.configuration_registration:
            door.later(_register_configuration(door), "registering for settings")
        if door.powers.configuration:
            door.later(self._read_section(), "reading the editor's settings")

    async def _read_section(self) -> None:
        door = self.door
        try:
            found = await door.editor.ask("workspace/configuration", {"items": [{"section": "claw"}]})
        except HostError as error:
            logger.info("The editor's settings are not known: %s", error)
            return
        if isinstance(found, Sequence) and found and not isinstance(found, str):
            self._set(cast("Sequence[Any]", found)[0])

    def _set(self, section: object) -> None:
        """The editor's section as a whole: what it does not hold any more is as the editor first said."""
        said = cast("dict[str, Any]", section) if isinstance(section, dict) else {}
        self.door.section = {**self._first, **said}
        self.door.settings_files.count_change()
        self.door.later(outsiders.follow(self.door), "sharing the editor")
        self.door.events.touched()

    def actions(self, params: types.CodeActionParams) -> Any:
        """The list, or of a chat one that is soon there."""
        door = self.door
        said = cast("dict[str, Any]", self._wire.said)
        uri, range_ = params.text_document.uri, said["range"]
        door.buffers.saw(uri, from_lsp.position(params.range.start), from_lsp.position(params.range.end))
        path = path_of(uri)
        door.around.touched()
        door.languages.sent(path, said["context"].get("diagnostics"))
        only = said["context"].get("only")
        if door.chats.is_chat(path):
            return self._chat_actions(uri, params.range.start.line, only)
        lines = from_lsp.position(params.range.start), from_lsp.position(params.range.end)
        found = [
            *actions.answers(door.questions.pending, path),
            *door.hunks.actions(path, *lines),
            *door.comments.actions(path, lines[0][0], lines[1][0]),
            *door.rules_pages.actions(path, lines[0][0]),
            *door.window_pages.actions(path, lines[0][0]),
            *door.server_pages.actions(path, lines[0][0]),
            *self.own_files.actions(path, lines[0][0], lines[1][0]),
            *door.hunks.newcomers(path),
            *actions.offered(uri, range_, said["context"]),
        ]
        return self._fitting(found, only)

    async def _chat_actions(self, uri: str, line: int, only: Any) -> list[dict[str, Any]]:
        door, path = self.door, path_of(uri)
        goes_along = await along.shown(door, door.chats.session(uri) or "")
        return self._fitting([*door.chats.actions(path, line, goes_along), *door.hunks.newcomers(path)], only)

    def _fitting(self, found: list[dict[str, Any]], only: Any) -> list[dict[str, Any]]:
        found = [it for it in found if actions.fits(it["kind"], only)]
        return found if self.door.powers.code_action_literals else [it["command"] for it in found if "command" in it]

    async def lenses(self, params: types.CodeLensParams) -> list[dict[str, Any]]:
        door = self.door
        path = path_of(params.text_document.uri)
        if door.chats.is_chat(path):
            session = door.chats.session(params.text_document.uri) or ""
            return door.chats.lenses(path, await along.shown(door, session))
        return [
            *door.notices.lenses(door.questions.pending, path),
            *door.hunks.lenses(path),
            *door.comments.lenses(path),
        ]

    def hover(self, params: types.HoverParams) -> Any:
        uri, at = params.text_document.uri, from_lsp.position(params.position)
        return (
            self.language.hover(uri, at)
            or self.own_files.hover(path_of(uri), at)
            or self.door.hunks.hover(path_of(uri), at)
        )

    def completion(self, params: types.CompletionParams) -> Any:
        uri, at = params.text_document.uri, from_lsp.position(params.position)
        return self.own_files.completion(path_of(uri), at) or self.language.completion(uri, at)

    def symbols(self, params: types.DocumentSymbolParams) -> Any:
        return self.language.symbols(params.text_document.uri)

    def folds(self, params: types.FoldingRangeParams) -> Any:
        return self.language.folds(params.text_document.uri)

    def links(self, params: types.DocumentLinkParams) -> Any:
        return self.language.links(params.text_document.uri)

    def folders_changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        door = self.door
        removed = {path_of(it.uri) for it in params.event.removed}
        kept = [it for it in door.folders if it not in removed]
        added = [path_of(it.uri) for it in params.event.added]
        new = [it for it in added if it not in kept and filelike(it)]
        door.folders = (*kept, *new)
        for folder in new:
            door.later(door.watched.added(folder), "telling hooks of a folder that was added")
        door.later(mcp.follow(door), "telling MCP servers of the workspace folders")

    async def configuration_changed(self, params: types.DidChangeConfigurationParams) -> None:
        """Where the editor can be asked it is asked; what it sent along may be only a part of what holds."""
        if self.door.powers.configuration:
            await self._read_section()
        elif (pushed := _pushed(params.settings)) is not None:
            self._set(pushed)

    def progress_cancelled(self, params: types.WorkDoneProgressCancelParams) -> None:
        door = self.door
        run = door.progress.run_of(params.token)
        if run is not None:
            door.runs.call_off(run)

    def editor_state(self, params: Any) -> None:
        """`claw/editorState {uri, selection, visible}`: where the person is, from a shim."""
        if not isinstance(params, dict):
            return
        said = cast("dict[str, Any]", params)
        uri, selection = said.get("uri"), said.get("selection")
        if isinstance(uri, str):
            start, end = _ends(selection)
            self.door.buffers.saw(uri, start, end)
            self.door.around.touched()
        visible = said.get("visible")
        if isinstance(visible, list):
            self.door.buffers.visible = tuple(
                path_of(it) for it in cast("list[object]", visible) if isinstance(it, str)
            )


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


def _introduced(options: object) -> dict[str, Any]:
    """The section `claw` of the initialization options, which may be the section itself."""
    if not isinstance(options, dict):
        return {}
    said = cast("dict[str, Any]", options)
    inner = said.get("claw")
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {k: v for k, v in said.items() if k != "token"}


def _pushed(settings: object) -> dict[str, Any] | None:
    """Our section of what an editor pushes: `claw`, or a flat object of settings we know. None when it holds only what is
    meant for others."""
    if not isinstance(settings, dict):
        return None
    said = cast("dict[str, Any]", settings)
    if "claw" in said:
        inner = said["claw"]
        return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    known = {name: value for name, value in said.items() if name in _NAMES}
    return known or None


_NAMES = frozenset(str(it.alias or name).split(".")[0] for name, it in Settings.model_fields.items()) | {"permissions"}
"""The names that may stand at the top of our section."""


def _ends(selection: object) -> tuple[tuple[int, int], tuple[int, int]]:
    try:
        said = cast("dict[str, Any]", selection)
        start, end = said["start"], said["end"]
        return (int(start["line"]), int(start["character"])), (int(end["line"]), int(end["character"]))
    except (KeyError, TypeError, ValueError):
        return (0, 0), (0, 0)
