"""The one table of models: limits, kinds of thinking, efforts and prices. Settings add to it and override it.

Prices are dollars per million tokens from the provider's public price and model pages, as of 2026-11-22; the SDK has
none. A model whose price is not public has `price=None`: its cost is unknown, never zero.
"""

from __future__ import annotations

import re
from typing import Final

from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts, Price

ALIASES: Final = {"opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5"}

DEFAULT: Final = "default"
"""The name of the model that the settings say, whatever it is."""

UNKNOWN: Final = ModelFacts(id="", context=128_000, max_output=8_192)
"""What may be assumed of a model nobody described: little, and no thinking parameter, so that local models work."""


def resolve(name: str, settings: Settings) -> ModelFacts:
    """The model of an alias or id. `id` is what goes into a request; a dated id has the facts of the undated one.

    An id of Bedrock or Vertex has the facts of its model, but for the price.
    An id that is in no table works: its limits are conservative, its price is None. What the settings say of a model
    stands over what the table says, field by field.
    """
    model_id = _meant(name, settings)
    plain = _DATE.sub("", _OF_CLOUD.sub("", model_id))
    facts = TABLE.get(plain, UNKNOWN)
    if _OF_CLOUD.search(model_id):
        # What another provider takes for it is not in our table.
        facts = facts.model_copy(update={"price": None})
    for it in dict.fromkeys((plain, model_id)):
        if (said := settings.models.get(it)) is not None:
            facts = facts.model_copy(update={field: getattr(said, field) for field in said.model_fields_set})
    return facts.model_copy(update={"id": model_id})


def within(settings: Settings) -> Settings:
    """The settings with the ids of the models that may be used and that stand in. A model that nobody picked gives way to
    the first one that may be used."""
    if not (settings.available_models or settings.fallback_models):
        return settings
    allowed = tuple(dict.fromkeys(_meant(it, settings) for it in settings.available_models))
    fallback = tuple(_meant(it, settings) for it in settings.fallback_models)
    given = (settings.model, settings.small_model)
    model, small = (it if not allowed or _meant(it, settings) in allowed else allowed[0] for it in given)
    return settings.model_copy(
        update={
            "available_models": allowed,
            "fallback_models": tuple(it for it in fallback if not allowed or it in allowed),
            "model": model,
            "small_model": model if small != given[1] else small,
        }
    )


def _meant(name: str, settings: Settings) -> str:
    """The id of what a person named; `default` is what the settings say."""
    if name == DEFAULT:
        name = settings.model if settings.model != DEFAULT else "opus"
    return {**ALIASES, **settings.aliases}.get(name, name)


def unknown(name: str, settings: Settings) -> str:
    """What a person should hear about a model that is in no table; "" for one that is."""
    model_id = _meant(name, settings)
    if not {model_id, _DATE.sub("", _OF_CLOUD.sub("", model_id))}.isdisjoint({**TABLE, **settings.models}):
        return ""
    aliases = ", ".join(dict.fromkeys((*ALIASES, *settings.aliases)))
    return (
        f"The limits and the price of {model_id} are not known: little is assumed of it, and what it costs is not counted."
        f" The aliases are {aliases}. If it is right, describe it under `models` in the settings."
    )


def names(settings: Settings) -> tuple[str, ...]:
    """What a person may choose from: aliases first, then ids."""
    every = dict.fromkeys((*ALIASES, *settings.aliases, *TABLE, *settings.models, *settings.available_models))
    allowed = settings.available_models
    return tuple(it for it in every if not allowed or _meant(it, settings) in allowed)


_OF_CLOUD: Final = re.compile(r"^(?:[a-z-]+\.)?anthropic\.|-v\d+(?::\d+)?$|@(?:\d{8}|latest)$")
"""What Bedrock puts around the name of a model, and Vertex behind it."""
_DATE: Final = re.compile(r"-20\d{6}$")
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_BEFORE_XHIGH: Final = ("low", "medium", "high", "max")
_OPUS_PRICE: Final = Price(input=5, output=25, cache_read=0.50)


def _large(
    model_id: str,
    price: Price | None,
    *thinking: str,
    efforts: tuple[str, ...] = _EFFORTS,
    mid_conversation_system: bool = True,
    forces_tools: bool = True,
) -> ModelFacts:
    return ModelFacts(
        id=model_id,
        context=1_000_000,
        max_output=128_000,
        thinking=thinking,
        efforts=efforts,
        mid_conversation_system=mid_conversation_system,
        forces_tools=forces_tools,
        price=price,
    )


def _small(model_id: str, price: Price, efforts: tuple[str, ...] = ()) -> ModelFacts:
    return ModelFacts(
        id=model_id, context=200_000, max_output=64_000, thinking=("enabled", "disabled"), efforts=efforts, price=price
    )


_MODELS: Final = (
    _large("claude-opus-5-5", Price(input=4, output=20, cache_read=0.20), "adaptive", forces_tools=False),
    _large(
        "claude-sonnet-5-5", Price(input=2, output=10, cache_read=0.10), "adaptive", "between_tools", forces_tools=False
    ),
    _large(
        "claude-haiku-5-5",
        Price(input=0.10, output=0.50, cache_read=0.01, long_prompt_over=100_000, long_prompt_factor=5),
        "adaptive",
        "disabled",
    ),
    # The cache-read price of fable-5-2 is not in the public table; a tenth of the input price is the usual share.
    _large("claude-fable-5-2", Price(input=8, output=40, cache_read=0.80), "adaptive"),
    _large("claude-fable-5-1", Price(input=10, output=50, cache_read=0.25), "adaptive"),
    _large("claude-fable-5", Price(input=10, output=50, cache_read=1), "adaptive"),
    _large("claude-mythos-5-2", None, "adaptive"),
    _large("claude-mythos-5-1", None, "adaptive"),
    _large("claude-mythos-5", None, "adaptive"),
    _large("claude-opus-5", _OPUS_PRICE, "adaptive", "disabled"),
    _large("claude-opus-4-8", _OPUS_PRICE, "adaptive", "disabled"),
    _large("claude-opus-4-7", _OPUS_PRICE, "adaptive", "disabled", mid_conversation_system=False),
    _large(
        "claude-opus-4-6",
        _OPUS_PRICE,
        *("adaptive", "enabled", "disabled"),
        efforts=_BEFORE_XHIGH,
        mid_conversation_system=False,
    ),
    _small("claude-opus-4-5", _OPUS_PRICE, ("low", "medium", "high")),
    _large(
        "claude-sonnet-5",
        Price(input=2, output=10, cache_read=0.20),
        "adaptive",
        "disabled",
        mid_conversation_system=False,
    ),
    _large(
        "claude-sonnet-4-6",
        Price(input=3, output=15, cache_read=0.30),
        *("adaptive", "enabled", "disabled"),
        efforts=_BEFORE_XHIGH,
        mid_conversation_system=False,
    ),
    _small("claude-sonnet-4-5", Price(input=3, output=15, cache_read=0.30)),
    _small("claude-haiku-4-5", Price(input=1, output=5, cache_read=0.10)),
)

TABLE: Final = {model.id: model for model in _MODELS}
