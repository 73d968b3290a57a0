"""Session logs as JSON lines: one file a session, append only, one writer, 0600 in folders of 0700.

`<root>/projects/<slug>/<session>.jsonl` begins with a header line; `<session>.partial` beside it holds streamed text
that has no ModelSpoke yet, behind a line with the number which that fact will have.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from claw_lsp.adapters.private import make_private
from claw_lsp.facts.event import FORMAT, Entry, Event, ModelSpoke, SessionStarted, Titled, UserSpoke
from claw_lsp.facts.fault import LogError, SessionHeld
from claw_lsp.ports import Clock, SessionSummary

logger = logging.getLogger(__name__)


MOST_REVIEWED = 32_000_000
"""Bytes of a log that is read again for the review of what it left."""


class JsonlArchive:
    """Fills the port `Archive`. `root` is CLAW_HOME; file work is done off the event loop."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root / "projects"
        self._clock = clock

    async def create(self, session: str, folder: str) -> JsonlLog:
        return await asyncio.to_thread(self._create, session, folder)

    async def copy(self, session: str, origin: str, entries: Sequence[Entry]) -> JsonlLog:
        return await asyncio.to_thread(self._copy, session, origin, entries)

    async def open(self, session: str) -> tuple[JsonlLog, tuple[Entry, ...], str]:
        return await asyncio.to_thread(self._open, session)

    async def read(self, session: str) -> tuple[Entry, ...]:
        path = await asyncio.to_thread(self._find, session)
        return (await asyncio.to_thread(_read, path))[0]

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        return await asyncio.to_thread(self._list, folder)

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        return await asyncio.to_thread(self._with_edits, folder, most)

    def _copy(self, session: str, origin: str, entries: Sequence[Entry]) -> JsonlLog:
        """A copy that cannot be written whole is not left behind."""
        path = self._find(origin)
        with path.open("rb") as file:
            folder = str(_check_header(path, file.readline()).get("folder", ""))
        log = self._create(session, folder, {"forked_from": origin})
        try:
            log.write_all(entries)
        except LogError:
            log.close()
            Path(log.path).unlink(missing_ok=True)
            raise
        return log

    def _create(self, session: str, folder: str, more: Mapping[str, str] | None = None) -> JsonlLog:
        path = self._root / slug(folder) / f"{_checked(session)}.jsonl"
        try:
            make_private(path.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from error
        _lock(descriptor, path)
        log = JsonlLog(path, descriptor, self._clock, n_entries=0)
        header = {"format": FORMAT, "session": session, "folder": folder, "created": self._clock.now(), **(more or {})}
        log.write_line(json.dumps(header))
        return log

    def _open(self, session: str) -> tuple[JsonlLog, tuple[Entry, ...], str]:
        path = self._find(session)
        descriptor = _opened(path)
        try:
            entries, whole = _read(path)
            if whole < path.stat().st_size:
                os.ftruncate(descriptor, whole)
            partial = _partial(path.with_suffix(".partial"), len(entries) + 1)
        except BaseException:
            os.close(descriptor)
            raise
        return JsonlLog(path, descriptor, self._clock, n_entries=len(entries)), entries, partial

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


class JsonlLog:
    """Fills the port `Log`.

    Invariant: the file ends with a whole line; a write that fails is taken back.
    """

    def __init__(self, path: Path, descriptor: int, clock: Clock, *, n_entries: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self._clock = clock
        self._n_entries = n_entries
        self._partial: int | None = None
        self._size = os.fstat(descriptor).st_size

    @property
    def path(self) -> str:
        return str(self._path)

    def append(self, event: Event, *, durable: bool = False) -> Entry:
        entry = Entry.model_construct(n=self._n_entries + 1, at=self._clock.now(), event=event)
        self.write_line(_line(entry))
        self._n_entries += 1
        if isinstance(event, ModelSpoke):
            self._empty_partial()
        if durable:
            self._sync()
        return entry

    def write_all(self, entries: Sequence[Entry]) -> None:
        """Entries that are stamped already, numbered from 1, into a log that has none; waits for the disk."""
        for entry in entries:
            self.write_line(_line(entry))
        self._n_entries = len(entries)
        self._sync()

    def keep(self, text: str) -> None:
        try:
            if self._partial is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
                self._partial = os.open(self._path.with_suffix(".partial"), flags, 0o600)
                _write_all(self._partial, f"{self._n_entries + 1}\n".encode())
            _write_all(self._partial, text.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise _unwritable(self._path.with_suffix(".partial"), error) from error

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def close(self) -> None:
        self._empty_partial()
        if self._descriptor is not None:
            self._size = os.fstat(self._descriptor).st_size
            os.close(self._descriptor)
            self._descriptor = None

    def write_line(self, line: str) -> None:
        """Append one line; raises LogError, and then the file is as it was."""
        descriptor, data = self._taken(), line.encode() + b"\n"
        try:
            _write_all(descriptor, data)
        except OSError as error:
            os.ftruncate(descriptor, self._size)
            raise _unwritable(self._path, error) from error
        self._size += len(data)

    def _taken(self) -> int:
        """The file, locked; taken again if it was let go. Raises SessionHeld when it is not as we left it."""
        if self._descriptor is not None:
            return self._descriptor
        descriptor = _opened(self._path)
        if os.fstat(descriptor).st_size != self._size:
            os.close(descriptor)
            raise SessionHeld(
                f"Session {self._path.stem} went on in another editor or terminal. Open it anew to go on."
            )
        self._descriptor = descriptor
        return descriptor

    def _sync(self) -> None:
        try:
            os.fsync(self._taken())
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _empty_partial(self) -> None:
        if self._partial is not None:
            os.close(self._partial)
            self._partial = None
            self._path.with_suffix(".partial").unlink(missing_ok=True)


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


def _opened(path: Path) -> int:
    """The log's descriptor, locked."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(path, error) from error
    _lock(descriptor, path)
    return descriptor


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SessionHeld(
            f"Session {path.stem} is open in another editor or terminal. Close it there, or start a new session here."
        ) from error


def _read(path: Path) -> tuple[tuple[Entry, ...], int]:
    """Every entry, and how many bytes of the file they and the header take: a torn last line is not counted."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}.") from error
    lines = list(_lines(data))
    if not lines:
        raise LogError(f"{path} has no header line: it is no session log, or was cut short before anything happened.")
    _check_header(path, lines[0][0])
    entries: list[Entry] = []
    whole = lines[0][1]
    for number, (line, end) in enumerate(lines[1:], 2):
        try:
            entries.append(_entry(line))
        except (ValueError, ValidationError) as error:
            if end == len(data) and number == len(lines):
                logger.warning("The last line of %s is torn and left out", path)
                break
            raise LogError(f"Line {number} of {path} cannot be read. Move the file away to be rid of it.") from error
        whole = end
    return tuple(entries), whole


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each line that ends in a newline, and the offset behind it."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end], end + 1
        start = end + 1


def _check_header(path: Path, line: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(line)
        number = int(header["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(f"{path} does not begin with a header line; it is no session log.") from error
    if number > FORMAT:
        raise LogError(
            f"{path} was written by a newer claw-lsp (format {number}, this one reads up to {FORMAT}). Update it."
        )
    return header


def _line(entry: Entry) -> str:
    try:
        return entry.model_dump_json()
    except ValueError:
        # A lone surrogate in text: JSON can carry it escaped, which pydantic's own writer refuses.
        return json.dumps(entry.model_dump(mode="python"))


def _entry(line: bytes) -> Entry:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return Entry.model_validate(json.loads(line))


def _partial(path: Path, next_number: int) -> str:
    """The text that was shown and has no fact; "" when the fact was written before the crash after all."""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    number, _, text = data.partition(b"\n")
    return text.decode("utf-8", "replace") if number == str(next_number).encode() else ""


def _summary(path: Path) -> SessionSummary | None:
    try:
        entries, _ = _read(path)
        with path.open("rb") as file:
            header = _check_header(path, file.readline())
    except (LogError, OSError) as error:
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
        with path.open("rb") as file:
            # Only to see whether somebody holds it; who takes it in the same instant would find it held.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
            header = file.readline()
            return b'"edited":[{' in file.read() and _check_header(path, header).get("folder") == folder
    except (LogError, OSError) as error:
        logger.info("Left out of the review: %s", error)
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _unwritable(path: Path, error: OSError) -> LogError:
    return LogError(
        f"The session log {path} cannot be written: {error.strerror}. Free some space or fix its permissions."
    )
