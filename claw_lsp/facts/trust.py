"""What a folder's own files want beyond what everybody may say, and what the person said to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["trusted", "refused", "unknown"]
"""What the person said of a folder: yes, never, or nothing yet."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a folder's files that would allow, run or redirect something.

    `what` names it and stays the same when it is changed ("MCP server db"); `content` is all of it, as canonical JSON;
    `path` is the file it stands in. Invariant: `digest` is that of what it is and of its content.
    """

    what: str
    content: str
    digest: str
    path: str


@dataclass(frozen=True, slots=True)
class Sought:
    """What of a folder's files is not in force: `new`, or `changed` since the person approved it, and waits for their word;
    or `refused` by them. `never` are sentences about what is believed from no folder, whatever they say."""

    folder: str
    standing: Standing = "unknown"
    new: tuple[Item, ...] = ()
    changed: tuple[Item, ...] = ()
    refused: tuple[Item, ...] = ()
    never: tuple[str, ...] = ()

    @property
    def waiting(self) -> tuple[Item, ...]:
        return (*self.changed, *self.new)
