"""Permission modes, rules and verdicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Mode(StrEnum):
    """What happens to a call that no rule decides."""

    DEFAULT = "default"
    ACCEPT_EDITS = "acceptEdits"
    PLAN = "plan"
    AUTO = "auto"
    BYPASS = "bypassPermissions"
    DONT_ASK = "dontAsk"


Behavior = Literal["allow", "ask", "deny"]
Kept = Literal["local", "project", "user"]
"""The settings that a rule is written into: the folder's local ones, those it shares, the person's own."""


class Rule(BaseModel):
    """One permission rule as written, for example `Bash(npm test *)`, and where it comes from. `base` is the folder that
    `/path` in it hangs on, "" for the working directory; `file` the settings file it stands in, "" for none."""

    model_config = ConfigDict(frozen=True)

    text: str
    behavior: Behavior
    source: str = "session"
    base: str = ""
    file: str = ""


class Verdict(BaseModel):
    """What the policy says of a plan: the decision, the rule that made it (if one did) with where it
    comes from ("hook" where hooks decided), and why, for people.

    `firm`: asked whatever the mode is and whatever was allowed before; only a person may answer it.
    """

    model_config = ConfigDict(frozen=True)

    decision: Behavior
    rule: str | None = None
    source: str | None = None
    reason: str
    firm: bool = False
