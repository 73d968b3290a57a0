"""What the person took out of the window by hand."""

from __future__ import annotations

from typing import ClassVar, Literal

from claw_lsp.facts.fact import Fact


class Dropped(Fact):
    """The person left items out of what the model is sent: a new prefix begins. `items` are ids as `claw.context` lists them
    (core/window.py says how they are made), of the prefix that holds when the turn in flight has ended."""

    kind: Literal["dropped"] = "dropped"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    items: tuple[str, ...]
