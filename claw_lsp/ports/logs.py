"""Sessions' logs and where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from claw_lsp.facts.event import Entry, Event
from claw_lsp.facts.past import Recalled, SessionSummary


class Log(Protocol):
    """One session's log, held by one writer."""

    @property
    def path(self) -> str: ...

    def append(self, event: Event, *, durable: bool = False) -> Entry:
        """Stamp and write one line; `durable` waits for the disk. Raises LogError."""
        ...

    def keep(self, text: str) -> None:
        """Add streamed text to the partial file, unsynced, before it is shown. The next ModelSpoke empties the file."""
        ...

    @property
    def held(self) -> bool:
        """Whether the file is open here and locked against other processes."""
        ...

    def close(self) -> None:
        """Let the file go. A later write takes it again; it raises SessionHeld when somebody else went on meanwhile."""
        ...


class Archive(Protocol):
    """Where session logs are kept. Ids are UUIDs; any other text is refused with LogError before it reaches a path."""

    async def create(self, session: str, folder: str) -> Log:
        """A new log with its header line, held by us."""
        ...

    async def copy(self, session: str, origin: str, entries: Sequence[Entry]) -> Log:
        """A new log that begins with these entries of another session, in the same folder; its header says of which."""
        ...

    async def open(self, session: str) -> tuple[Log, tuple[Entry, ...], str]:
        """An existing log to go on with, everything in it, and the text in its partial file. A torn last line is cut
        off. Raises LogError when there is none, when another process holds it, or when it cannot be read."""
        ...

    async def read(self, session: str) -> tuple[Entry, ...]:
        """Everything in a log, whoever holds it. Raises LogError."""
        ...

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        """Newest first; of one home folder or of all."""
        ...

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        """The ids of those of a home folder, of the `most` written last, whose logs hold edits and that nobody holds.
        Logs that are very large are left out."""
        ...

    async def search(self, words: str, folders: Sequence[str]) -> Recalled:
        """Where the words were said in the sessions of these home folders, of all if there are none, in any case. Bounded in
        what is found and in time."""
        ...

    async def delete(self, session: str) -> None:
        """Remove a log and all that is beside it. Raises LogError when there is none, or when somebody holds it."""
        ...

    async def expire(self, before: float) -> tuple[str, ...]:
        """Delete what nobody wrote since and nobody holds, at most once a day on this machine; answers their ids."""
        ...

    async def trim(self, most: int) -> tuple[str, ...]:
        """Delete the sessions used longest ago of each project whose logs take more bytes, at most once a day: none that
        is in use, and none of the last few. The ids of those that went; never raises."""
        ...
