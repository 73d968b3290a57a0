"""Symbols by name: from the editor's other language servers where the client can ask them, else told from the text."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Iterator

from claw_lsp.core.definitions import definitions, likeness, search_pattern
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.search import FoundFile, Query
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.ports.files import Search
from claw_lsp.ports.languages import Symbol

logger = logging.getLogger(__name__)

MOST = 100
"""Symbols of one answer."""
SECONDS = 4.0
"""How long a folder is searched."""


class WrittenSymbols:
    """Fills `Symbols` from what stands in files, and in the buffers in place of their files."""

    def __init__(self, search: Callable[[], Search], buffers: Buffers) -> None:
        self._search = search
        self._buffers = buffers

    async def find(self, query: str, folders: tuple[str, ...]) -> tuple[Symbol, ...]:
        if not query.strip():
            return ()
        files = [file for folder in folders for file in await self._files(query, folder)]
        return await asyncio.to_thread(self._best, query, folders, files)

    async def _files(self, query: str, folder: str) -> tuple[FoundFile, ...]:
        try:
            # Made in a thread: importing it for the first time reads many files.
            search = await asyncio.to_thread(self._search)
            async with asyncio.timeout(SECONDS):
                return (await search.matches(Query(search_pattern(query)), folder)).files
        except (ClawError, TimeoutError) as error:
            logger.info("the definitions below %s are not known: %r", folder, error)
            return ()

    def _best(self, query: str, folders: tuple[str, ...], files: Iterable[FoundFile]) -> tuple[Symbol, ...]:
        found = sorted(self._found(query, folders, files), key=lambda it: likeness(it, query))
        return tuple(found[:MOST])

    def _found(self, query: str, folders: tuple[str, ...], files: Iterable[FoundFile]) -> Iterator[Symbol]:
        open_here = [it for it in self._buffers.all() if inside(it.path, folders)]
        hidden = {it.path for it in open_here}
        for file in {it.path: it for it in files}.values():
            if file.path not in hidden and not secret(file.path):
                yield from definitions(file.path, ((it.number, it.text) for it in file.lines), query)
        for buffer in open_here:
            yield from definitions(buffer.path, enumerate(_LINE_END.split(buffer.text), 1), query)


_LINE_END = re.compile(r"\r\n?|\n")
