"""The command that takes back one earlier prompt and keeps what came later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from claw_lsp.core import rewinding
from claw_lsp.core.difference import differences
from claw_lsp.core.merge import merged, minimal_edits, moved
from claw_lsp.core.render import one_line
from claw_lsp.core.reverting import Step, Trace, commands_run, reverting, traced
from claw_lsp.core.rewinding import changings, content, steps
from claw_lsp.core.words import counted
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import UserSpoke
from claw_lsp.facts.fault import BadRequest, CheckpointError, NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.reviewed import Left, Reverted
from claw_lsp.facts.text import Applied, Change, Document, TextEdit
from claw_lsp.lsp.arguments import RevertArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.deleting import cleared
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import filelike

ATTEMPTS = 3
"""How often a file is looked at again that changed while it was edited."""
MOST_OFFERED = 20
"""Prompts that are listed where none is named."""


@dataclass(frozen=True, slots=True)
class Revert:
    """One revert under way: its id, and the prompt (or earlier revert) that it takes back."""

    id: str
    session: Session
    prompt_id: str
    text: str


@command("claw.revert", RevertArguments, slash=True)
async def revert(door: Door, args: RevertArguments, request: RequestId | None) -> Answer:
    """Take back what one earlier prompt changed, and keep what came later. `prompt_id` is its id or its number in the
    session, or the id of a revert, which that puts back; without it the prompts are listed. Places that were changed later
    are left and shown. What its commands did to texts is taken back as far as checkpoints hold it; else they are named."""
    session = await _session(door, args)
    if args.prompt_id is None:
        return _offered(session)
    it = _meant(session, args.prompt_id)
    if session.state.turn is not None and session.state.turn.run == it.prompt_id:
        raise BadRequest("prompt_id: this prompt's turn still runs. Stop it first (claw.stop).")
    ran, said = await _ran(door, it)
    traces = await asyncio.to_thread(traced, tuple(session.entries), it.prompt_id, ran)
    done: list[Reverted] = []
    failed: list[Answer] = []
    for path, trace in traces.items():
        try:
            fact = await _taken_back(door, it, trace)
        except ToolError as error:
            failed.append({"uri": door.hunks.uri(path), "why": str(error)})
            continue
        if fact is not None:
            await door.write(session, fact)
            done.append(fact)
            if trace.created and not fact.after.strip():
                said.append(await cleared(door, path, [fact.before]))
    return _answer(door, it, done, failed, said)


# ---- which prompt -------------------------------------------------------------------------------------------------------


async def _session(door: Door, args: RevertArguments) -> Session:
    """The session meant: named, else the one open here that the prompt is of, else the last. Raises BadRequest."""
    if args.session is None and args.prompt_id is not None and not args.prompt_id.isdigit():
        for session in door.house.sessions.opened.values():
            if any(args.prompt_id in (it, numbered) for numbered, it, _ in _prompts(session)):
                return session
        if (id_ := door.review.session_of(args.prompt_id)) is not None:
            return await door.house.sessions.look(id_)
    session = await door.looked_at(args.session)
    if session is None:
        raise BadRequest("session: expected the session of the prompt, and there is none yet")
    return session


def _prompts(session: Session) -> list[tuple[str, str, str]]:
    """Every prompt and revert of a session, in order: its number ("" for a revert), its id, and its words."""
    found: dict[str, tuple[str, str]] = {}
    n_prompts = 0
    for entry in session.entries:
        match entry.event:
            case UserSpoke(prompt_id=id_, text=text):
                n_prompts += 1
                found[id_] = (str(n_prompts), one_line(text, 80))
            case Reverted(revert=id_, prompt_id=of):
                found[id_] = ("", f"the revert of “{found[of][1]}”" if of in found else "a revert")
            case _:
                pass
    return [(number, id_, text) for id_, (number, text) in found.items()]


def _meant(session: Session, named: str) -> Revert:
    for number, id_, text in _prompts(session):
        if named in (number, id_):
            return Revert(str(uuid4()), session, id_, text)
    raise BadRequest(
        f"prompt_id: expected the id or the number of a prompt of this session, found {named!r} (claw.revert without "
        "it lists them)"
    )


def _offered(session: Session) -> Answer:
    """The prompts that can be named, the newest last."""
    prompts = [it for it in _prompts(session) if it[0]][-MOST_OFFERED:]
    lines = [f"- {number}: {text}" for number, _, text in prompts]
    text = "\n".join(["Which prompt is to be taken back? Name its number, as in `/revert 2`.", "", *lines])
    listed = [{"number": int(number), "prompt_id": id_, "text": words} for number, id_, words in prompts]
    return {"session": session.id, "prompts": listed, "text": text if lines else "There is no prompt to take back yet."}


# ---- what commands did --------------------------------------------------------------------------------------------------


async def _ran(door: Door, it: Revert) -> tuple[dict[str, list[Step | None]], list[str]]:
    """What commands of the prompt did to files, for `traced`, and sentences about what is not known of that."""
    await door.house.checkpoints.settled()
    found = changings(it.session.entries, it.prompt_id) or ()
    if not found or not found[0].ran:
        return {}, []
    ran = commands_run(it.session.entries, it.prompt_id)
    named = ", ".join(f"`{one_line(one, 60)}`" for one in ran[:3]) + (" …" if len(ran) > 3 else "")
    unknown = f"What commands of this prompt changed in files is as it was: {named}."
    before, after = found[0].before, found[0].after
    if not (before and after):
        return {}, [unknown]
    try:
        changed = await door.house.checkpoints.changed(before, after)
        paths = {*changed, *(one.path for one in found[0].edits)}
        sides = [await door.house.checkpoints.read(one, paths) for one in (before, after)]
    except CheckpointError as error:
        return {}, [f"{unknown} {error}"]
    return _told_apart(steps(found[0], *sides), list(found[0].left_out))


def _told_apart(every: Iterable[rewinding.Step], said: list[str]) -> tuple[dict[str, list[Step | None]], list[str]]:
    """The steps of texts, None in place of an edit; what is no text is only said."""
    ran: dict[str, list[Step | None]] = {}
    for n, one in enumerate(every):
        was, left = one.was, one.left
        if (was and was.binary) or (left and left.binary):
            said.append(f"{one.path} is no text and stays as a command left it.")
        elif one.is_edit:
            ran.setdefault(one.path, []).append(None)
        elif (was and was.text) != (left and left.text):
            before, after = was.text if was else "", left.text if left else ""
            ran.setdefault(one.path, []).append(Step(one.path, before, after, "", f"ran-{n}", created=was is None))
    return ran, said


# ---- one file -----------------------------------------------------------------------------------------------------------


async def _taken_back(door: Door, it: Revert, trace: Trace) -> Reverted | None:
    """Take the prompt out of one file in one edit; None where nothing of it is left there. Raises ToolError."""
    for _ in range(ATTEMPTS):
        document = await _document(door, trace)
        before = document.text if document else ""
        wanted = await asyncio.to_thread(reverting, trace, before)
        if wanted.text == before:
            return _fact(it, trace, before, before, wanted.left, ()) if wanted.left else None
        if trace.created and not wanted.text and await _deleted(door, trace.ledger.path, before):
            return _fact(it, trace, before, "", (), wanted.edits)
        edits = minimal_edits(before, wanted.text) if document else (TextEdit(0, 0, wanted.text),)
        change = Change(trace.ledger.path, document, edits)
        try:
            applied = await door.workspace.apply(change, f"Claw: revert {it.text}")
        except StaleDocument:
            continue
        left = _followed(wanted.left, wanted.text, applied.document.text)
        edits = () if applied.merged else wanted.edits
        return _fact(it, trace, _before(change, applied), applied.document.text, left, edits)
    raise ToolError("it kept changing while it was edited, so it was left as it is. Try again once it is quiet.")


async def _document(door: Door, trace: Trace) -> Document | None:
    """The file as it is now; None for one that is not there, as the prompt left it."""
    path = trace.ledger.path
    try:
        return await door.workspace.read(path)
    except NoSuchFile as error:
        if not trace.ledger.text.strip():
            return None
        raise ToolError(
            f"{path} was deleted or renamed since, so nothing can be taken back there. Bring the file back first."
        ) from error


async def _deleted(door: Door, path: str, text: str) -> bool:
    """Whether a file that the prompt made, that is not open and holds nothing else, is gone from the disk."""
    if door.buffers.get(path) is not None or not filelike(path):
        return False
    kept = (await door.house.checkpoints.now([path])).get(path)
    there = content(kept)
    return there is not None and there.text == text and await door.house.checkpoints.put(path, None, kept)


def _fact(
    it: Revert, trace: Trace, before: str, after: str, left: Sequence[Left], edits: Sequence[TextEdit]
) -> Reverted:
    return Reverted(
        revert=it.id,
        prompt_id=it.prompt_id,
        path=trace.ledger.path,
        before=before,
        after=after,
        edits=tuple((one.start, one.end, one.new) for one in edits),
        left=tuple(left),
    )


def _before(change: Change, applied: Applied) -> str:
    """The text just before the edit, with what was typed meanwhile."""
    typed = merged(change.after, change.before, applied.document.text) if applied.merged else None
    return change.before if typed is None else typed


def _followed(left: Sequence[Left], text: str, now: str) -> list[Left]:
    """The places in the text that came of it, which holds what was typed meanwhile, too."""
    edits = differences(text, now)
    return [
        Left(start=start, end=max(start, moved(it.end, edits, sticky_left=True)), wanted=it.wanted)
        for it in left
        for start in [moved(it.start, edits, sticky_left=False)]
    ]


# ---- the answer ---------------------------------------------------------------------------------------------------------


def _answer(door: Door, it: Revert, done: list[Reverted], failed: list[Answer], said: list[str]) -> Answer:
    changed = [one for one in done if one.after != one.before]
    conflicts = in_conflict(door, it.id, dict.fromkeys(fact.path for fact in done if fact.left))
    lines = [f"Took back “{it.text}” in {counted(len(changed), 'file')}." if changed else ""]
    if conflicts:
        lines.append(f"{counted(len(conflicts), 'place')} stayed: {IN_THE_WAY}")
    lines += [f"{one['uri']}: {one['why']}" for one in failed]
    if not (changed or conflicts or failed):
        lines = ["Nothing that this prompt wrote into files is left to take back."]
    text = " ".join(filter(None, [*lines, *said]))
    if conflicts or failed:
        door.messages.say(2, f"Claw: {text}")
    return {
        "revert": it.id if done else None,
        "prompt_id": it.prompt_id,
        "reverted": [door.hunks.uri(one.path) for one in changed],
        "conflicts": [*conflicts, *failed],
        "text": text,
    }


def in_conflict(door: Door, id_: str, paths: Iterable[str]) -> list[dict[str, Any]]:
    """The places that a revert or a rewind left in these files, as its answer tells of them."""
    return [
        {"hunk": one.hunk.id, "uri": door.hunks.uri(path), "why": IN_THE_WAY}
        for path in paths
        for one in door.review.at(path)
        if one.hunk.maker.call_id == id_
    ]


IN_THE_WAY = "it was changed after this prompt. Apply there to have what stood there before, or dismiss it."
