"""What is known about each model: limits, thinking, caching. Prices are not here; the server bills nobody.

Limits and thinking types are those of the models page of November 2026. The smallest cacheable prefix of the models
after 4.6 is not published for all of them: where it is not, the larger likely figure stands, so that a client which
caches here also caches there.
"""

from dataclasses import dataclass, replace
from typing import Final

ALL_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
NO_XHIGH: Final = ("low", "medium", "high", "max")
K: Final = 1_000


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model's limits and habits.

    Invariant: `thinking` holds exactly the thinking types a request for this model may name.
    """

    id: str
    name: str
    context: int
    max_output: int
    thinking: tuple[str, ...]
    efforts: tuple[str, ...]
    min_cacheable: int
    system_in_messages: bool = True
    forces_tools: bool = True
    binds_thinking: bool = False
    takes_prefill: bool = False
    released: str = "2026-01-01T00:00:00Z"

    @property
    def thinks_by_default(self) -> bool:
        """Whether a request that does not mention thinking thinks all the same."""
        return "disabled" not in self.thinking


def _bound(model: str, name: str, thinking: tuple[str, ...], min_cacheable: int) -> ModelFacts:
    return replace(_recent(model, name, thinking, min_cacheable), binds_thinking=True)


def _recent(model: str, name: str, thinking: tuple[str, ...], min_cacheable: int) -> ModelFacts:
    return ModelFacts(model, name, 1000 * K, 128 * K, thinking, ALL_EFFORTS, min_cacheable)


def _older(model: str, name: str, thinking: tuple[str, ...], min_cacheable: int) -> ModelFacts:
    return ModelFacts(model, name, 1000 * K, 128 * K, thinking, NO_XHIGH, min_cacheable, system_in_messages=False)


def _old(model: str, name: str, efforts: tuple[str, ...], min_cacheable: int) -> ModelFacts:
    facts = ModelFacts(model, name, 200 * K, 64 * K, ("enabled", "disabled"), efforts, min_cacheable)
    return replace(facts, system_in_messages=False, takes_prefill=True)


_ADAPTIVE: Final = ("adaptive",)
_BETWEEN: Final = ("adaptive", "between_tools")
_OPTIONAL: Final = ("adaptive", "disabled")
_EITHER: Final = ("adaptive", "enabled", "disabled")

MODELS: Final[tuple[ModelFacts, ...]] = (
    replace(_bound("claude-opus-5-5", "Claude Opus 5.5", _ADAPTIVE, 1024), forces_tools=False),
    replace(_bound("claude-sonnet-5-5", "Claude Sonnet 5.5", _BETWEEN, 1024), forces_tools=False),
    _bound("claude-haiku-5-5", "Claude Haiku 5.5", _OPTIONAL, 2048),
    _bound("claude-fable-5-2", "Claude Fable 5.2", _ADAPTIVE, 512),
    _bound("claude-fable-5-1", "Claude Fable 5.1", _ADAPTIVE, 512),
    _bound("claude-mythos-5-2", "Claude Mythos 5.2", _ADAPTIVE, 512),
    _bound("claude-mythos-5-1", "Claude Mythos 5.1", _ADAPTIVE, 512),
    _recent("claude-fable-5", "Claude Fable 5", _ADAPTIVE, 512),
    _recent("claude-mythos-5", "Claude Mythos 5", _ADAPTIVE, 512),
    _recent("claude-opus-5", "Claude Opus 5", _OPTIONAL, 1024),
    _recent("claude-opus-4-8", "Claude Opus 4.8", _OPTIONAL, 1024),
    replace(_recent("claude-sonnet-5", "Claude Sonnet 5", _OPTIONAL, 1024), system_in_messages=False),
    replace(_recent("claude-opus-4-7", "Claude Opus 4.7", _OPTIONAL, 4096), system_in_messages=False),
    _older("claude-opus-4-6", "Claude Opus 4.6", _EITHER, 4096),
    _older("claude-sonnet-4-6", "Claude Sonnet 4.6", _EITHER, 2048),
    _old("claude-opus-4-5", "Claude Opus 4.5", ALL_EFFORTS[:3], 4096),
    _old("claude-sonnet-4-5", "Claude Sonnet 4.5", (), 1024),
    _old("claude-haiku-4-5", "Claude Haiku 4.5", (), 4096),
)

DATED: Final = {
    "claude-opus-4-5-20251101": "claude-opus-4-5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "claude-haiku-4-5-20251001": "claude-haiku-4-5",
}


def find(model: str) -> ModelFacts | None:
    """The model of that id, a dated id included, or None."""
    wanted = DATED.get(model, model)
    return next((it for it in MODELS if it.id == wanted), None)


def listing(facts: ModelFacts) -> dict[str, object]:
    """The model as /v1/models shows it."""
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    efforts = {it: {"supported": it in facts.efforts} for it in ALL_EFFORTS}
    return {
        "type": "model",
        "id": facts.id,
        "display_name": facts.name,
        "created_at": facts.released,
        "lifecycle": "active",
        "line": facts.id.split("-")[1],
        "max_input_tokens": facts.context,
        "max_tokens": facts.max_output,
        "capabilities": {
            "effort": {"supported": bool(facts.efforts), **efforts},
            "thinking": {"supported": True, "types": {it: {"supported": it in facts.thinking} for it in kinds}},
            "image_input": {"supported": True},
            "pdf_input": {"supported": True},
        },
    }
