"""Files on the plain disk as the tools and the engine ask for them, where no editor is attached."""

from __future__ import annotations

from claw_lsp.adapters.disk.lane import Lane
from claw_lsp.adapters.disk.places import located
from claw_lsp.adapters.disk.reading import read_bytes, read_document, read_window
from claw_lsp.adapters.disk.writing import Written, create_document, write_document
from claw_lsp.core.merge import merged
from claw_lsp.facts.fault import NoSuchFile, StaleDocument
from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.text import Applied, Change, Document
from claw_lsp.ports.files import Window


class DiskWorkspace:
    """Fills `Workspace` and `Windows` over the disk alone. All of it runs in threads: a slow disk holds nobody up."""

    def __init__(self) -> None:
        self._lane = Lane()

    async def read(self, path: str) -> Document:
        return await self._lane.do(read_document, path)

    async def read_bytes(self, path: str, limit: int) -> bytes:
        return await self._lane.do(read_bytes, path, limit)

    async def window(self, path: str, first: int, count: int, width: int) -> Window:
        return await self._lane.do(read_window, path, first, count, width)

    def open_documents(self) -> tuple[Document, ...]:
        return ()

    async def locate(self, path: str) -> PlannedPath:
        return await self._lane.do(located, path)

    async def apply(self, change: Change, label: str) -> Applied:
        return await self._lane.do(apply_on_disk, change)

    def unsaved(self) -> tuple[str, ...]:
        return ()

    @property
    def can_save(self) -> bool:
        return True

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        return ()


def apply_on_disk(change: Change) -> Applied:
    """Make a change to a closed file, merged over what was written to it since it was read.

    Raises StaleDocument when it cannot be merged or the file came or went meanwhile; nothing is written then.
    """
    if change.document is None:
        return _applied(create_document(change.path, change.after), merged_in=False)
    try:
        now = read_document(change.path)
    except NoSuchFile as error:
        raise StaleDocument(f"{change.path} was deleted since it was read. Nothing was written.") from error
    if now.text == change.before:
        return _applied(write_document(now, change.after), merged_in=False)
    text = merged(change.before, change.after, now.text)
    if text is None:
        raise StaleDocument(
            f"{change.path} changed since it was read, in the same place. Nothing was written; read it again."
        )
    return _applied(write_document(now, text), merged_in=True)


def _applied(written: Written, *, merged_in: bool) -> Applied:
    return Applied(written.document, saved=True, merged=merged_in, notice=written.notice)
