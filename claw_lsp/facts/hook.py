"""What hooks say of a call before it is judged."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.facts.rule import Behavior


@dataclass(frozen=True, slots=True)
class HookEnded:
    """How one PreToolUse hook ended. `code` is None where it crashed, ran out of time or could not be started; `decision`
    is what its output said, if it said one. `must_run`: a failure of this hook refuses the call (`onFailure: "block"`)."""

    code: int | None
    decision: Behavior | None = None
    reason: str = ""
    must_run: bool = False


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """What the hooks decided together, and why, for people."""

    decision: Behavior
    reason: str = ""
