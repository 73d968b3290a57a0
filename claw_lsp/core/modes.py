"""What the model is told about the permission mode it works in."""

from __future__ import annotations

from typing import Final

from claw_lsp.facts.rule import Mode

_ACCEPT_EDITS = "edits inside the workspace need no question now."
_PLAN = "look and think, change nothing, and present the plan with ExitPlanMode."
_BYPASS = "nearly nothing is asked now. Take the more care."
_DONT_ASK = "nobody is asked: what the rules do not allow is refused. Go on without it."

SWITCHED: Final = {
    Mode.DEFAULT: "The person left the mode before: what the rules do not allow is asked again.",
    Mode.ACCEPT_EDITS: f"The person switched to acceptEdits: {_ACCEPT_EDITS}",
    Mode.PLAN: f"The person switched to plan mode: {_PLAN}",
    Mode.BYPASS: f"The person switched to bypassPermissions: {_BYPASS}",
    Mode.DONT_ASK: f"The person switched to dontAsk: {_DONT_ASK}",
}
"""Told when the mode becomes this one."""

BEGINS: Final = {
    Mode.ACCEPT_EDITS: f"The session begins in the mode acceptEdits: {_ACCEPT_EDITS}",
    Mode.PLAN: f"The session begins in plan mode: {_PLAN}",
    Mode.BYPASS: f"The session begins in the mode bypassPermissions: {_BYPASS}",
    Mode.DONT_ASK: f"The session begins in the mode dontAsk: {_DONT_ASK}",
}
"""Told at the end of what opens the first message, where the mode is not the default."""
