"""One session's log while it is written."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from claw_lsp.adapters.jsonl import lock
from claw_lsp.adapters.jsonl.files import Files, sync_folders, told_as_log_error
from claw_lsp.adapters.jsonl.reading import line_of
from claw_lsp.facts.event import Entry, Event, ModelSpoke
from claw_lsp.facts.fault import SessionHeld
from claw_lsp.ports.world import Clock

logger = logging.getLogger(__name__)


class JsonlLog:
    """Fills the port `Log`.

    Invariant: the first `_size` bytes are whole lines, all that anybody was told is written. What stands behind them is
    left from a write that failed (`_torn`), and is cut off before the next one.
    """

    def __init__(self, files: Files, path: Path, descriptor: int, clock: Clock, *, n_entries: int) -> None:
        self._files = files
        self._path = path
        self._descriptor: int | None = descriptor
        self._clock = clock
        self._n_entries = n_entries
        self._partial: int | None = None
        self._size = self._left = os.fstat(descriptor).st_size
        self._torn = False
        self._is_named = n_entries > 0

    @property
    def path(self) -> str:
        return str(self._path)

    def append(self, event: Event, *, durable: bool = False) -> Entry:
        entry = Entry.model_construct(n=self._n_entries + 1, at=self._clock.now(), event=event)
        self.write_line(line_of(entry), durable=durable)
        self._n_entries += 1
        if isinstance(event, ModelSpoke):
            self._drop_partial()
        return entry

    def write_all(self, entries: Sequence[Entry]) -> None:
        """Entries that are stamped already, numbered from 1, into a log that has none; waits for the disk."""
        for n, entry in enumerate(entries, 1):
            self.write_line(line_of(entry), durable=n == len(entries))
        self._n_entries = len(entries)

    def keep(self, text: str) -> None:
        path = self._path.with_suffix(".partial")
        with told_as_log_error(path):
            if self._partial is None:
                self._partial = self._files.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
                self._files.write(self._partial, f"{self._n_entries + 1}\n".encode())
            self._files.write(self._partial, text.encode("utf-8", "surrogatepass"))

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def close(self) -> None:
        """What was streamed and has no fact stays beside the log: whoever opens it next writes that."""
        if self._partial is not None:
            self._files.close(self._partial)
            self._partial = None
        if self._descriptor is not None:
            self._left = os.fstat(self._descriptor).st_size
            lock.let_go(self._files, self._descriptor, self._path)
            self._descriptor = None

    def write_line(self, line: str, *, durable: bool = False) -> None:
        """Append one line, on the disk if `durable`. Raises LogError, and then it does not count as written."""
        descriptor, data = self._taken(), line.encode() + b"\n"
        with told_as_log_error(self._path):
            self._mend(descriptor)
            self._torn = True
            try:
                self._files.write(descriptor, data)
                if durable:
                    self._sync(descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    self._mend(descriptor)
                raise
            self._torn = False
            self._size += len(data)

    def _mend(self, descriptor: int) -> None:
        if self._torn:
            self._files.cut(descriptor, self._size)
            self._torn = False

    def _sync(self, descriptor: int) -> None:
        """The first time the file's name, too: a log without one is lost with the power."""
        self._files.sync(descriptor)
        if not self._is_named:
            sync_folders(self._files, self._path.parent, self._path.parent.parent)
            self._is_named = True

    def _taken(self) -> int:
        """The file, locked; taken again if it was let go. Raises SessionHeld when it is not as we left it."""
        if self._descriptor is not None:
            return self._descriptor
        descriptor = opened(self._files, self._path)
        if os.fstat(descriptor).st_size != self._left:
            lock.let_go(self._files, descriptor, self._path)
            raise SessionHeld(
                f"Session {self._path.stem} went on in another editor or terminal. Open it anew to go on."
            )
        self._descriptor = descriptor
        return descriptor

    def _drop_partial(self) -> None:
        """What cannot be removed does no harm: its number says that a reply follows."""
        if self._partial is None:
            return
        self._files.close(self._partial)
        self._partial = None
        try:
            self._files.remove(self._path.with_suffix(".partial"))
        except OSError as error:
            logger.info("The partial text of %s stays: %s", self._path, error)


def opened(files: Files, path: Path) -> int:
    """The log's descriptor, locked. Raises LogError."""
    with told_as_log_error(path):
        descriptor = files.open(path, os.O_RDWR | os.O_APPEND)
    try:
        lock.take(files, descriptor, path)
    except BaseException:
        files.close(descriptor)
        raise
    return descriptor
