"""`claw-lsp trace`: the facts of a session and the messages of the protocol in one timeline."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.adapters.jsonl.growing import GrowingLog
from claw_lsp.adapters.wire import WireLogs
from claw_lsp.core.escape import visible
from claw_lsp.core.redaction import redacted
from claw_lsp.facts.event import Entry
from claw_lsp.facts.past import SessionSummary
from claw_lsp.facts.wire import WireMessage
from claw_lsp.ports.logs import Archive
from claw_lsp.term.sessions import found
from claw_lsp.term.timeline import Moment, Timeline, near
from claw_lsp.term.trace_page import page

LOOK = 0.25
"""Seconds between two looks at a log that is followed."""
DETAIL, MOST_DETAIL = 3_000, 12_000_000
"""Characters of JSON that the page holds of one fact, and of all of them together."""

Print = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Traced:
    """What a trace is made of: all sessions, where the messages are kept, and the credentials that are known."""

    archive: Archive
    root: Path
    known: Sequence[str] = ()


async def traced(sources: Traced, named: str, width: int | None) -> str:
    """The timeline as text, cut at `width`. Raises LogError for no session, or several."""
    it = await found(sources.archive, named)
    entries, messages = await _read(sources, it)
    moments = Timeline(sources.known).of(entries, messages)
    return "\n".join(
        [*_head(sources, it, len(entries), len(messages)), *_lines(moments, entries[0].at if entries else 0, width)]
    )


async def traced_page(sources: Traced, named: str) -> str:
    """The timeline as a page of its own. Raises LogError for no session, or several."""
    it = await found(sources.archive, named)
    entries, messages = await _read(sources, it)
    detail = max(200, min(DETAIL, MOST_DETAIL // max(1, len(entries))))
    moments = Timeline(sources.known, detail).of(entries, messages)
    return page(_title(sources, it), _head(sources, it, len(entries), len(messages)), moments)


async def follow(sources: Traced, named: str, width: int | None, tell: Print) -> int:
    """Tell the timeline, and go on as the log grows; ends when the log is gone, else only by Ctrl-C, since a session can
    always go on. Raises LogError for no session, or several, and for a log that cannot be read."""
    it = await found(sources.archive, named)
    log, wire = GrowingLog(Path(it.path)), WireLogs(sources.root, it.session)
    timeline = Timeline(sources.known)
    entries, messages = await asyncio.to_thread(lambda: (log.new(), wire.new()))
    messages = near(messages, entries)
    began = entries[0].at if entries else 0.0
    for line in (
        *_head(sources, it, len(entries), len(messages)),
        *_lines(timeline.of(entries, messages), began, width),
    ):
        tell(line)
    while True:
        await asyncio.sleep(LOOK)
        try:
            entries, messages = await asyncio.to_thread(lambda: (log.new(), wire.new()))
        except FileNotFoundError:
            break  # Between one look and the next.
        for line in _lines(timeline.of(entries, messages), began, width):
            tell(line)
    print(f"Session {it.session} was deleted.", file=sys.stderr)
    return 0


async def _read(sources: Traced, it: SessionSummary) -> tuple[Sequence[Entry], list[WireMessage]]:
    entries = await sources.archive.read(it.session)
    messages = await asyncio.to_thread(WireLogs(sources.root, it.session).new)
    return entries, near(messages, entries)


def _head(sources: Traced, it: SessionSummary, n_facts: int, n_messages: int) -> list[str]:
    kept = f"{n_messages} messages" if n_messages else "no messages were kept (CLAW_LOG=wire keeps them)"
    return [f"session {it.session} · {_title(sources, it)}", f"{it.folder} · {n_facts} facts, {kept}", ""]


def _title(sources: Traced, it: SessionSummary) -> str:
    return visible(redacted(it.title, sources.known)) or "no title"


def _lines(moments: Sequence[Moment], began: float, width: int | None) -> list[str]:
    return [_line(it, began, width) for it in moments]


_LANES = {"fact": " ", "server": "→", "client": "←"}


def _line(it: Moment, began: float, width: int | None) -> str:
    """Seconds since the session began, what it is, its number, its kind, and the beginning of what it says."""
    mark = "✗" if it.failed else " "
    kind = f"{it.tool}: " if it.tool and it.kind.startswith("call") else ""
    line = f"{it.at - began:+10.3f} {_LANES[it.lane]}{mark}{it.name:>7} {it.kind:<26} {kind}{it.text}"
    plain = visible(" ".join(line.rstrip().split("\n")))
    return plain if width is None or len(plain) <= width else f"{plain[: max(1, width - 1)]}…"
