"""What hooks are told, and what becomes a fact of what they said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claw_lsp.core.foreign import harmless
from claw_lsp.core.hooks.choosing import Occasion
from claw_lsp.core.hooks.saying import Said
from claw_lsp.core.state import State
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.hooked import Hooked, HookRun

MOST_HELD = 8
"""How often in a row hooks may keep a turn from ending."""
LONGEST = 10_000
"""Characters of a text that a hook says to the model; a longer one is told by its beginning and its file."""

WOKEN = "A hook that ran in the background refused what was done: read what it said, and put it right."
"""What begins a turn in a session that rested; the hook's own words stand beside it, marked as a hook's."""

_OF_PROMPT = ("UserPromptSubmit", "UserPromptExpansion")
"""Events that stand before a prompt: a hook that is against it takes it back."""

_REASON_TOLD = frozenset({"PostToolUse", "PostToolUseFailure", "Stop"})
"""Events where the model is told why a hook is against what it did."""


def told(state: State, occasion: Occasion, transcript: str) -> dict[str, Any]:
    """The object that every hook reads."""
    effort = {"effort": {"level": state.effort}} if state.effort else {}
    return {
        "session_id": state.session,
        "prompt_id": state.turn.prompt_id if state.turn else "",
        "transcript_path": transcript,
        "cwd": state.cwd,
        "permission_mode": state.mode.value,
        **effort,
        "hook_event_name": occasion.event,
        **occasion.given,
    }


def fact(occasion: Occasion, said: Said, hooks: Sequence[Hook], ran: Sequence[HookRan]) -> Hooked:
    """What is written down; from it alone follows what the session does."""
    event, against = occasion.event, said.decision == "deny"
    halts = None if event == "Stop" else said.halts  # It stops anyway.
    # What PreCompact hooks say is for the summary; of what is shown the model hears nothing.
    context = "" if event in ("PreCompact", "MessageDisplay") else said.context
    if against and event in _REASON_TOLD:
        context = "\n\n".join(filter(None, (said.reason, context)))
    if against and event in (*_OF_PROMPT, "PostToolBatch") and halts is None:
        halts = said.reason or f"A hook ({event}) stopped it."
    runs = (
        HookRun(name=it.name, code=how.code, seconds=how.seconds, fault=how.fault)
        for it, how in zip(hooks, ran, strict=True)
    )
    return Hooked(
        event=event,
        call_id=occasion.call_id,
        ran=tuple(runs),
        decision=said.decision,
        reason=said.reason,
        input=dict(said.input) if said.input is not None else None,
        context=f'<hook_result event="{event}">\n{harmless(context, "hook_result")}\n</hook_result>' if context else "",
        message="\n".join(filter(None, (said.message, *said.faults))),
        halts=halts,
        goes_on=event == "Stop" and against and said.halts is None,
        erases=event in _OF_PROMPT and against,
        display=said.display,
        side_usage={model: dict(numbers) for how in ran for model, numbers in how.usage.items()},
        side_cost=_sum(ran),
    )


def in_a_line(event: Hooked) -> str:
    """A fact of hooks for people, without their names."""
    if event.halts is not None:
        how = f"stops: {event.halts}"
    elif event.goes_on:
        how = f"goes on: {event.reason}"
    elif event.decision == "deny" and event.event in _REASON_TOLD:
        how = f"says: {event.reason}"
    elif event.decision:
        how = f"{event.decision}: {event.reason}".rstrip(": ")
    else:
        how = ""
    changed = "input changed" if event.input is not None else ""
    spoken = "told the model" if event.context and not event.goes_on and not event.decision else ""
    said = "; ".join(filter(None, (how, changed, spoken, event.message)))
    return " ".join(filter(None, (event.event, event.call_id if said else "", said)))


def _sum(ran: Sequence[HookRan]) -> float | None:
    costs = [it.cost for it in ran]
    return None if None in costs else sum(it for it in costs if it is not None)
