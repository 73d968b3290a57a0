"""What a list shows of a session: small, and added up fact by fact."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from claw_lsp.core.redaction import redacted
from claw_lsp.facts.event import CallFinished, Entry, SessionStarted, Titled, UserSpoke

LONGEST = 80
"""Characters of the first words, which stand in for a title."""


class Summary(BaseModel):
    """What some entries add up to. `updated` is the time of the last one, in Unix seconds; `has_edits` says that the review
    has to look at them."""

    model_config = ConfigDict(frozen=True)

    title: str = ""
    first_words: str = ""
    model: str = ""
    updated: float = 0.0
    n_entries: int = 0
    n_turns: int = 0
    has_edits: bool = False


def summed(entries: Iterable[Entry], summary: Summary | None = None) -> Summary:
    """What these entries add up to, on top of `summary`."""
    known = dict((summary or Summary()).__dict__)
    for entry in entries:
        event = entry.event
        known["updated"] = entry.at
        known["n_entries"] += 1
        if isinstance(event, UserSpoke):
            known["n_turns"] += 1
            # Lists are shown around; and what is cut first would leave half a credential.
            known["first_words"] = known["first_words"] or redacted(event.text.strip().split("\n")[0])[:LONGEST]
        elif isinstance(event, SessionStarted):
            known["model"] = event.model
        elif isinstance(event, Titled):
            known["title"] = event.title
        elif isinstance(event, CallFinished):
            known["has_edits"] = known["has_edits"] or bool(event.result.edited)
    return Summary(**known)
