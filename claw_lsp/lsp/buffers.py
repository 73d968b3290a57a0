"""The documents the editor holds open, exactly as it told of them: no newline is translated, no line is invented."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp.uris import path_of

logger = logging.getLogger(__name__)

Position = tuple[int, int]
"""Line and character, in the units of the negotiated encoding."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One content change as the client sent it: `start` and `end` are None when `text` is all of the text."""

    text: str
    start: Position | None = None
    end: Position | None = None


@dataclass(frozen=True, slots=True)
class Buffer:
    """One open document. `disk` is the text its file is known to have, None when that is not known.

    Invariant: while `safe` is False the client's text may differ from ours; only reading is allowed.
    """

    uri: str
    path: str
    language: str
    version: int
    index: LineIndex
    safe: bool = True
    disk: str | None = None

    @property
    def text(self) -> str:
        return self.index.text

    @property
    def dirty(self) -> bool:
        """Whether the editor's text is known to differ from its file's."""
        return self.disk is not None and self.disk != self.text


@dataclass(frozen=True, slots=True)
class Opened:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One content change; `edit` is None when the client sent the whole text."""

    path: str
    version: int
    before: str
    after: str
    edit: TextEdit | None

    @property
    def edits(self) -> tuple[TextEdit, ...]:
        """What was done to `before`, in code points; worked out from the texts where the client did not say."""
        return (self.edit,) if self.edit else minimal_edits(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Saved:
    path: str


@dataclass(frozen=True, slots=True)
class Closed:
    path: str


Happening: TypeAlias = Opened | Changed | Saved | Closed
Watcher = Callable[[Happening], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """Where the person was last known to be: for commands that come without arguments."""

    path: str
    start: Position = (0, 0)
    end: Position = (0, 0)


class Buffers:
    """Every open document by path. All methods are to be called in the order in which the client's messages came.

    `latest` is the last place anybody named, `seen` the last that commands without arguments are about: `overlooks` says
    of which documents they never are, such as chats. `visible` are the paths that the person has before them, as far as a
    shim says so.

    Invariant: watchers hear of every change, one content change at a time, after it was made.
    """

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self.seen: Seen | None = None
        self.latest: Seen | None = None
        self.visible: tuple[str, ...] = ()
        self.overlooks: Callable[[str], bool] = lambda path: False
        self._buffers: dict[str, Buffer] = {}
        self._watchers: list[Watcher] = []

    def get(self, path: str) -> Buffer | None:
        return self._buffers.get(path)

    def all(self) -> tuple[Buffer, ...]:
        return tuple(self._buffers.values())

    # ---- what the client tells ------------------------------------------------------------------------------------

    def open(self, uri: str, language: str, version: int, text: str) -> None:
        """didOpen; a document that was open already begins anew."""
        path = path_of(uri)
        self._buffers[path] = Buffer(uri, path, language, version, LineIndex(text))
        self._tell(Opened(path, text))
        self._see(Seen(path))

    def change(self, uri: str, version: int | None, pieces: Sequence[Piece]) -> None:
        """didChange. A document that is not open is left alone: VS Code sends changes after didClose.

        An incremental change for an older version makes the buffer unsafe until the whole text comes; so does a range
        that ends before it begins.
        """
        path = path_of(uri)
        buffer = self._buffers.get(path)
        if buffer is None:
            logger.debug("a change of a document that is not open: %s", uri)
            return
        version = buffer.version if version is None else version
        older = version < buffer.version
        for piece in pieces:
            buffer = self._made(buffer, version, piece, older=older)
        if self.latest is None or self.latest.path != path:
            self._see(Seen(path))

    def save(self, uri: str, text: str | None = None) -> None:
        """didSave: what the buffer holds (or `text`, where the client sends it) is on disk now."""
        path = path_of(uri)
        buffer = self._buffers.get(path)
        if buffer is not None:
            self._buffers[path] = replace(buffer, disk=buffer.text if text is None else text)
        self._tell(Saved(path))

    def close(self, uri: str) -> None:
        """didClose; tolerates a document that is not open."""
        path = path_of(uri)
        if self._buffers.pop(path, None) is not None:
            self._tell(Closed(path))

    def saw(self, uri: str, start: Position = (0, 0), end: Position | None = None) -> None:
        """The person was at this place: some request named it."""
        self._see(Seen(path_of(uri), start, start if end is None else end))

    # ---- what others ask ------------------------------------------------------------------------------------------

    def on_disk(self, path: str, text: str | None) -> None:
        """What the file holds was just read; None when there is no file."""
        buffer = self._buffers.get(path)
        if buffer is not None:
            self._buffers[path] = replace(buffer, disk=text)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` for everything that happens from now on; answers the function that ends this."""
        self._watchers.append(watcher)

        def end() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return end

    async def changed(self, path: str) -> Happening:
        """The next thing that happens to this document."""
        happened: asyncio.Future[Happening] = asyncio.get_running_loop().create_future()

        def hear(it: Happening) -> None:
            if it.path == path and not happened.done():
                happened.set_result(it)

        end = self.watch(hear)
        try:
            return await happened
        finally:
            end()

    def _see(self, place: Seen) -> None:
        self.latest = place
        if not self.overlooks(place.path):
            self.seen = place

    def _made(self, buffer: Buffer, version: int, piece: Piece, *, older: bool) -> Buffer:
        edit = None
        safe = True
        if piece.start is None or piece.end is None:
            index = buffer.index.replaced(piece.text)
        else:
            edit = self._edit(buffer, piece.start, piece.end, piece.text)
            index = buffer.index.spliced(edit)
            safe = buffer.safe and not older and piece.start <= piece.end
        if buffer.safe and not safe:
            logger.warning("version %d after %d: edits wait for the whole text", version, buffer.version)
        after = replace(buffer, version=version, index=index, safe=safe)
        self._buffers[buffer.path] = after
        self._tell(Changed(buffer.path, version, buffer.text, after.text, edit))
        return after

    def _edit(self, buffer: Buffer, start: Position, end: Position, text: str) -> TextEdit:
        first = buffer.index.offset(*start, self.encoding)
        return TextEdit(first, max(first, buffer.index.offset(*end, self.encoding)), text)

    def _tell(self, happening: Happening) -> None:
        for watcher in tuple(self._watchers):
            watcher(happening)
