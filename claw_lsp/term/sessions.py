"""`claw-lsp sessions`: what was said before, listed, shown, exported, forked and deleted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from claw_lsp.core import render
from claw_lsp.core.escape import visible
from claw_lsp.core.export import Format, exported
from claw_lsp.core.fold import fold
from claw_lsp.core.fork import forked
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Entry, UserSpoke
from claw_lsp.facts.fault import BadRequest, LogError
from claw_lsp.facts.past import SessionSummary
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.checkpoints import Checkpoints
from claw_lsp.ports.logs import Archive


async def transcript(archive: Archive, named: str) -> str:
    """The transcript of the one session whose id begins with `named`. Raises LogError for none, or several."""
    it = await found(archive, named)
    return shown(await archive.read(it.session), it.path)


async def exported_to(archive: Archive, named: str, format_: Format, output: str | None) -> str:
    """The session as a document, or where a new file with it is. Raises LogError, BadRequest for a file that is there."""
    it = await found(archive, named)
    text = exported(await archive.read(it.session), format_)
    if output is None:
        return text.rstrip("\n")
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise BadRequest(f"--output: {output} cannot be written: {error.strerror}.") from error
    return f"Written to {output}. It holds what was said and read: look at it before you give it away."


async def forked_at(archive: Archive, named: str, at: str | None) -> str:
    """The id of a new session that begins as this one did. Raises LogError, BadRequest for an unknown prompt."""
    it = await found(archive, named)
    entries = await archive.read(it.session)
    prompts = [one.event.prompt_id for one in entries if isinstance(one.event, UserSpoke)]
    if at is not None and at.isdecimal():
        if not 1 <= int(at) <= len(prompts):
            raise BadRequest(f"--at: expected a prompt from 1 to {len(prompts)}, found {at}")
        at = prompts[int(at) - 1]
    id_ = str(uuid4())
    (await archive.copy(id_, it.session, forked(entries, id_, at).entries)).close()
    return id_


async def deleted(archive: Archive, checkpoints: Checkpoints, named: str, *, sure: Callable[[str], bool] | None) -> str:
    """What was done; `sure` asks the person, None is a yes. Raises LogError for none, several, and one in use."""
    it = await found(archive, named)
    title = visible(it.title) or "nothing said"
    if sure is not None and not await asyncio.to_thread(sure, f"Delete {it.session} ({title}) for good? [y/N]"):
        return "Kept."
    await archive.delete(it.session)
    await checkpoints.forget((it.session,))
    return f"Deleted {it.session} ({title})."


async def found(archive: Archive, named: str) -> SessionSummary:
    """The one session whose id begins so. Raises LogError for none, or several."""
    fitting = [it for it in await archive.list() if it.session.startswith(named)]
    if len(fitting) > 1:
        raise LogError(f"{len(fitting)} sessions begin with {named}: write more of the id.")
    if not fitting:
        raise LogError(f"There is no session {named}. `claw-lsp sessions list --all` lists them.")
    return fitting[0]


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
