"""What hooks decide together, and how far the decision of a hook reaches."""

from __future__ import annotations

from collections.abc import Iterable

from claw_lsp.facts.hook import HookEnded, HookVerdict
from claw_lsp.facts.rule import Behavior, Verdict

_ORDER: tuple[Behavior, ...] = ("deny", "ask", "allow")
_BLOCKS = 2
"""The exit code by which a hook refuses."""


def together(ended: Iterable[HookEnded]) -> HookVerdict | None:
    """The strictest of what the hooks said; None where none said anything. A hook that failed consents to nothing."""
    said = [one for it in ended if (one := _said(it)) is not None]
    return min(said, key=lambda it: _ORDER.index(it.decision), default=None)


def answered(verdict: Verdict, decision: Behavior, reason: str = "") -> Verdict:
    """The verdict once a PermissionRequest hook answered in the person's place. `verdict` is that of the input which would
    run: where the hook wrote another, it was judged again. What is denied stays so, what is firm waits for the person."""
    if decision == "ask" or verdict.decision != "ask" or (verdict.firm and decision == "allow"):
        return verdict
    return Verdict(decision=decision, source="hook", reason=reason or f"a PermissionRequest hook said {decision}")


def _said(it: HookEnded) -> HookVerdict | None:
    if it.code == _BLOCKS or (it.code != 0 and it.must_run):
        return HookVerdict("deny", it.reason)
    return HookVerdict(it.decision, it.reason) if it.code == 0 and it.decision else None
