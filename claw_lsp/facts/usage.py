"""Tokens and dollars: what the provider reported, and what it costs by the price table."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Usage(BaseModel):
    """Tokens of one or more replies, as the API reports them. Sums with `+`."""

    model_config = ConfigDict(frozen=True)

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_searches: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Everything the model read: new, written to the cache and read from it."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    def __add__(self, other: Usage) -> Usage:
        mine, theirs = self.__dict__, other.__dict__
        return Usage(**{name: mine[name] + theirs[name] for name in _FIELDS})


class Price(BaseModel):
    """Dollars per million tokens; a search costs `web_search` dollars a thousand."""

    model_config = ConfigDict(frozen=True)

    input: float
    output: float
    cache_read: float
    cache_write_5m_factor: float = 1.25
    cache_write_1h_factor: float = 2.0
    web_search: float = 10.0
    long_prompt_over: int | None = None
    long_prompt_factor: float = 1.0


class ModelFacts(BaseModel):
    """What is known of one model: limits in tokens, kinds of thinking it takes, its price if public. `forces_tools`: it can
    be made to call a tool; one that always thinks can only be told to."""

    model_config = ConfigDict(frozen=True)

    id: str
    context: int = 200_000
    max_output: int = 64_000
    thinking: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    mid_conversation_system: bool = False
    forces_tools: bool = True
    price: Price | None = None


def cost(usage: Usage, price: Price | None) -> float | None:
    """Dollars; None when the model's price is not known (never zero for unknown)."""
    if price is None:
        return None
    long = price.long_prompt_over is not None and usage.prompt_tokens > price.long_prompt_over
    factor = price.long_prompt_factor if long else 1.0
    per_input = price.input * factor / 1e6
    return (
        usage.input_tokens * per_input
        + usage.cache_write_5m_tokens * per_input * price.cache_write_5m_factor
        + usage.cache_write_1h_tokens * per_input * price.cache_write_1h_factor
        + usage.cache_read_tokens * price.cache_read * factor / 1e6
        + usage.output_tokens * price.output * factor / 1e6
        + usage.web_searches * price.web_search / 1e3
    )


_FIELDS = tuple(Usage.model_fields)
