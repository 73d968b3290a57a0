"""`claw-lsp replay`: whether a session's log follows from itself."""

from __future__ import annotations

from collections.abc import Sequence

from claw_lsp.core.escape import visible
from claw_lsp.core.replaying import differences
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Entry
from claw_lsp.ports.logs import Archive
from claw_lsp.term.sessions import found


async def replayed(archive: Archive, named: str) -> tuple[str, bool]:
    """What came of it in words, and whether all of it follows. Raises LogError for no session, or several."""
    it = await found(archive, named)
    return _told(it.session, await archive.read(it.session))


def _told(session: str, entries: Sequence[Entry]) -> tuple[str, bool]:
    different = [f"fact {entries[it.n - 1].n}: {it.text}" for it in differences(it.event for it in entries)]
    decided = sum(not it.event.outside for it in entries)
    head = f"session {session} · {counted(len(entries), 'fact')}, {decided} of them decided by the loop"
    end = (
        f"{counted(len(different), 'difference')}: the log was changed, or written by a version that decided otherwise."
    )
    lines = [head, *different, end] if different else [head, "Each of them follows from those before it."]
    return visible("\n".join(lines)), not different
