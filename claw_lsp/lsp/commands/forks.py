"""Sending a chat's prompt, and forking its session where an earlier one was edited."""

from __future__ import annotations

from claw_lsp.core.chat.earlier import Earlier
from claw_lsp.facts.fault import BadRequest, ClawError, LogError
from claw_lsp.lsp.arguments import ForkArguments, PlaceArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.commands.turns import send_words
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.send", PlaceArguments)
async def send(door: Door, args: PlaceArguments, request: RequestId | None) -> Answer:
    """Send what stands in the prompt of a chat document. An earlier prompt that was edited is sent in a fork: where `range`
    is in it, or the last one is empty."""
    uri = args.uri or (door.buffers.latest.path if door.buffers.latest else None)
    if uri is None:
        raise BadRequest("uri: expected the chat document to send, found none")
    place = (args.range.start.line, args.range.start.character) if args.range else None
    edited = await door.chats.edited(uri, place)
    if edited is None:
        return await door.chats.send(uri, request)
    session, prompt = edited
    return await _fork_edited(door, session, uri, prompt, request)


@command("claw.fork", ForkArguments)
async def fork(door: Door, args: ForkArguments, request: RequestId | None) -> Answer:
    """Fork a session at an earlier prompt, into a chat of its own. `at` is the prompt's id, without it all turns are taken
    along; with `uri`, a chat document in which that prompt was edited, it is sent there as it stands."""
    session = args.session or (door.chats.session(args.uri) if args.uri else None)
    if session is None:
        last = door.house.sessions.last
        if last is None:
            raise BadRequest("session: expected the session to fork, and there is none yet")
        session = last.id
    if args.uri is not None and args.at is not None:
        prompt = await door.chats.prompt(args.uri, args.at)
        if prompt is not None and prompt.edited and prompt.words:
            return await _fork_edited(door, session, args.uri, prompt, request)
    try:
        forked, made = await door.house.sessions.fork(session, args.at)
    except LogError as error:
        raise BadRequest(f"session: {error}") from error
    path, shown = await door.chats.show(forked.id, prompt=made.prompt.text if made.prompt else None)
    return {"session": forked.id, "path": path, "shown": shown}


async def _fork_edited(door: Door, session: str, uri: str, prompt: Earlier, request: RequestId | None) -> Answer:
    """The edited prompt begins a turn in a fork; then the document it was edited in is as its log says again."""
    if not prompt.prompt_id:
        raise BadRequest(
            "This was said while a turn ran, so nothing can be forked there. Edit the prompt that began the turn, or take "
            "what you wrote to the last prompt."
        )
    forked, _ = await door.house.sessions.fork(session, prompt.prompt_id)
    path, shown = await door.chats.show(forked.id)
    answer: Answer = {"session": forked.id, "path": path, "shown": shown}
    try:
        answer |= await send_words(door, forked.id, prompt.words, request)
    except ClawError:
        # The words are not lost: they stand in the fork's prompt, and where they were edited.
        await door.chats.show(forked.id, prompt=prompt.words)
        raise
    door.chats.restore(uri, prompt)
    return answer
