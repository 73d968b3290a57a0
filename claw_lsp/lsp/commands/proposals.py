"""Commands that answer proposals: the person applies them, or does not want them."""

from __future__ import annotations

from collections.abc import Sequence

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.policy.notes import is_memory
from claw_lsp.core.words import counted
from claw_lsp.facts.fault import NoSuchFile, ToolError
from claw_lsp.facts.reviewed import ProposalApplied, ProposalDismissed
from claw_lsp.facts.text import Change, Document, TextEdit
from claw_lsp.lsp.arguments import ReviewedArguments
from claw_lsp.lsp.commands.review import each_file, meant, told
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.review import Shown
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.apply", ReviewedArguments)
async def apply(door: Door, args: ReviewedArguments, request: RequestId | None) -> Answer:
    """Apply what Claw proposed: one hunk, a file's, a prompt's or all. What you typed meanwhile stays."""
    every = meant(door, args, proposed=True)
    done, left = await each_file(door, args, every, _applied, IN_THE_WAY)
    text = told(door, "Applied", done, left)
    paths = dict.fromkeys(it.hunk.path for it in every if it.hunk.id in done)
    return {"applied": done, "conflicts": left, "text": f"{text} {await _kept(door, tuple(paths))}".strip()}


@command("claw.dismiss", ReviewedArguments)
async def dismiss(door: Door, args: ReviewedArguments, request: RequestId | None) -> Answer:
    """Dismiss what Claw proposed: one hunk, a file's, a prompt's or all. The text stays as it is."""
    done: list[str] = []
    for it in meant(door, args, proposed=True):
        session = await door.house.sessions.look(it.session)
        await door.write(session, ProposalDismissed(hunk=it.hunk.id, path=it.hunk.path))
        done.append(it.hunk.id)
    return {"dismissed": done, "text": f"Dismissed {counted(len(done), 'change')}."}


IN_THE_WAY = (
    "the text there was changed since it was proposed, so nothing was done and it waits still. Edit it by hand, ask Claw "
    "again, or dismiss it."
)


async def _applied(door: Door, path: str, here: Sequence[Shown]) -> tuple[list[str], list[Shown]]:
    """Make the proposals of one document in one edit; the ids of those, and those that something is in the way of."""
    document = await _document(door, path, here)
    door.review.reads(path, document.text if document else "")
    plan = door.review.answered(path, frozenset(it.hunk.id for it in here))
    label = f"Claw: apply {counted(len(plan.done), 'change')}"
    edits = minimal_edits(document.text, plan.text) if document else (TextEdit(0, 0, plan.text),)
    if plan.done and (edits or document is None):
        applied = await door.workspace.apply(Change(path, document, edits), label)
        door.review.put(plan, applied.document.text)
    for session_id, hunk in plan.done:
        session = await door.house.sessions.look(session_id)
        await door.write(session, ProposalApplied(hunk=hunk.id, path=path))
    left = {hunk.id for hunk in plan.left}
    return [hunk.id for _, hunk in plan.done], [it for it in here if it.hunk.id in left]


async def _kept(door: Door, paths: tuple[str, ...]) -> str:
    """Notes are saved where the editor lets us, since nobody has their file before them; else a sentence says to do it."""
    settings = await door.settings_of(door.house.sessions.last)
    notes = tuple(it for it in paths if is_memory(it, door.house.home, door.house.claw_home, settings))
    left = await door.workspace.save(notes) if notes and door.workspace.can_save else notes
    left = tuple(it for it in left if it in door.workspace.unsaved())
    return f"Save {', '.join(left)}: until then it is only in the editor." if left else ""


async def _document(door: Door, path: str, here: Sequence[Shown]) -> Document | None:
    """The file the proposals are about; None where they make it. Raises ToolError where it is gone."""
    try:
        return await door.workspace.read(path)
    except NoSuchFile as error:
        if all(it.hunk.kind == "created" for it in here):
            return None
        raise ToolError(
            f"{path} was deleted or renamed since Claw proposed to change it, so nothing can be applied there. Bring the "
            "file back first, or dismiss the proposal."
        ) from error
