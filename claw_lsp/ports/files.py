"""Files as the person sees them, and fast looks at the disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.search import Found, FoundLine, ListedFile, Query
from claw_lsp.facts.text import Applied, Change, Document


class Workspace(Protocol):
    """Files as the person sees them: open buffers over the disk. Paths are absolute."""

    async def read(self, path: str) -> Document:
        """The text of a file or open buffer. Raises NoSuchFile for what is missing, ToolError for a directory, what is
        binary, not a regular file, over the size limit or in an encoding that cannot be kept."""
        ...

    async def read_bytes(self, path: str, limit: int) -> bytes:
        """The bytes on disk. Raises ToolError as `read` does, and when there are more than `limit`."""
        ...

    def open_documents(self) -> tuple[Document, ...]:
        """Every buffer the editor holds open, as it is now."""
        ...

    async def locate(self, path: str) -> PlannedPath:
        """Where an absolute path really leads, links followed, whether or not it exists."""
        ...

    async def apply(self, change: Change, label: str) -> Applied:
        """Make the change, merged over what the person typed since; `label` names its undo step. Confirmed by the
        text afterwards. Raises StaleDocument when it cannot be merged, ToolError when the editor or disk refuses."""
        ...

    def unsaved(self) -> tuple[str, ...]:
        """Paths whose latest change by the agent lives in a buffer only."""
        ...

    @property
    def can_save(self) -> bool:
        """Whether `save` can reach the disk by itself."""
        ...

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Save these; answers those that are still unsaved."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Some lines of a file that cannot be held as a document, line ends left out, long lines cut.

    `first` is the number of the first line, from 1; `more` says that lines follow; `size` is the file's, in bytes;
    `why` is a sentence that says why the file can be looked at but not edited.
    """

    path: str
    lines: tuple[str, ...]
    first: int
    more: bool
    size: int
    why: str


class Windows(Protocol):
    """A look at files on disk that are too large, or in no encoding that could be written back."""

    async def window(self, path: str, first: int, count: int, width: int) -> Window:
        """At most `count` lines from line `first` on, each cut to `width` characters, in bounded memory. Raises ToolError
        for what is missing, a directory, binary or not a regular file."""
        ...


class Search(Protocol):
    """Fast search over files on disk; files that git ignores and the .git folder are left out."""

    async def matches(self, query: Query, path: str) -> Found:
        """What matches in a file, or in all files below a folder. Raises ToolError for a bad pattern, glob or type."""
        ...

    async def matches_in(self, query: Query, text: str) -> tuple[FoundLine, ...]:
        """What matches in this text; glob and type are not looked at."""
        ...

    async def fits(self, path: str, glob: str | None, type: str | None) -> bool:  # noqa: A002
        """Whether a path, relative to the folder searched, is one that glob and type choose."""
        ...

    async def names(self, folder: str, *, ignored: bool = False) -> tuple[str, ...]:
        """The paths of all files below a folder, relative to it, in no order, and nothing looked at but names; with `ignored`
        those too that .gitignore names. Raises ToolError as `files` does."""
        ...

    async def files(self, folder: str, glob: str | None, type: str | None) -> tuple[ListedFile, ...]:  # noqa: A002
        """The files below a folder, in no order. Raises ToolError as `matches` does, and when it takes too long."""
        ...


class Watch(Protocol):
    """Files that change on disk, by whoever's hand."""

    def changes(self, files: Callable[[], Iterable[str]]) -> AsyncGenerator[tuple[str, ...]]:
        """The files, of those that `files` names when it is asked (in a thread), that changed, came or went, each time some
        did, and at first those that are there; for ever, until it is closed."""
        ...
