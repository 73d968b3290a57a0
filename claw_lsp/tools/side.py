"""One request to the small model beside the session: what a tool needs of it, and how its cost is counted."""

from __future__ import annotations

from typing import Protocol

from claw_lsp.facts.call import Block
from claw_lsp.facts.request import Reply
from claw_lsp.facts.usage import Price, cost


class SideModel(Protocol):
    """The small model, asked once, outside the session."""

    def price_of(self, reply: Reply) -> Price | None:
        """None when it is not known."""
        ...

    async def ask(self, system: str, text: str, tools: tuple[Block, ...]) -> Reply:
        """One reply to one user message; `tools` are the API's own server tools. Raises ModelError."""
        ...


def side_cost(side: SideModel, reply: Reply) -> float | None:
    """Dollars of one side request; None when the model's price is not known."""
    return cost(reply.usage, side.price_of(reply))


def side_usage(reply: Reply) -> dict[str, dict[str, int]]:
    """The tokens of one side request under its model's id, as `Result.side_usage` holds them."""
    return {reply.model: reply.usage.model_dump()}
