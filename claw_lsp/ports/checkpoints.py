"""Files kept as they are, so that they can be brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from claw_lsp.facts.checkpoint import Kept, Taken


class Checkpoints(Protocol):
    """Where the files below the roots of a session are kept, each time under a name of its own. Paths are absolute."""

    async def take(
        self, session: str, roots: Iterable[str], texts: Mapping[str, str], apart: Iterable[str] = ()
    ) -> Taken:
        """Keep every file below the roots; what `texts` holds stands in place of the file on disk. Files and folders in `apart`
        are left out. Never raises: what could not be kept is said. What was asked for first is kept first. The
        oldest of a session go when it has too many."""
        ...

    async def settled(self) -> None:
        """Once all that was asked to be kept before this is kept."""
        ...

    async def changed(self, before: str, after: str) -> tuple[str, ...]:
        """The files that differ between two checkpoints, or are in one of them only. Raises CheckpointError."""
        ...

    async def read(self, checkpoint: str, paths: Iterable[str]) -> Mapping[str, Kept]:
        """These files as they were; one that was not there, or was left out, is not in the answer. Raises CheckpointError."""
        ...

    async def now(self, paths: Iterable[str]) -> Mapping[str, Kept]:
        """These files as the disk has them, links not followed; one that is not there, or is no file, is not in the answer."""
        ...

    async def put(self, path: str, kept: Kept | None, expected: Kept | None) -> bool:
        """Make the file on disk this, whole, or delete it for None. False, and nothing done, where it is not as expected any
        more or cannot be written."""
        ...

    async def tidy(self, paths: Iterable[str], roots: Iterable[str]) -> None:
        """Delete the folders, below these roots, that files which are gone left empty. Never raises."""
        ...

    async def forget(self, sessions: Iterable[str]) -> None:
        """Let the checkpoints of these sessions go. Never raises."""
        ...
