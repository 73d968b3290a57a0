"""Sessions of the past: resumed, renamed, found, exported, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from claw_lsp.adapters.private import write_private
from claw_lsp.core.chat.writer import code
from claw_lsp.core.escape import one_line
from claw_lsp.core.export import FORMATS, exported, title_of
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import Entry, Titled
from claw_lsp.facts.fault import BadRequest, ClawError, LogError
from claw_lsp.facts.past import Recalled
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.lsp.arguments import ExportArguments, RenameArguments, ResumeArguments, SearchArguments
from claw_lsp.lsp.chat import files
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import ERROR, INFO
from claw_lsp.lsp.transport.messages import RequestId

LONGEST = 80
"""Characters of a title."""


@command("claw.resume", ResumeArguments, slash=True)
async def resume(door: Door, args: ResumeArguments, request: RequestId | None) -> Answer:
    """Go on with an earlier session: its chat is opened as it was. `session` is its id, or how that begins."""
    session = await door.session_for(await _meant(door, args.session), None, None, None)
    path, shown = await door.chats.show(session.id)
    return {"session": session.id, "path": path, "shown": shown, "text": f"It goes on in {code(path)}."}


@command("claw.rename", RenameArguments, slash=True)
async def rename(door: Door, args: RenameArguments, request: RequestId | None) -> Answer:
    """Give a session another title. Without `title` it is asked for, where there is a box for words."""
    session = _there(await door.looked_at(args.session and await _meant(door, args.session)))
    words = args.title.strip() or await door.shim.words("Claw: what is this session about?", value=session.state.title)
    if not words:
        raise BadRequest("title: expected a few words, found none")
    title = one_line(words, LONGEST)
    await door.write(session, Titled(title=title))
    return {"session": session.id, "title": title, "text": f"This session is called {code(title)}."}


@command("claw.search", SearchArguments, slash=True)
async def search(door: Door, args: SearchArguments, request: RequestId | None) -> Answer:
    """Find words in what was said in the sessions of this workspace."""
    found = await door.house.sessions.search(args.text, door.homes)
    return {
        "sessions": [
            {
                "session": it.session,
                "title": it.title,
                "folder": it.folder,
                "updated": it.updated,
                "passages": [{"prompt_id": one.prompt_id, "who": one.who, "text": one.excerpt} for one in passages],
            }
            for it, passages in found.sessions
        ],
        "cut": found.cut,
        "text": _told(found, args.text),
    }


@command("claw.export", ExportArguments, slash=True)
async def export(door: Door, args: ExportArguments, request: RequestId | None) -> Answer:
    """Write a session as a document of its own, to keep or to give away: `format` is markdown, html or json."""
    id_ = await _meant(door, args.session) if args.session else _there(door.house.sessions.last).id
    entries = await _entries(door, id_)
    text = await asyncio.to_thread(exported, entries, args.format)
    began = datetime.fromtimestamp(entries[0].at if entries else 0.0, UTC).strftime("%Y-%m-%d")
    name = f"{files.stem(began, title_of(entries), 'session')}-{id_[:8]}.{FORMATS[args.format]}"
    path = Path(door.house.claw_home) / "exports" / name
    try:
        await asyncio.to_thread(write_private, path, text)
    except OSError as error:
        raise ClawError(f"The export {path} cannot be written: {error.strerror}.") from error
    shown = request is not None and await door.views.show(str(path))
    told = f"Written to {code(str(path))}. It holds what was said and read: look at it before you give it away."
    return {"session": id_, "format": args.format, "path": str(path), "shown": shown, "text": told}


@command("claw.delete", ResumeArguments)
async def delete(door: Door, args: ResumeArguments, request: RequestId | None) -> Answer:
    """Delete a session, once you say yes to a question about it; never one in which a turn runs."""
    id_ = await _meant(door, args.session)
    entries = await _entries(door, id_)
    if door.runs.active(id_):
        raise BadRequest("session: a turn is running in it; stop that first (claw.stop)")
    asked = next((it for it in door.questions.pending if it.plan.call.id == f"{_ASKS}{id_}"), None)
    question = asked or _question(id_, entries)
    if asked is None:
        door.later(_delete(door, question, entries), "deleting a session")
        # The question stands before this answers, so that asking once more finds it.
        await asyncio.sleep(0)
    return {"session": id_, "question": question.id}


async def _delete(door: Door, question: Question, entries: Sequence[Entry]) -> None:
    """Whatever holds the session by then, or fails, is told and leaves it there."""
    answer = await door.questions.ask(question)
    if answer.choice != ONCE:
        return
    title = title_of(entries)
    door.titles.stop(question.session)
    try:
        await door.house.sessions.delete(question.session)
        await door.house.checkpoints.forget((question.session,))
        await door.chats.forget(question.session, entries)
    except (ClawError, OSError) as error:
        door.messages.say(ERROR, f"Claw: {title} was not deleted: {error}")
        return
    door.events.touched()
    door.messages.say(INFO, f"Claw: {title} was deleted.")


def _question(id_: str, entries: Sequence[Entry]) -> Question:
    title = f"Delete the session “{title_of(entries)}”, its log and its chat document?"
    return Question(
        id=str(uuid4()),
        session=id_,
        run="",
        plan=Plan(call=Call(id=f"{_ASKS}{id_}", name="", input={}), reach=Reach.PERSON, title=title),
        title=title,
        detail="This cannot be undone. What it changed in your files stays; a chat that is open in the editor stays, too.",
        choices=(Choice(DENY, "Keep it"), Choice(ONCE, "Delete it")),
    )


_ASKS = "delete-"


async def _meant(door: Door, named: str) -> str:
    """The id of a session that is named by its id, or by how the id of one session of this workspace begins."""
    listed = [it.session for folder in door.homes for it in await door.house.sessions.list(folder)]
    found = [it for it in dict.fromkeys(listed) if it.startswith(named)]
    if len(found) > 1:
        raise BadRequest(f"session: {len(found)} sessions begin with {named}: write more of the id")
    return found[0] if found else named


async def _entries(door: Door, id_: str) -> Sequence[Entry]:
    try:
        return await door.house.sessions.entries(id_)
    except LogError as error:
        raise BadRequest(f"session: {error}") from error


def _there(session: Session | None) -> Session:
    if session is None:
        raise BadRequest("session: expected the id of a session, and there is none yet")
    return session


def _told(found: Recalled, words: str) -> str:
    if not found.sessions:
        return f"Nobody said {code(words)} in the sessions of this workspace. {found.cut}".strip()
    lines: list[str] = []
    for it, passages in found.sessions:
        lines.append(f"- {code(it.title or it.session)} (`/resume {it.session}`)")
        lines += [f"  - {one.who}: {code(one.excerpt)}" for one in passages]
    return "\n".join([*lines, *([found.cut] if found.cut else [])])
