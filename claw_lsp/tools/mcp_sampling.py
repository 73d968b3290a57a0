"""What servers had the model write during a call: passed on, and added up for the call that pays for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claw_lsp.facts.mcp import Elicitation, Elicited, Sampled
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.mcp import Asked


class Counting:
    """Fills `Asked` for one call. `usage` and `cost` are what was spent so far, as `Result` holds them."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.usage: dict[str, dict[str, int]] = {}
        self.cost: float | None = 0.0

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        return await self._asked.elicit(elicitation)

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        written = await self._asked.sample(server, request)
        if written is not None:
            for model, took in written.usage.items():
                before = Usage.model_validate(self.usage.get(model, {}))
                self.usage[model] = (before + Usage.model_validate(took)).model_dump()
            self.cost = None if self.cost is None or written.cost is None else self.cost + written.cost
        return written
