"""Calls that are alike enough for one question: which are, what was shown of each, and how the question begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.core.policy.offers import offer
from claw_lsp.facts.plan import Plan, PlannedPath, Reach

ENOUGH = 3
"""From how many calls on there is one question; two are asked about one after the other."""
IN_SIGHT = 240
"""Characters of all that stands in the question's one line."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person was shown of a plan, without what may move while others like it are done: where an edit stands."""

    paths: tuple[PlannedPath, ...]
    command: str | None
    url: str | None
    edits: tuple[tuple[str, str, str], ...]


def shown(plan: Plan) -> Shown:
    """A plan that is made anew does what was shown exactly when this is the same."""
    edits = tuple(
        (change.path, change.before[it.start : it.end], it.new) for change in plan.changes for it in change.edits
    )
    return Shown(plan.paths, plan.command, plan.url, edits)


def fits(plans: Sequence[Plan], more: Plan) -> bool:
    """Whether this one may be asked about with those: the same kind, the same host or folder, and all of it in sight."""
    first = plans[0]
    if more.reach is not first.reach or more.inquiries:
        return False
    if first.reach in (Reach.FETCH, Reach.READ) and offer(first) != offer(more):
        return False
    if first.reach is Reach.EDIT:
        return True
    said = [it.command or it.title for it in (*plans, more)]
    return sum(map(len, said)) <= IN_SIGHT and not any("\n" in it for it in said)


def title(plans: Sequence[Plan]) -> str:
    """What is to be done, in one line: edits by their files, everything else one by one."""
    n = len(plans)
    if plans[0].reach is Reach.EDIT:
        files = tuple(dict.fromkeys(path.path for it in plans for path in it.paths))
        names = ", ".join(it.rsplit("/", 1)[-1] for it in files[:5]) + (", …" if len(files) > 5 else "")
        return f"{n} edits in {len(files)} file{'s' if len(files) != 1 else ''}: {names}"
    if plans[0].reach is Reach.RUN:
        return f"Run {n} commands: " + " ".join(f"({k}) {it.command}" for k, it in enumerate(plans, 1))
    return f"{n} calls: {', '.join(it.title for it in plans)}"
