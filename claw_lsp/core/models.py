"""Which model answers, and what it is asked for: those that the settings allow, those that stand in, how much to think."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from claw_lsp.core.state import State
from claw_lsp.facts.event import ModelChanged
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def refused(model: str, settings: Settings) -> str:
    """Why this model, by its id, may not be used; "" where it may."""
    allowed = settings.available_models
    if not allowed or model in allowed:
        return ""
    return f"{model} is not among the models that the settings allow (availableModels): choose {' or '.join(allowed)}."


def nearest_effort(wanted: str | None, facts: ModelFacts) -> str | None:
    """The level that the model knows and that is nearest to the one wanted, the lower of two; None where it knows none."""
    if wanted is None or wanted not in EFFORTS or not facts.efforts:
        return None
    rank = EFFORTS.index(wanted)
    return min(
        (it for it in EFFORTS if it in facts.efforts), key=lambda it: abs(EFFORTS.index(it) - rank), default=None
    )


def effort_said(wanted: str, facts: ModelFacts) -> str:
    """What the person should hear of a level that the model does not know; "" for one it knows."""
    if wanted in facts.efforts:
        return ""
    nearest = nearest_effort(wanted, facts)
    if nearest is None:
        return f"{facts.id} takes no effort: it thinks as much as it does."
    return f"{facts.id} does not know the effort {wanted}: it is asked for {nearest}, the nearest it knows."


def stand_in(error: ModelError, state: State, others: Iterable[str]) -> ModelChanged | None:
    """The first of the other models, by their ids, that did not fail in this turn, for the rest of it; None where there is
    none, or where another model would fail just the same."""
    if state.turn is None or not can_stand_in(error):
        return None
    tried = (*state.turn.failed, state.model)
    other = next((it for it in others if it not in tried), None)
    return ModelChanged(model=other, why=_WHY[error.reason].format(state.model)) if other else None


def can_stand_in(error: ModelError) -> bool:
    """Whether another model may do what this one failed at."""
    return error.reason in _WHY


_WHY: Final[Mapping[str, str]] = {
    "overloaded": "{} is overloaded",
    "model_not_found": "{} is not known to the provider",
}
