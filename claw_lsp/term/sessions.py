"""`claw-lsp sessions`: what was said before, listed and shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from claw_lsp.core import render
from claw_lsp.core.escape import visible
from claw_lsp.core.state import fold
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Entry
from claw_lsp.facts.fault import LogError
from claw_lsp.facts.past import SessionSummary
from claw_lsp.facts.usage import Usage
from claw_lsp.ports import Archive


async def transcript(archive: Archive, named: str) -> str:
    """The transcript of the one session whose id begins with `named`. Raises LogError for none, or several."""
    found = [it for it in await archive.list() if it.session.startswith(named)]
    if len(found) > 1:
        raise LogError(f"{len(found)} sessions begin with {named}: write more of the id.")
    if not found:
        raise LogError(f"There is no session {named}. `claw-lsp sessions list --all` lists them.")
    return shown(await archive.read(found[0].session), found[0].path)


def listed(summaries: Sequence[SessionSummary], *, folders: bool) -> str:
    """A line for each session, the newest first: id, when it was used last, how many turns, its title."""
    return "\n".join(_line(it, folders=folders) for it in summaries)


def shown(entries: Sequence[Entry], path: str) -> str:
    """The transcript of a session, and below it what it used and where its log is."""
    state = fold(it.event for it in entries)
    seconds = entries[-1].at - entries[0].at if entries else 0.0
    used = render.usage_line(sum(state.usage.values(), Usage()), state.cost, seconds)
    head = f"session {state.session} · {state.model} · {state.cwd}"
    lines = [head, "", *render.lines(entries), "", f"used    {used}", f"log     {path}"]
    return "\n".join(visible(it) for it in lines)


def _line(it: SessionSummary, *, folders: bool) -> str:
    when = datetime.fromtimestamp(it.updated).strftime("%Y-%m-%d %H:%M")
    turns = counted(it.n_turns, "turn").ljust(7)
    where = f"  {it.folder}" if folders else ""
    return visible(f"{it.session}  {when}  {turns:>8}  {it.title or '(nothing said yet)'}{where}")
