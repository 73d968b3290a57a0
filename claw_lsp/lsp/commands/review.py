"""Commands about the agent's edits: list them, keep them, take them back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.words import counted
from claw_lsp.facts.fault import BadRequest, LogError, NoSuchFile, ToolError
from claw_lsp.facts.reviewed import FileMoved, HunkKept, HunkUndone
from claw_lsp.facts.text import Change
from claw_lsp.lsp.arguments import ReviewedArguments, UriArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.deleting import cleared
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.review import Shown
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import filelike, path_of


@command("claw.hunks", UriArguments)
async def hunks(door: Door, args: UriArguments, request: RequestId | None) -> Answer:
    """List the changes and proposals of Claw's that wait for review, in one file or in all."""
    await door.earlier.known(door.homes)
    paths = [path_of(args.uri)] if args.uri else list(door.review.shown())
    for path in paths:
        await _read(door, path)
    door.review.flush()
    return {"hunks": [door.hunks.listed(it) for path in paths for it in door.review.at(path)]}


@command("claw.keep", ReviewedArguments)
async def keep(door: Door, args: ReviewedArguments, request: RequestId | None) -> Answer:
    """Keep changes of Claw's: one hunk, a file's, a prompt's or all. The text stays as it is."""
    kept: list[str] = []
    for it in meant(door, args, proposed=False):
        session = await door.house.sessions.look(it.session)
        await door.write(session, HunkKept(hunk=it.hunk.id, path=it.hunk.path))
        kept.append(it.hunk.id)
    return {"kept": kept, "text": f"Kept {counted(len(kept), 'change')}."}


@command("claw.undo", ReviewedArguments)
async def undo(door: Door, args: ReviewedArguments, request: RequestId | None) -> Answer:
    """Revert changes of Claw's: one hunk, a file's, a prompt's or all. What you wrote in them stays."""
    every = meant(door, args, proposed=False)
    done, left = await each_file(door, args, every, _taken_back, IN_THE_WAY)
    text = told(door, "Reverted", done, left)
    for path in dict.fromkeys(it.hunk.path for it in every if it.hunk.id in done):
        ours = {it.hunk.base for it in every if it.hunk.path == path}
        if any(path in door.review.book(it.session).created for it in every if it.hunk.path == path):
            text = f"{text} {await cleared(door, path, ours)}".strip()
    return {"undone": done, "conflicts": left, "text": text}


IN_THE_WAY = (
    "it was changed since, so what stands there was left as it is. Revert what was made later first, or edit it by hand "
    "and keep it."
)


Work = Callable[[Door, str, Sequence[Shown]], Awaitable[tuple[list[str], list[Shown]]]]
"""Does something about hunks of one document; answers the ids of those it was done to, and those it could not be."""


async def each_file(
    door: Door, args: ReviewedArguments, every: Sequence[Shown], work: Work, in_the_way: str
) -> tuple[list[str], list[Answer]]:
    """Do the work document by document: where one fails the others go on. The ids of those it was done to, and each that
    it was not done to, with the reason. Raises ToolError where it was about one hunk only."""
    done: list[str] = []
    left: list[Answer] = []
    for path in dict.fromkeys(it.hunk.path for it in every):
        here = [it for it in every if it.hunk.path == path]
        try:
            made, blocked = await work(door, path, here)
        except ToolError as error:
            if args.hunk is not None:
                raise
            left += [_left(door, it, str(error)) for it in here]
            continue
        done += made
        left += [_left(door, it, in_the_way) for it in blocked]
    return done, left


def told(door: Door, verb: str, done: list[str], left: list[Answer]) -> str:
    """The one line about it; what could not be done is also shown."""
    text = f"{verb} {counted(len(done), 'change')}."
    if left:
        text += f" {counted(len(left), 'change')} could not be: {left[0]['why']}"
        door.messages.say(2, f"Claw: {text}")
    return text


def _left(door: Door, it: Shown, why: str) -> dict[str, Any]:
    return {"hunk": it.hunk.id, "uri": door.hunks.uri(it.hunk.path), "why": why}


def meant(door: Door, args: ReviewedArguments, *, proposed: bool) -> Sequence[Shown]:
    """The hunks that are meant, or the proposals. Raises BadRequest: for an unknown hunk or prompt, one of the other kind,
    and where nothing or two things are named."""
    given = [name for name in ("hunk", "uri", "prompt_id", "all") if getattr(args, name)]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise BadRequest(f"arguments: expected one of hunk, uri, prompt_id or all, found {found}")
    everything = [it for found in door.review.shown().values() for it in found if it.proposed is proposed]
    if args.hunk is not None:
        return [_of_kind(hunk_named(door, args.hunk), proposed=proposed)]
    if args.uri is not None:
        return [it for it in everything if it.hunk.path == path_of(args.uri)]
    if args.prompt_id is None:
        return everything
    found = [it for it in everything if it.hunk.maker.prompt_id == args.prompt_id]
    if not found and not door.review.knows(args.prompt_id):
        raise BadRequest(
            f"prompt_id: expected the prompt_id of a hunk, found {args.prompt_id!r} (claw.hunks lists them)"
        )
    return found


def _of_kind(it: Shown, *, proposed: bool) -> Shown:
    if it.proposed is proposed:
        return it
    if proposed:
        raise BadRequest(f"hunk: {it.hunk.id} is in the text already: keep it or take it back (claw.keep, claw.undo)")
    raise BadRequest(f"hunk: {it.hunk.id} is only proposed: apply or dismiss it (claw.apply, claw.dismiss)")


def hunk_named(door: Door, id_: str) -> Shown:
    """The open hunk of this id. Raises BadRequest, which says what became of one that is over."""
    if (found := door.review.find(id_)) is not None:
        return found
    over = door.review.over(id_)
    if over == "kept":
        raise BadRequest(f"hunk: {id_} was kept already, so it is no hunk any more; undo in the editor takes text back")
    if over in ("applied", "dismissed", "absorbed"):
        raise BadRequest(f"hunk: {id_} was {_OVER[over]}, so it waits for no answer any more")
    if over is not None:
        raise BadRequest(f"hunk: {id_} was reverted already, or is not in the text any more")
    raise BadRequest(f"hunk: expected the id of an open hunk, found {id_!r} (claw.hunks lists them)")


_OVER = {"applied": "applied already", "dismissed": "dismissed already", "absorbed": "replaced by a later change"}


async def _taken_back(door: Door, path: str, meant: Sequence[Shown]) -> tuple[list[str], list[Shown]]:
    """Take hunks of one document back in one edit; the ids of those, and the hunks that something is in the way of."""
    ids = frozenset(it.hunk.id for it in meant)
    try:
        document = await door.workspace.read(path)
    except NoSuchFile as error:
        raise ToolError(
            f"{path} was deleted or renamed since Claw changed it, so nothing can be reverted there. Keep its changes to "
            "take them off the list, or bring the file back first."
        ) from error
    door.review.reads(path, document.text)
    plan = door.review.answered(path, ids)
    if plan.text != document.text:
        change = Change(path, document, minimal_edits(document.text, plan.text))
        applied = await door.workspace.apply(change, f"Claw: revert {counted(len(plan.done), 'change')}")
        door.review.put(plan, applied.document.text)
    for session_id, hunk in plan.done:
        session = await door.house.sessions.look(session_id)
        await door.write(session, HunkUndone(hunk=hunk.id, path=path))
    left = {hunk.id for hunk in plan.left}
    return [hunk.id for _, hunk in plan.done], [it for it in meant if it.hunk.id in left]


async def moved(door: Door, path: str, to: str) -> None:
    """The person renamed a file or a folder: what waits there for review goes with it."""
    for session_id, one in door.review.below(path):
        try:
            session = await door.house.sessions.look(session_id)
            await door.write(session, FileMoved(path=one, to=to + one[len(path) :]))
        except LogError as error:
            door.messages.warn_once(f"Claw: what waits for review in {one} did not move with it: {error}")


async def closed(door: Door, path: str) -> None:
    """A document was closed: what it held and was not saved is gone for good, and with it what waited there for review."""
    before = [it for it in door.review.at(path) if it.state != "proposed"]
    if not before:
        return
    await _read(door, path)
    left = {it.hunk.id for it in door.review.at(path)}
    for it in before:
        if it.hunk.id not in left:
            session = await door.house.sessions.look(it.session)
            await door.write(session, HunkUndone(hunk=it.hunk.id, path=path, by_hand=True))
    door.review.flush()


async def _read(door: Door, path: str) -> None:
    """A document that no editor holds may have changed on disk; one that is gone keeps its hunks on the list."""
    if door.buffers.get(path) is not None or not filelike(path):
        return
    try:
        door.review.reads(path, (await door.workspace.read(path)).text)
    except ToolError:
        return
