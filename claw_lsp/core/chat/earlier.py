"""The prompts of a chat document that were answered, beside those of the log: which were edited since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.writer import Asked, asked


@dataclass(frozen=True, slots=True)
class Earlier:
    """One prompt above the last: `place` spans its heading and its words, `body` the words alone. `prompt_id` is "" for
    what was said to a running turn, where nothing can be forked."""

    prompt_id: str
    place: tuple[int, int]
    body: tuple[int, int]
    words: str
    sent: str

    @property
    def edited(self) -> bool:
        return self.words != self.sent


def earlier(text: str, key: str, said: Sequence[Asked]) -> list[Earlier]:
    """The answered prompts of a document in order, each with the one of the log that it is; what cannot be told to be one
    of them is left out."""
    there = marks.answered(text, key)
    now = [text[start:end].replace("\r\n", "\n") for _, start, end in there]
    then = [asked(it.words) for it in said]
    found: list[Earlier] = []
    for one, other in _pairs(then, now):
        heading, start, end = there[other]
        found.append(Earlier(said[one].prompt_id, (heading, end), (start, end), now[other], then[one]))
    return found


def _pairs(then: list[str], now: list[str]) -> list[tuple[int, int]]:
    """Which are the same: by their order, and where some were deleted by the words of those around them."""
    if len(then) == len(now):
        return [(n, n) for n in range(len(now))]
    codes = SequenceMatcher(None, then, now, autojunk=False).get_opcodes()
    alike = [it for it in codes if it[0] == "equal" or (it[0] == "replace" and it[2] - it[1] == it[4] - it[3])]
    return [(first + n, to + n) for _, first, last, to, _ in alike for n in range(last - first)]
