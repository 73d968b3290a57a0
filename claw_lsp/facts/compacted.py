"""Facts of compaction: what the model is sent became shorter, or could not be made so."""

from __future__ import annotations

from typing import ClassVar, Literal

from claw_lsp.facts.call import Block
from claw_lsp.facts.fact import Fact
from claw_lsp.facts.usage import Usage

Trigger = Literal["auto", "manual"]


class Compacted(Fact):
    """A new prefix began, in place of a longer one: `head` opens it, behind it stand the last `kept` messages, and what stands
    for calls in `notes` replaces their results, and other blocks by where they stood (`block:M.B`). Without `head` all messages
    stay, and only those went.

    `summary` is what the model wrote over the older prefix, at the price of `usage` and `cost`. `seen` is what the model knows of
    files now, `attached` those that were read anew; `instructions` as in `session_started`. `before` and `after` are tokens, the
    second an estimate.
    """

    kind: Literal["compacted"] = "compacted"
    is_lasting: ClassVar[bool] = True
    trigger: Trigger
    focus: str = ""
    summary: str = ""
    head: tuple[Block, ...] = ()
    kept: int = 0
    notes: dict[str, str] = {}
    seen: dict[str, str] | None = None
    attached: tuple[str, ...] = ()
    instructions: dict[str, str] | None = None
    before: int = 0
    after: int = 0
    model: str = ""
    usage: Usage = Usage()
    cost: float | None = 0.0

    @property
    def outside(self) -> bool:
        return self.trigger == "manual"


class CompactionFailed(Fact):
    """A compaction came to nothing: the session goes on as it was. `why` is for people, and says what they can do."""

    kind: Literal["compaction_failed"] = "compaction_failed"
    from_outside: ClassVar[bool] = True
    trigger: Trigger
    why: str
    model: str = ""
    usage: Usage = Usage()
    cost: float | None = 0.0
