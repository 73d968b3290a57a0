"""Which instructions hold: looked up once, and again when a file or folder that was looked at is not as it was."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claw_lsp.facts.instructions import Around, FoundInstructions, Instructions
from claw_lsp.facts.trust import Item

if TYPE_CHECKING:
    from claw_lsp.adapters.instructions import Guide, Looked, Sources

logger = logging.getLogger(__name__)

MOST_KEPT = 500
"""How many looks are remembered."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a file's time tells every later change: what was changed just before a look may be changed again
without its time saying so, on file systems that count in seconds."""


class FolderGuidance:
    """Fills the port `Guidance`. `sources` is made in a thread, when something is first looked for."""

    def __init__(self, sources: Callable[[], Sources]) -> None:
        self._sources = sources
        self._kept: dict[Hashable, _Kept] = {}
        self.n_looks = 0
        """How often the disk was searched."""

    async def beginning(self, around: Around) -> FoundInstructions:
        return (await asyncio.to_thread(self._look, None, around)).found

    def outside(self, around: Around) -> tuple[Item, ...]:
        """The imports from elsewhere that wait for the person's word. Reads the disk where something changed."""
        return self._look(None, around).outside

    async def for_files(self, paths: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        return await asyncio.to_thread(self._for_files, tuple(paths), around)

    async def again(self, files: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        wanted = frozenset(files)
        guides = await asyncio.to_thread(self._guides, wanted, around) if wanted else ()
        return tuple(dict.fromkeys(it.instructions for it in guides if it.instructions.path in wanted))

    def _for_files(self, paths: tuple[str, ...], around: Around) -> tuple[Instructions, ...]:
        by_folder = {folder: self._look(folder, around).guides for folder in dict.fromkeys(map(_folder, paths))}
        return tuple(
            dict.fromkeys(it.instructions for path in paths for it in by_folder[_folder(path)] if it.speaks_of(path))
        )

    def _guides(self, files: frozenset[str], around: Around) -> tuple[Guide, ...]:
        folders = dict.fromkeys(map(_folder, sorted(files)))
        return tuple(guide for folder in folders for guide in self._look(folder, around).guides)

    def _look(self, folder: str | None, around: Around) -> Looked:
        """What holds for files of a folder; None for what holds from the beginning. Two that look at once both look."""
        # Imported here, in the thread: no session begins with it.
        from claw_lsp.adapters.instructions import Looked, below, find

        settings = around.settings
        of_settings = (settings.memory_excludes, settings.auto_memory, settings.memory_directory, settings.restricted)
        key = (folder, around.folder, around.roots, of_settings)
        kept = self._kept.get(key)
        if kept is not None and kept.holds(around.unsaved):
            return kept.looked
        self.n_looks += 1
        began = time.time_ns()
        try:
            sources = self._sources()
            looked = find(sources, around) if folder is None else below(folder, sources, around)
        except OSError as error:
            logger.info("no instructions were looked for around %s: %s", folder or around.folder, error)
            return Looked(FoundInstructions(), (), {})
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = _Kept(looked, began, _texts(around.unsaved, looked))
        return looked


@dataclass(frozen=True, slots=True)
class _Kept:
    """A look, when it began, and the texts of buffers that bore upon it."""

    looked: Looked
    began: int
    texts: Mapping[str, int]

    def holds(self, unsaved: Mapping[str, str]) -> bool:
        """Whether another look would find the same."""
        from claw_lsp.adapters.instructions import signature

        if _texts(unsaved, self.looked) != self.texts:
            return False
        for path, before in self.looked.witnesses.items():
            if signature(path) != before or (before is not None and before[0] > self.began - SETTLED):
                return False
        return True


def _texts(unsaved: Mapping[str, str], looked: Looked) -> dict[str, int]:
    """The buffers that may hold instructions, each by a number for its text; a chat that grows is none."""
    from claw_lsp.adapters.instructions import may_instruct

    return {it: hash(text) for it, text in unsaved.items() if it in looked.witnesses or may_instruct(it)}


def _folder(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"
