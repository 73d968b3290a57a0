"""Auto mode: which calls a small model may decide."""

from __future__ import annotations

from typing import Final

from claw_lsp.core.policy import shell, writes
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.policy.reading import read_line
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Verdict
from claw_lsp.facts.scene import Ground

MOST_IN_A_ROW: Final = 3
MOST_IN_ALL: Final = 20
"""After so many refusals the small model is not asked any more: either it or the model errs."""


def may_judge(verdict: Verdict, plan: Plan, ground: Ground) -> bool:
    """Whether this is anything for the small model. A person answers what they are always asked, what an ask rule is about, what
    could not be read whole, names protected places or secrets, or changes files outside the workspace."""
    if verdict.firm or verdict.rule or verdict.decision != "ask":
        return False
    if plan.reach is Reach.EDIT:
        return all(inside(it.path, ground.roots) and inside(it.target, ground.roots) for it in plan.paths)
    if plan.reach is Reach.RUN:
        line = read_line(plan.command or "")
        named = (*writes.named(line, ground), *(it.target for it in plan.writes))
        within = all(inside(it, ground.roots) for it in named)
        known = all(it.places for it in writes.redirected(line, ground))
        return not line.unread and within and known and shell.elsewhere(line, ground.roots) is None
    return True


def stopped(refusals: tuple[int, int]) -> bool:
    """Whether the small model refused so often, in a row and in all, that it judges no more until the mode is chosen anew."""
    in_a_row, in_all = refusals
    return in_a_row >= MOST_IN_A_ROW or in_all >= MOST_IN_ALL
