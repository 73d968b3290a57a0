"""Finding words in what was said: by the person, by the model, and in titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from claw_lsp.core.render import one_line
from claw_lsp.facts.call import text_in
from claw_lsp.facts.event import Entry, ModelSpoke, Steered, Titled, UserSpoke
from claw_lsp.facts.past import Passage

AROUND = 60
"""Characters on each side of what was found."""


def passages(entries: Iterable[Entry], words: str) -> Iterator[Passage]:
    """Each entry in which the words are said, whatever their case, in order."""
    wanted, prompt = words.casefold(), ""
    for entry in entries:
        event, who = entry.event, "you"
        if isinstance(event, UserSpoke):
            prompt, text = event.prompt_id, event.text
        elif isinstance(event, Steered):
            text = event.text
        elif isinstance(event, ModelSpoke):
            who, text = "claude", text_in(event.blocks)
        elif isinstance(event, Titled):
            who, text = "title", event.title
        else:
            continue
        at = text.casefold().find(wanted)
        if at >= 0:
            yield Passage(entry.n, entry.at, prompt, who, excerpt(text, at, len(words)))


def excerpt(text: str, at: int, length: int) -> str:
    """What stands around a place, on one line."""
    start, end = max(0, at - AROUND), min(len(text), at + length + AROUND)
    cut = one_line(text[start:end], 2 * AROUND + length + 2)
    return f"{'…' if start else ''}{cut}{'…' if end < len(text) else ''}"
