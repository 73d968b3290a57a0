"""Documents, edits and changes: text as the editor holds it, with offsets in Unicode code points.

Positions in an editor's own units are turned into these offsets at the door (core/position.py has the arithmetic).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace `text[start:end]` by `new`; offsets are code points of the text the edit was computed against."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Document:
    """One file as seen at one instant.

    `path` is absolute (for a buffer without a file, its URI). `text` holds the line ends as they are; a byte order
    mark is not part of it, `encoding` says how to write it back ("utf-8", "utf-8-sig", "utf-16-le" with a mark …).
    `dirty` says that the editor's text differs from what is on disk. `notice` is what a reader must know of the text
    itself, one sentence, "" for nothing. `target` is where the path led when it was read, links followed, "" where the
    reader does not know.

    Invariant: `version` is None exactly when no editor holds the file open.
    """

    path: str
    text: str
    version: int | None = None
    encoding: str = "utf-8"
    dirty: bool = False
    notice: str = ""
    target: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """A name for exactly this text, for "unchanged since it was read"."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class Change:
    """Edits to one document, against exactly the text they were computed from.

    `document` is None where the file does not exist yet: then `edits` is one insertion of the whole text.
    Invariant: edits are sorted by start and do not overlap.
    """

    path: str
    document: Document | None
    edits: tuple[TextEdit, ...]

    @property
    def before(self) -> str:
        return self.document.text if self.document else ""

    @property
    def after(self) -> str:
        """The text once every edit is applied to the text it was computed against."""
        return applied(self.before, self.edits)


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a change: `document` is the file after it; `merged` when the person had typed meanwhile.

    `saved` is False when the change lives in the editor's buffer only. `notice` is a sentence the model should know
    beside that (a hard link that was broken, for instance), else empty. `beneath` is set where the change was only
    proposed: the text that is really there.
    """

    document: Document
    saved: bool
    merged: bool = False
    notice: str = ""
    beneath: str | None = None


def applied(text: str, edits: tuple[TextEdit, ...]) -> str:
    """The text with all edits made; offsets are those of `text`. Raises ValueError when edits overlap."""
    parts: list[str] = []
    done = 0
    for edit in edits:
        if edit.start < done or edit.end < edit.start:
            raise ValueError(f"edits overlap at offset {edit.start}")
        parts += (text[done : edit.start], edit.new)
        done = edit.end
    parts.append(text[done:])
    return "".join(parts)


def digest(text: str) -> str:
    """32 hexadecimal digits that name this text; lone surrogates count as they are."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
