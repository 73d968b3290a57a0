"""Bringing files back: what each is to become, and making it so, in the editor where it is open and else on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from claw_lsp.core.merge import minimal_edits, sided
from claw_lsp.core.rewinding import (
    Changing,
    Content,
    Step,
    all_taken_back,
    content,
    data,
    places,
    restored,
    rewound_step,
    steps,
)
from claw_lsp.facts.checkpoint import Contested, Kept, Restored
from claw_lsp.facts.fault import CheckpointError, HostError, ToolError
from claw_lsp.facts.text import Change, Document
from claw_lsp.lsp.deleting import cleared
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.uris import filelike

LABEL = "Claw: rewind"
NOT_KNOWN = "What the commands of a turn changed is not known, so only the agent's own edits are taken back there."
CHANGED = "it changed meanwhile, or cannot be written"


@dataclass(slots=True)
class Plan:
    """What each file is to become; `left` says why others stay as they are, `notes` what is not covered. `contested` are the text
    that a file will have and the one that is wished, where the person wrote in the way of it."""

    files: list[Restored] = field(default_factory=list[Restored])
    contested: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    left: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])


async def planned(door: Door, changed: Sequence[Changing]) -> Plan:
    """All of this taken back, the latest first. Nothing is changed yet."""
    plan = Plan()
    every: list[Step] = []
    for it in changed:
        ends = await _ends(door, it, plan)
        every += steps(it, *ends) if ends else steps(replace(it, ran=False), {}, {})
    now = {path: await _now(door, path) for path in dict.fromkeys(it.path for it in every)}
    back, plan.left = all_taken_back(every, now)
    plan.files = [restored(path, now[path], it.now) for path, it in back.items() if now[path] != it.now]
    plan.contested = {
        path: (it.now.text, it.wished) for path, it in back.items() if it.now is not None and it.wished is not None
    }
    return plan


async def made(door: Door, plan: Plan, roots: Sequence[str]) -> list[Restored]:
    """Make it so, file by file. Those that were; the others are in `left` with the reason. Folders below the roots that are empty
    then go."""
    done: list[Restored] = []
    for file in plan.files:
        try:
            why = await (_in_editor(door, file) if _edited(door, file.path) else _on_disk(door, file))
        except (ToolError, HostError) as error:
            why = str(error)
        if why:
            plan.left[file.path] = why
        else:
            done.append(file)
    await door.house.checkpoints.tidy([it.path for it in done if it.after is None], roots)
    return done


async def contested(door: Door, plan: Plan) -> tuple[Contested, ...]:
    """The places that stayed as the person wrote them, in the texts as they are by now."""
    found: list[Contested] = []
    for path, (text, wished) in plan.contested.items():
        now = await _now(door, path)
        if path not in plan.left and now is not None:
            _, wished = sided(text, wished, now.text)
            if left := places(now.text, wished):
                found.append(Contested(path=path, text=now.text, left=left))
    return tuple(found)


async def _ends(door: Door, it: Changing, plan: Plan) -> tuple[Mapping[str, Kept], Mapping[str, Kept]] | None:
    """The files that differ between the checkpoints around a turn that ran commands, and those that it edited;
    None where that is not known."""
    plan.notes += [note for note in it.left_out if note not in plan.notes]
    if not it.ran:
        return {}, {}
    checkpoints = door.house.checkpoints
    try:
        if it.before and it.after:
            paths = {*await checkpoints.changed(it.before, it.after), *(one.path for one in it.edits)}
            return await checkpoints.read(it.before, paths), await checkpoints.read(it.after, paths)
    except CheckpointError as error:
        plan.notes.append(f"A checkpoint cannot be read: {error}")
    if NOT_KNOWN not in plan.notes:
        plan.notes.append(NOT_KNOWN)
    return None


async def _now(door: Door, path: str) -> Content | None:
    """The file as the person sees it: the editor's text before that on disk."""
    kept = content((await door.house.checkpoints.now((path,))).get(path))
    if kept is not None and kept.binary:
        return kept
    try:
        text = (await door.workspace.read(path)).text
    except ToolError:
        return kept
    return replace(kept, text=text) if kept else Content(text)


def _edited(door: Door, path: str) -> bool:
    """Whether the editor has a text of its own for it."""
    return not filelike(path) or door.buffers.get(path) is not None or path in door.workspace.unsaved()


async def _in_editor(door: Door, file: Restored) -> str:
    """Merged over what is typed meanwhile; saved where it was. A file that is to go is emptied first."""
    step = rewound_step(file)
    was, wanted = step.was, step.left
    if was is None or was.binary or (wanted is not None and wanted.binary):
        return "it is open in the editor, which cannot bring it back; close it and rewind again"
    document: Document = await door.workspace.read(file.path)
    text = wanted.text if wanted else ""
    if text != was.text:
        change = Change(file.path, replace(document, text=was.text), minimal_edits(was.text, text))
        await door.workspace.apply(change, LABEL)
    if wanted is None:
        await cleared(door, file.path, (was.text,))
    elif not document.dirty and door.workspace.can_save:
        await door.workspace.save((file.path,))
    return ""


async def _on_disk(door: Door, file: Restored) -> str:
    step = rewound_step(file)
    expected = (await door.house.checkpoints.now((file.path,))).get(file.path)
    if content(expected) != step.was:
        return CHANGED
    wanted = step.left and Kept(data(step.left), step.left.mode)
    if not await door.house.checkpoints.put(file.path, wanted, expected):
        return CHANGED
    if wanted is not None and step.left is not None and not step.left.binary:
        door.review.reads(file.path, step.left.text)
    return ""
