"""What a run proposed: shown as a diff, and written when the person at the terminal says yes; else it waits in its session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from claw_lsp.core.hunks import synced
from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.proposals import all_applied, overlaid
from claw_lsp.core.unified import unified
from claw_lsp.core.words import counted
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import Entry
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.facts.reviewed import ProposalApplied, ProposalDismissed
from claw_lsp.facts.text import Change, Document, TextEdit
from claw_lsp.ports.files import Workspace
from claw_lsp.term.asking import WAIT, Person

CHOICES = (
    Choice(WAIT, "Leave it waiting; the next run and editors find it in the session"),
    Choice(DENY, "Dismiss it"),
    Choice(ONCE, "Apply it"),
)

Decided = Literal["applied", "dismissed", "waiting"]
Saw = Callable[[Entry], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of what was proposed; `problems` say what could not be applied, and waits still."""

    state: Decided
    diffs: dict[str, str]
    problems: tuple[str, ...] = ()


async def diffs_of(session: Session, workspace: Workspace) -> dict[str, str]:
    """What is proposed, by file, each as a diff against the file as it is now."""
    found: dict[str, str] = {}
    for path in session.proposals.waiting:
        document = await _document(path, workspace)
        before = document.text if document else None
        after = session.proposals.text(path, before or "")
        name = path.removeprefix(f"{session.state.cwd}/")
        found[path] = await asyncio.to_thread(unified, name, before, after)
    return found


async def review(session: Session, workspace: Workspace, person: Person, diffs: dict[str, str], saw: Saw) -> Reviewed:
    """Ask about all of it at once, and do what was said. Nobody to ask leaves it waiting."""
    answer = await person.answer(_question(session, diffs))
    if answer.by == "nobody" or answer.choice == WAIT:
        return Reviewed("waiting", diffs)
    if answer.choice == DENY:
        for path in diffs:
            for hunk in session.proposals.open(path):
                await saw(session.write(ProposalDismissed(hunk=hunk.id, path=path)))
        return Reviewed("dismissed", diffs)
    problems: list[str] = []
    for path in diffs:
        try:
            problems += await _apply(session, workspace, path, saw)
        except ToolError as error:
            problems.append(str(error))
    return Reviewed("applied", diffs, tuple(problems))


async def _apply(session: Session, workspace: Workspace, path: str, saw: Saw) -> list[str]:
    """Write what is proposed for one file; what is in the way of it, in words."""
    document = await _document(path, workspace)
    if document is None and not session.proposals.creates(path):
        raise StaleDocument(f"{path} was deleted since it was proposed to change it. Nothing was written there.")
    ledger = synced(session.proposals.ledgers[path], document.text if document else "")
    after, done = all_applied(ledger)
    if done:
        edits = minimal_edits(document.text, after.text) if document else (TextEdit(0, 0, after.text),)
        await workspace.apply(Change(path, document, edits), "Claw: apply")
    for hunk in done:
        await saw(session.write(ProposalApplied(hunk=hunk.id, path=path)))
    left = len(after.open)
    return (
        [f"{counted(left, 'change')} of {path} could not be applied: the text there was changed since."] if left else []
    )


async def _document(path: str, workspace: Workspace) -> Document | None:
    try:
        return await workspace.read(path)
    except NoSuchFile:
        return None


def _question(session: Session, diffs: dict[str, str]) -> Question:
    title = f"Apply these changes to {counted(len(diffs), 'file')}?"
    changes = tuple(Change(path, None, (TextEdit(0, 0, overlaid(session.proposals.ledgers[path])),)) for path in diffs)
    plan = Plan(Call(id="review", name="Edit", input={}), Reach.EDIT, title, changes=changes)
    return Question(str(uuid4()), session.id, "", plan, title, "", CHOICES)
