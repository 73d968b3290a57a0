"""The context meter: how much of the model's window the last request took."""

from __future__ import annotations

from claw_lsp.core.render import dollars
from claw_lsp.core.state import State
from claw_lsp.facts.usage import ModelFacts, Usage


def used_percent(tokens: int, facts: ModelFacts) -> int:
    """Percent of the model's window that so many tokens take."""
    return min(100, round(100 * tokens / facts.context))


def total(state: State) -> Usage:
    """Everything the session used, over all models."""
    return sum(state.usage.values(), Usage())


NEAR = 0.8
"""The share of the dollars a session may cost from which on the person is told."""


def nearly_spent(state: State, most: float | None) -> str:
    """A sentence once a session has cost most of the dollars that it may; "" before, and where nothing limits it."""
    if state.cost is None or most is None or state.cost < NEAR * max(most, state.max_cost):
        return ""
    return f"this session has cost most of the {dollars(max(most, state.max_cost))} that it may (maxCost)."
