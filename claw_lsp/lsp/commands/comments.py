"""The command about comments that speak to the agent, and what a save of a file that has some begins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from claw_lsp.core.briefing import Subject, commented
from claw_lsp.core.comments import Spoken, spoken
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.text import Document
from claw_lsp.lsp.arguments import PlaceArguments, Range
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.runs import Run
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import filelike, path_of

NONE_HERE = "uri: no comment {where} begins or ends with AI! or AI?"


@command("claw.comment", PlaceArguments)
async def comment(door: Door, args: PlaceArguments, request: RequestId | None) -> Answer:
    """Do or answer what a comment with AI! or AI? asks. Without `range`: all of the file that ask alike. A question opens
    its chat document."""
    seen = door.buffers.seen
    path = path_of(args.uri) if args.uri else seen.path if seen else None
    if path is None:
        raise BadRequest("uri: expected the file whose comment is meant, found none")
    if (why := await _kept_out(door, path)) is not None:
        raise BadRequest(f"uri: comments in {path} are not taken as requests, since {why}")
    document = await door.workspace.read(path)
    found = await asyncio.to_thread(spoken, document.text, path, _language(door, path))
    meant = [it for it in found if args.range is None or _touches(it, args.range)]
    if not meant:
        raise BadRequest(NONE_HERE.format(where="there" if args.range else f"in {path}"))
    run = await _begin(door, document, [it for it in meant if it.wish == meant[0].wish], request, opens_chat=True)
    return {"session": run.session, "run": run.id}


async def saved(door: Door, uri: str) -> None:
    """A file was saved: its comments are offered, and begun at once where the person set it so."""
    path = path_of(uri)
    buffer = door.buffers.get(path)
    if buffer is None or door.chats.is_chat(path):
        return
    async with door.comments.one_save_at_a_time:
        await _look(door, uri, Document(path, buffer.text), buffer.language)


async def _look(door: Door, uri: str, document: Document, language: str) -> None:
    path = document.path
    found = await asyncio.to_thread(spoken, document.text, path, language)
    if not found and not door.comments.known(path):
        return
    wanted = (await door.settings_in(door.home_for(uri).folder)).ai_comments
    if wanted == "off" or (found and await _kept_out(door, path) is not None):
        found = ()
    new = [it for it in door.comments.saved(path, found) if not _by_agent(door, document, it)]
    if wanted != "run":
        return
    for wish in ("do", "answer"):
        if these := [it for it in new if it.wish == wish]:
            await _begin(door, document, these, None, opens_chat=False)


async def _begin(
    door: Door, document: Document, these: Sequence[Spoken], request: RequestId | None, *, opens_chat: bool
) -> Run:
    """Start the turn about comments that ask alike."""
    door.comments.begun(document.path, these)
    session = await door.session_for(None, document.path, None, None)
    root = session.state.cwd
    named = document.path[len(root) :].lstrip("/") if inside(document.path, (root,)) else document.path
    language = _language(door, document.path)
    subject = commented(Subject(path=named, language=language, text=document.text, dirty=document.dirty), these)
    action = "comment_do" if these[0].wish == "do" else "comment_answer"
    opens = opens_chat and action == "comment_answer"
    start = partial(door.start, session, action, subject, opens_chat=opens)

    async def again(request: RequestId | None) -> Run:
        return await start(request=request, again=again)

    return await again(request)


async def _kept_out(door: Door, path: str) -> str | None:
    """Why nothing in this file is taken as a request; None where it may be."""
    if door.chats.is_chat(path):
        return "it is a chat: write there, and send it"
    if not filelike(path) or not door.folders:
        return "it is outside the open folders"
    target = (await door.workspace.locate(path)).target
    roots = [(await door.workspace.locate(it)).target for it in door.folders]
    if not inside(path, door.folders) or not inside(target, roots):
        return "it is outside the open folders"
    if secret(path) or secret(target):
        return "its name says that it holds secrets"
    if await door.house.versions.ignores(target):
        return "git ignores it"
    return None


def _by_agent(door: Door, document: Document, it: Spoken) -> bool:
    """Whether the agent wrote it, as far as its change still waits for review: it must not set itself to work. What the
    person wrote or changed inside of a change of the agent's is theirs."""
    said = document.text[it.start : it.end]
    return any(
        shown.text == document.text
        and shown.place[0] < it.end
        and shown.place[1] > it.start
        and (said in shown.hunk.after or not shown.hunk.touched(shown.text))
        for shown in door.review.at(document.path)
    )


def _touches(it: Spoken, place: Range) -> bool:
    return it.first_line <= place.end.line and it.last_line >= place.start.line


def _language(door: Door, path: str) -> str:
    buffer = door.buffers.get(path)
    return buffer.language if buffer else ""
