"""The folder of all session logs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from uuid import UUID

from claw_lsp.adapters.interpreter import reading
from claw_lsp.adapters.jsonl import lock
from claw_lsp.adapters.jsonl.files import Files, told_as_log_error
from claw_lsp.adapters.jsonl.index import Index, indexed
from claw_lsp.adapters.jsonl.log import JsonlLog, opened
from claw_lsp.adapters.jsonl.reading import header_of, partial_text, read
from claw_lsp.core.policy.notes import slug
from claw_lsp.core.recall import passages
from claw_lsp.facts.event import FORMAT, Entry
from claw_lsp.facts.fault import LogError
from claw_lsp.facts.past import Passage, Recalled, SessionSummary
from claw_lsp.ports.world import Clock

logger = logging.getLogger(__name__)


MOST_REVIEWED = 32_000_000
"""Bytes of a log that is read again for the review of what it left."""
MOST_FOUND, MOST_PASSAGES, PATIENCE = 50, 5, 3.0
"""Sessions that a search finds, passages of each, and the seconds it may look for more."""
DAY = 86_400.0
ALWAYS_KEPT = 10
"""Sessions of a project, those used last, that are kept however large they are."""


class JsonlArchive:
    """Fills the port `Archive`. `root` is CLAW_HOME; file work is done off the event loop."""

    def __init__(self, root: Path, clock: Clock, files: Files | None = None) -> None:
        self._root = root / "projects"
        self._clock = clock
        self._files = files or Files()

    async def create(self, session: str, folder: str) -> JsonlLog:
        return await asyncio.to_thread(self._create, session, folder)

    async def copy(self, session: str, origin: str, entries: Sequence[Entry]) -> JsonlLog:
        return await asyncio.to_thread(self._copy, session, origin, entries)

    async def open(self, session: str) -> tuple[JsonlLog, tuple[Entry, ...], str]:
        return await asyncio.to_thread(self._open, session)

    async def read(self, session: str) -> tuple[Entry, ...]:
        path = await asyncio.to_thread(self._find, session)
        return (await asyncio.to_thread(read, path))[0]

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        return await asyncio.to_thread(self._list, *((folder,) if folder else ()))

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        return await asyncio.to_thread(self._with_edits, folder, most)

    async def search(self, words: str, folders: Sequence[str]) -> Recalled:
        return await asyncio.to_thread(self._search, words, folders)

    async def delete(self, session: str) -> None:
        await asyncio.to_thread(self._delete, await asyncio.to_thread(self._find, session))

    async def expire(self, before: float) -> tuple[str, ...]:
        return await asyncio.to_thread(self._expire, before)

    async def trim(self, most: int) -> tuple[str, ...]:
        return await asyncio.to_thread(self._trim, most)

    def _copy(self, session: str, origin: str, entries: Sequence[Entry]) -> JsonlLog:
        """A copy that cannot be written whole is not left behind."""
        folder = str(header_of(self._find(origin)).get("folder", ""))
        return self._begun(session, folder, entries, {"forked_from": origin})

    def _create(self, session: str, folder: str) -> JsonlLog:
        return self._begun(session, folder, (), {})

    def _begun(self, session: str, folder: str, entries: Sequence[Entry], more: Mapping[str, str]) -> JsonlLog:
        """A new log with its header and these entries, or none at all."""
        path = self._root / slug(folder) / f"{_checked(session)}.jsonl"
        with told_as_log_error(path):
            self._files.make_folder(path.parent)
            descriptor = self._files.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        log: JsonlLog | None = None
        header = {"format": FORMAT, "session": session, "folder": folder, "created": self._clock.now(), **more}
        try:
            lock.take(self._files, descriptor, path)
            log = JsonlLog(self._files, path, descriptor, self._clock, n_entries=0)
            log.write_line(json.dumps(header))
            log.write_all(entries)
        except LogError:
            lock.let_go(self._files, descriptor, path)
            with told_as_log_error(path):
                self._files.remove(path)
            raise
        return log

    def _open(self, session: str) -> tuple[JsonlLog, tuple[Entry, ...], str]:
        path = self._find(session)
        descriptor = opened(self._files, path)
        try:
            with reading():
                entries, whole = read(path)
            if whole < path.stat().st_size:
                with told_as_log_error(path):
                    self._files.cut(descriptor, whole)
            partial = partial_text(path.with_suffix(".partial"), entries)
        except BaseException:
            lock.let_go(self._files, descriptor, path)
            raise
        return JsonlLog(self._files, path, descriptor, self._clock, n_entries=len(entries)), entries, partial

    def _find(self, session: str) -> Path:
        found = sorted(self._root.glob(f"*/{_checked(session)}.jsonl"))
        if not found:
            raise LogError(f"There is no session {session}. `claw-lsp sessions list` shows those there are.")
        return found[0]

    def _with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        logs = [(it.stat(), it) for it in self._root.glob(f"{slug(folder)}/*.jsonl")]
        newest = sorted(logs, key=lambda it: it[0].st_mtime, reverse=True)[:most]
        small = (it for about, it in newest if about.st_size <= MOST_REVIEWED)
        indexes = ((it, index) for it in small if (index := self._index(it)))
        edited = (it for it, index in indexes if index.summary.has_edits and index.folder == folder)
        return tuple(it.stem for it in edited if not lock.is_held(it))

    def _list(self, *folders: str) -> tuple[SessionSummary, ...]:
        """Newest first; of all folders if none is named."""
        patterns = {f"{slug(it)}/*.jsonl" for it in folders} or {"*/*.jsonl"}
        with reading():
            logs = [(it, index) for one in patterns for it in self._root.glob(one) if (index := self._index(it))]
        kept = [_summary(it, index) for it, index in logs if not folders or index.folder in folders]
        return tuple(sorted(kept, key=lambda it: it.updated, reverse=True))

    def _index(self, path: Path) -> Index | None:
        try:
            return indexed(self._files, path)
        except LogError as error:
            logger.warning("Left out: %s", error)
            return None

    def _search(self, words: str, folders: Sequence[str]) -> Recalled:
        found: list[tuple[SessionSummary, tuple[Passage, ...]]] = []
        until = self._clock.monotonic() + PATIENCE
        listed = self._list(*folders)
        for n, it in enumerate(listed):
            if len(found) == MOST_FOUND or self._clock.monotonic() > until:
                return Recalled(tuple(found), f"The {len(listed) - n} oldest sessions were not looked at.")
            if some := tuple(islice(_passages(Path(it.path), words), MOST_PASSAGES)):
                found.append((it, some))
        return Recalled(tuple(found))

    def _delete(self, path: Path) -> None:
        """The log last: what is left of one that could not be deleted whole can be deleted again."""
        descriptor = opened(self._files, path)
        try:
            with told_as_log_error(path):
                for suffix in (".partial", ".index", ".jsonl"):
                    self._files.remove(path.with_suffix(suffix))
        finally:
            lock.let_go(self._files, descriptor, path)

    def _expire(self, before: float) -> tuple[str, ...]:
        if not self._is_due(".expired"):
            return ()
        old = [it for it in self._root.glob("*/*.jsonl") if (about := _about(it)) and about.st_mtime < before]
        return tuple(it.stem for it in old if self._cleaned(it))

    def _trim(self, most: int) -> tuple[str, ...]:
        if not self._is_due(".trimmed"):
            return ()
        return tuple(gone for it in self._root.iterdir() if it.is_dir() for gone in self._trimmed(it, most))

    def _trimmed(self, project: Path, most: int) -> Iterator[str]:
        """What goes of one project, the session used longest ago first."""
        known = [(about, it) for it in project.glob("*.jsonl") if (about := _about(it))]
        size = sum(about.st_size for about, _ in known)
        newest_first = sorted(known, key=lambda it: it[0].st_mtime, reverse=True)
        for about, path in reversed(newest_first[ALWAYS_KEPT:]):
            if size <= most:
                return
            if self._cleaned(path):
                size -= about.st_size
                yield path.stem

    def _is_due(self, name: str) -> bool:
        """Whether this was not done today; it counts as done from here on. The mark's time says when it was done last, by
        whichever process."""
        mark, now = self._root / name, self._clock.now()
        try:
            if mark.exists() and 0 <= now - mark.stat().st_mtime < DAY:
                return False
            self._files.close(self._files.open(mark, os.O_WRONLY | os.O_CREAT))
            os.utime(mark, (now, now))
        except OSError as error:
            logger.info("No session is cleaned up: %s", error)
            return False
        return True

    def _cleaned(self, path: Path) -> bool:
        """Whether the session could be deleted; one that cannot be now is left."""
        try:
            if path.stem == _checked(path.stem):
                self._delete(path)
                return True
        except (LogError, OSError) as error:
            logger.info("Not cleaned up: %s", error)
        return False


def _about(path: Path) -> os.stat_result | None:
    """None for a file that is gone meanwhile."""
    with suppress(OSError):
        return path.stat()
    return None


def _checked(session: str) -> str:
    """The id, if it is a UUID as we write them: nothing else ever reaches a path."""
    try:
        if str(UUID(session)) == session:
            return session
    except ValueError:
        pass
    raise LogError(f"{session!r} is no session id: expected a UUID, as `claw-lsp sessions list` shows them.")


def _summary(path: Path, index: Index) -> SessionSummary:
    summary = index.summary
    return SessionSummary(
        session=path.stem,
        path=str(path),
        folder=index.folder,
        title=summary.title or summary.first_words,
        model=summary.model,
        started=index.created,
        updated=summary.updated or index.created,
        n_turns=summary.n_turns,
    )


def _passages(path: Path, words: str) -> Iterator[Passage]:
    """Where the words are said in a log; one that does not hold them at all is not taken apart."""
    try:
        # What JSON writes as it is can be looked for in the bytes, whatever its case.
        plain = words.isascii() and words.isprintable() and not set(words) & set('"\\')
        if plain and words.lower().encode() not in path.read_bytes().lower():
            return
        with reading():
            entries, _ = read(path)
    except (LogError, OSError) as error:
        logger.info("Not searched: %s", error)
        return
    yield from passages(entries, words)
