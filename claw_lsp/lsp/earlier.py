"""What earlier sessions of the workspace left to review: it is there again once a document is opened, or hunks are asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from claw_lsp.core.book import Book, folded
from claw_lsp.core.hunks import synced
from claw_lsp.engine.sessions import Sessions
from claw_lsp.facts.fault import LogError, NoSuchFile, ToolError
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.review import Review
from claw_lsp.lsp.uris import filelike
from claw_lsp.ports.files import Workspace

logger = logging.getLogger(__name__)

MOST_SESSIONS = 20
"""How many sessions of a folder are looked at, those used last."""


class Earlier:
    """Invariant: a folder's sessions are read once, one after the other, and none that is open elsewhere."""

    def __init__(self, sessions: Sessions, review: Review, buffers: Buffers, workspace: Workspace) -> None:
        self._sessions = sessions
        self._review = review
        self._buffers = buffers
        self._workspace = workspace
        self._folders: dict[str, asyncio.Task[None]] = {}

    async def known(self, folders: Iterable[str]) -> None:
        """Wait until the review knows what the sessions of these folders left."""
        folders = tuple(folders)
        for folder in folders:
            if folder not in self._folders:
                self._folders[folder] = asyncio.create_task(self._read(folder), name=f"earlier sessions of {folder}")
        # Whoever waits may be cancelled; the reading goes on for the others.
        await asyncio.wait([self._folders[it] for it in folders])

    async def close(self) -> None:
        for task in self._folders.values():
            task.cancel()
        await asyncio.gather(*self._folders.values(), return_exceptions=True)

    async def _read(self, folder: str) -> None:
        for session in await self._sessions.with_edits(folder, MOST_SESSIONS):
            if session in self._sessions.opened:
                continue
            try:
                entries = await self._sessions.entries(session)
            except LogError as error:
                logger.warning("Not reviewed again: %s", error)
                continue
            book = await asyncio.to_thread(folded, entries)
            if _waits(book):
                self._review.recall(session, await self._as_it_is_now(book), entries[-1].n)

    async def _as_it_is_now(self, book: Book) -> Book:
        """The book over the files as they are now; what is gone is not reviewed again, but for files that are proposed."""
        for path, ledger in tuple(book.ledgers.items()):
            text = await self._text(path)
            book = (
                book.without(path) if text is None else book.with_ledger(await asyncio.to_thread(synced, ledger, text))
            )
        for path, ledger in tuple(book.proposals.ledgers.items()):
            text = await self._text(path)
            if text is None and not book.proposals.creates(path):
                book = book.without_proposals(path)
            else:
                book = book.with_proposals(await asyncio.to_thread(synced, ledger, text or ""))
        return book

    async def _text(self, path: str) -> str | None:
        buffer = self._buffers.get(path)
        if buffer is not None or not filelike(path):
            return buffer.text if buffer else None
        try:
            return (await self._workspace.read(path)).text
        except NoSuchFile:
            return None
        except ToolError as error:
            logger.info("Not reviewed again: %s", error)
            return None


def _waits(book: Book) -> bool:
    return any(it.open for it in (*book.ledgers.values(), *book.proposals.ledgers.values()))
