"""What Write, Edit and NotebookEdit share: the read-before-edit rule, the plan of a change, and making it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from claw_lsp.core.merge import merged, minimal_edits
from claw_lsp.facts.call import Call, Edited, Result
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.text import Applied, Change, Document, TextEdit
from claw_lsp.ports.files import Workspace
from claw_lsp.tools.patch import changed_lines, unified
from claw_lsp.tools.paths import missing_beside, shown, still_there

P = ParamSpec("P")
T = TypeVar("T")
_LARGE = 200_000


def refuse_unseen(document: Document, where: PlannedPath, scene: Scene) -> None:
    """Raises ToolError unless the model knows exactly the text that is there now."""
    known = scene.seen.get(where.path)
    if known is None:
        raise ToolError(f"{where.path} has not been read in this session. Read it first, then change it.")
    if known != document.digest:
        raise StaleDocument(
            f"{where.path} changed since it was read. Read it again, then repeat the change on what is there."
        )


def refuse_surrogates(field: str, text: str) -> None:
    """Raises ToolError for half a character, which no file and no editor can hold (R18)."""
    broken = next((it for it in text if "\ud800" <= it <= "\udfff"), None)
    if broken:
        raise ToolError(
            f"{field} holds a lone surrogate (\\u{ord(broken):04x}), half of a character: write the whole character."
        )


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Do this work on a text of this size: in a thread if it is so large that everyone else would notice."""
    if size < _LARGE:
        return work(*args, **more)
    return await asyncio.to_thread(work, *args, **more)


async def plan_edits(
    call: Call,
    where: PlannedPath,
    scene: Scene,
    workspace: Workspace,
    edits: Callable[[Document], tuple[TextEdit, ...]],
    *,
    created: str | None,
) -> Plan:
    """A plan to make these edits in the file. `created` is the text of one that is not there, None where it has to be."""
    try:
        document = await workspace.read(where.path)
    except NoSuchFile as error:
        if created is None:
            raise missing_beside(error, scene) from error
        return await plan_of(call, where, Change(where.path, None, (TextEdit(0, 0, created),)), scene, workspace)
    refuse_unseen(document, where, scene)
    change = Change(where.path, document, await off_loop(len(document.text), edits, document))
    return await plan_of(call, where, change, scene, workspace)


async def plan_of(call: Call, where: PlannedPath, change: Change, scene: Scene, workspace: Workspace) -> Plan:
    """A plan to make this change."""
    name = await shown(where, scene, workspace)
    verb = "Create" if change.document is None else call.name.replace("NotebookEdit", "Edit")
    detail = await off_loop(len(change.before), unified, name.partition(" → ")[0], change)
    return Plan(call, Reach.EDIT, f"{verb} {name}", detail, (where,), (change,), payload=name)


async def make(plan: Plan, workspace: Workspace) -> Result:
    """Make the one change of the plan, and say what came of it."""
    await still_there(plan, workspace)
    (change,) = plan.changes
    applied = await workspace.apply(change, f"Claw: {plan.title}")
    before = _before(change, applied)
    edited = Edited(
        path=change.path,
        before=before,
        after=applied.document.text,
        created=change.document is None,
        saved=applied.saved,
        merged=applied.merged,
        proposed=applied.beneath is not None,
        beneath=applied.beneath or "",
    )
    return Result(
        content=await off_loop(len(before), _told, plan, change, applied, before),
        summary=_standing(applied),
        # What the person typed meanwhile is not known to the model: after a merge it has to read again.
        seen={} if applied.merged else {plan.paths[0].path: applied.document.digest},
        edited=(edited,),
    )


def _standing(applied: Applied) -> str:
    where = "saved" if applied.saved else "in the editor, not saved"
    if applied.beneath is not None:
        where = "proposed, not in the file yet"
    return f"{where}, merged with what was typed meanwhile" if applied.merged else where


def _before(change: Change, applied: Applied) -> str:
    """The text just before the change: what was planned against, with what the person typed since."""
    if not applied.merged:
        return change.before
    typed = merged(change.after, change.before, applied.document.text)
    return change.before if typed is None else typed


_WAITS = (
    "The person will apply or dismiss it, and you will be told with their next message. Read and "
    "Edit show you the text with it; Grep, Glob, commands and other programs see the file without it. Do not wait for it."
)


def _told(plan: Plan, change: Change, applied: Applied, before: str) -> str:
    done = "Created" if change.document is None else "Changed"
    notes = [f"{done} {plan.payload}" + ("." if applied.saved else ": applied in the editor, not saved.")]
    if applied.beneath is not None:
        if change.document is None:
            notes = [f"Proposed the new file {plan.payload}: it is not there yet. {_WAITS}"]
        else:
            notes = [f"Proposed a change of {plan.payload}: it is not in the file yet. {_WAITS}"]
    if applied.merged:
        notes.append(
            "The file had changed meanwhile; your change was merged with that. Read the file before changing it again."
        )
    if applied.notice:
        notes.append(applied.notice)
    if change.document is not None:
        edits = minimal_edits(before, applied.document.text) if applied.merged else change.edits
        notes.append(changed_lines(before, edits))
    return "\n".join(notes)
