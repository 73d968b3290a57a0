"""What the log says of hooks."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.fact import Fact


class HookRun(BaseModel):
    """How one hook ended; `code` is None where it was never begun, or ended by us."""

    model_config = ConfigDict(frozen=True)

    name: str
    code: int | None = None
    seconds: float = 0.0
    fault: str = ""


class Hooked(Fact):
    """Hooks ran, and said this together. `context` is what the model is told, `message` what people are. `input` is what a
    call is made with in place of the model's, `halts` why the turn stops, None where it does not. `goes_on`: the turn goes on
    though the model was done; `erases`: what the person said is taken out of the prompt. What models took is `side_usage`, by
    model, and `side_cost`. `display` is what people are shown of the reply that follows in place of its text."""

    kind: Literal["hooked"] = "hooked"
    from_outside: ClassVar[bool] = True
    event: str
    call_id: str = ""
    ran: tuple[HookRun, ...] = ()
    decision: Literal["allow", "ask", "deny"] | None = None
    reason: str = ""
    input: dict[str, Any] | None = None
    context: str = ""
    message: str = ""
    halts: str | None = None
    goes_on: bool = False
    erases: bool = False
    display: str | None = None
    side_usage: dict[str, dict[str, int]] = {}
    side_cost: float | None = None
