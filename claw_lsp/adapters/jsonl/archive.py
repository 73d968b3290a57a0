"""The folder of all session logs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from claw_lsp.adapters.interpreter import reading
from claw_lsp.adapters.jsonl import lock
from claw_lsp.adapters.jsonl.files import Files, told_as_log_error
from claw_lsp.adapters.jsonl.log import JsonlLog, opened
from claw_lsp.adapters.jsonl.reading import check_header, header_of, partial_text, read
from claw_lsp.facts.event import FORMAT, Entry, SessionStarted, Titled, UserSpoke
from claw_lsp.facts.fault import LogError
from claw_lsp.ports import Clock, SessionSummary

logger = logging.getLogger(__name__)


MOST_REVIEWED = 32_000_000
"""Bytes of a log that is read again for the review of what it left."""


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
        return await asyncio.to_thread(self._list, folder)

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        return await asyncio.to_thread(self._with_edits, folder, most)

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
        return tuple(it.stem for about, it in newest if about.st_size <= MOST_REVIEWED and _holds_edits(it, folder))

    def _list(self, folder: str | None) -> tuple[SessionSummary, ...]:
        pattern = f"{slug(folder)}/*.jsonl" if folder else "*/*.jsonl"
        found = [summary for path in self._root.glob(pattern) if (summary := _summary(path))]
        kept = [it for it in found if folder is None or it.folder == folder]
        return tuple(sorted(kept, key=lambda it: it.updated, reverse=True))


def slug(folder: str) -> str:
    """The folder's path as one name: everything but letters and digits becomes a dash; long ones keep their end."""
    return re.sub(r"[^A-Za-z0-9]", "-", folder)[-200:] or "-"


def _checked(session: str) -> str:
    """The id, if it is a UUID as we write them: nothing else ever reaches a path."""
    try:
        if str(UUID(session)) == session:
            return session
    except ValueError:
        pass
    raise LogError(f"{session!r} is no session id: expected a UUID, as `claw-lsp sessions list` shows them.")


def _summary(path: Path) -> SessionSummary | None:
    try:
        entries, _ = read(path)
        header = header_of(path)
    except LogError as error:
        logger.warning("Left out of the list: %s", error)
        return None
    started = [it.event for it in entries if isinstance(it.event, SessionStarted)]
    spoken = [it.event for it in entries if isinstance(it.event, UserSpoke)]
    titles = [it.event.title for it in entries if isinstance(it.event, Titled)]
    return SessionSummary(
        session=path.stem,
        path=str(path),
        folder=str(header.get("folder", "")),
        title=titles[-1] if titles else (spoken[0].text.strip().split("\n")[0][:80] if spoken else ""),
        model=started[-1].model if started else "",
        started=float(header.get("created", 0.0)),
        updated=entries[-1].at if entries else float(header.get("created", 0.0)),
        n_turns=len(spoken),
    )


def _holds_edits(path: Path, folder: str) -> bool:
    """Whether a log of this folder that nobody has open tells of edits; told from its bytes, which is quick."""
    try:
        if lock.is_held(path):
            return False
        with path.open("rb") as file:
            header = file.readline()
            return b'"edited":[{' in file.read() and check_header(path, header).get("folder") == folder
    except (LogError, OSError) as error:
        logger.info("Left out of the review: %s", error)
        return False
