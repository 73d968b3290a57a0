"""What the model is told about the permission mode it works in."""

from __future__ import annotations

from typing import Final

from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Settings

_ACCEPT_EDITS = "edits inside the workspace need no question now."
_PLAN = "look and think, change nothing, and present the plan with ExitPlanMode."
_AUTO = "a small model decides most of what would be asked. What it refuses, the person would refuse: go on without it."
_BYPASS = "nearly nothing is asked now. Take the more care."
_DONT_ASK = "nobody is asked: what the rules do not allow is refused. Go on without it."

SWITCHED: Final = {
    Mode.DEFAULT: "The person left the mode before: what the rules do not allow is asked again.",
    Mode.ACCEPT_EDITS: f"The person switched to acceptEdits: {_ACCEPT_EDITS}",
    Mode.PLAN: f"The person switched to plan mode: {_PLAN}",
    Mode.AUTO: f"The person switched to auto: {_AUTO}",
    Mode.BYPASS: f"The person switched to bypassPermissions: {_BYPASS}",
    Mode.DONT_ASK: f"The person switched to dontAsk: {_DONT_ASK}",
}
"""Told when the mode becomes this one."""

BEGINS: Final = {
    Mode.ACCEPT_EDITS: f"The session begins in the mode acceptEdits: {_ACCEPT_EDITS}",
    Mode.PLAN: f"The session begins in plan mode: {_PLAN}",
    Mode.AUTO: f"The session begins in the mode auto: {_AUTO}",
    Mode.BYPASS: f"The session begins in the mode bypassPermissions: {_BYPASS}",
    Mode.DONT_ASK: f"The session begins in the mode dontAsk: {_DONT_ASK}",
}
"""Told at the end of what opens the first message, where the mode is not the default."""


def forbidden(mode: Mode, settings: Settings) -> str:
    """Why the settings do not let anybody choose this mode; "" where they do."""
    if mode is Mode.BYPASS and settings.disable_bypass:
        return "mode: bypassPermissions is switched off by the settings (disableBypassPermissionsMode)"
    if mode is Mode.AUTO and settings.disable_auto:
        return "mode: auto is switched off by the settings (disableAutoMode)"
    return ""
