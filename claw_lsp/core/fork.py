"""A session that begins as a copy of another, up to a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.facts.event import Entry, Event, Forked, SessionStarted, TurnEnded, UserSpoke
from claw_lsp.facts.fault import BadRequest


@dataclass(frozen=True, slots=True)
class Fork:
    """The log that a fork begins with, and the prompt it was made at: None for one at the end."""

    entries: tuple[Entry, ...]
    prompt: UserSpoke | None


def forked(entries: Sequence[Entry], session: str, at: str | None) -> Fork:
    """The entries before the prompt whose id is `at`, as those of `session`; without `at` all closed turns. The last entry
    says where they are from. Raises BadRequest for an unknown prompt."""
    n, prompt = _cut(entries, at)
    kept = [it.model_copy(update={"event": _of(it.event, session)}) for it in entries[:n]]
    origin = next((it.event.session for it in entries if isinstance(it.event, SessionStarted)), "")
    last = Entry(n=n + 1, at=kept[-1].at if kept else 0.0, event=Forked(origin=origin, prompt_id=at))
    return Fork((*kept, last), prompt)


def _cut(entries: Sequence[Entry], at: str | None) -> tuple[int, UserSpoke | None]:
    """How many entries are kept, and the prompt behind them."""
    if at is not None:
        for n, it in enumerate(entries):
            if isinstance(it.event, UserSpoke) and it.event.prompt_id == at:
                return n, it.event
        raise BadRequest(f"at: expected the id of a prompt of this session, found {at!r}")
    open_since = len(entries)
    for n, it in enumerate(entries):
        if isinstance(it.event, UserSpoke):
            open_since = n
        elif isinstance(it.event, TurnEnded):
            open_since = len(entries)
    return open_since, None


def _of(event: Event, session: str) -> Event:
    return event.model_copy(update={"session": session}) if isinstance(event, SessionStarted) else event
