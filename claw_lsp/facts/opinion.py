"""What the small model says of a call in auto mode, and the rules it goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AutoRules(BaseModel):
    """The keys `autoMode.*` of a settings file: sentences that a small model judges calls by, beside our own."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True)

    auto_environment: tuple[str, ...] = Field(
        (),
        alias="autoMode.environment",
        description="What the small model should know, in the mode auto, of where the work is done, in sentences. Only your"
        " own settings are read.",
    )
    auto_allow: tuple[str, ...] = Field(
        (), alias="autoMode.allow", description="What needs no question in the mode auto, in sentences."
    )
    auto_soft_deny: tuple[str, ...] = Field(
        (), alias="autoMode.soft_deny", description="What you are asked about in the mode auto, in sentences."
    )
    auto_hard_deny: tuple[str, ...] = Field(
        (), alias="autoMode.hard_deny", description="What is refused in the mode auto, in sentences."
    )


@dataclass(frozen=True, slots=True)
class Opinion:
    """`reason` is for people; `usage` what asking took, by model, and `cost` in dollars, None where that is not known."""

    decision: Literal["allow", "ask", "deny"]
    reason: str
    usage: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    cost: float | None = None
