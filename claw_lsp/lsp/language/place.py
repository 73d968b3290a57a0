"""Where the paths of a chat lead: what a relative one is below, and what is the workspace's."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from claw_lsp.core.chat.marks import parse
from claw_lsp.lsp.buffers import Buffer
from claw_lsp.lsp.door import Door


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is the session's working directory; with no `roots` nothing is looked at on disk unasked."""

    folder: str
    roots: tuple[str, ...]
    home: str

    def absolute(self, name: str) -> str:
        """Where a path that was written in this chat leads."""
        return posixpath.normpath(posixpath.join(self.folder, self.home + name[1:] if name.startswith("~/") else name))

    def below(self, path: str) -> str:
        """A path as it is written in this chat: relative where it can be, else absolute."""
        return path.removeprefix(self.folder.rstrip("/") + "/")


def place_of(door: Door, buffer: Buffer) -> Place:
    """The place of the document's session; of the one that a first prompt in it would begin."""
    session = door.house.sessions.opened.get(parse(buffer.text).session or "")
    if session is not None:
        return Place(session.state.cwd, session.state.roots, door.house.home)
    home = door.home_for(buffer.uri)
    return Place(home.folder, home.roots, door.house.home)
