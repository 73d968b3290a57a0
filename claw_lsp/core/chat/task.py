"""What is still to be put into a chat document, and the edits that put it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from claw_lsp.facts.text import TextEdit


@dataclass(frozen=True, slots=True)
class Put:
    """Text for the end of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Send:
    """The prompt block, which ends at `at`, becomes the person's part of a turn; `body` is what is answered at once.

    `streams` says that the turn's answer follows, so that what is put from then on goes below it; `goes_on` that it does
    though none follows.
    """

    at: int
    body: str
    streams: bool
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """Words that did not come from the prompt block go above what the person is typing, with the heading of an answer
    below them; `meanwhile` says that the turn which was running goes on with them."""

    words: str
    meanwhile: bool = False


@dataclass(frozen=True, slots=True)
class Steer:
    """The prompt block, which ends at `at`, waits for the model to take it: a new block comes below."""

    at: int


@dataclass(frozen=True, slots=True)
class Take:
    """The model takes the prompt that has waited longest: the answer goes on below it. `meanwhile` as in `Begin`."""

    meanwhile: bool


@dataclass(frozen=True, slots=True)
class Name:
    """The session's id is written into the title."""

    session: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Words for the prompt block, which the person completes."""

    words: str


@dataclass(frozen=True, slots=True)
class Restore:
    """What stands from `start` to `end` becomes `words` again; nothing, once the person touched it."""

    start: int
    end: int
    words: str


Task = Put | Send | Begin | Steer | Take | Name | Draft | Restore

Does = Literal["put", "turn", "reply", "steer", "take", "name", "draft", "restore", "tail"]
"""What an offer is for: one task each, or the tail alone."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An edit on its way to the editor: replace `n_removed` characters at `at` by `new`.

    Once it is in the text the anchor stands `anchor` characters into `new` (None: where it was), and the tail is `tail`
    (None: what it was). `base` is the text it was made for, in which it stands at `base_at`.
    """

    does: Does
    at: int
    new: str
    n_removed: int = 0
    n_put: int = 0
    anchor: int | None = None
    tail: str | None = None
    id: int = 0
    base: str = ""
    base_at: int = 0

    @property
    def expected(self) -> str:
        """The whole text if nobody types meanwhile. Made when it is asked for, because texts may be long."""
        return self.base[: self.base_at] + self.new + self.base[self.base_at + self.n_removed :]

    @property
    def edit(self) -> TextEdit:
        return TextEdit(self.at, self.at + self.n_removed, self.new)
