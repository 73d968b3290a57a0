"""Side requests: one question to the small model, outside of every session's prompt."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.facts.call import Block
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import Signal
from claw_lsp.facts.usage import ModelFacts, Price
from claw_lsp.ports.model import Model


@dataclass(frozen=True, slots=True)
class SmallModel:
    """The small model, for what a tool asks beside the conversation; the cost is counted with the call."""

    provider: Model
    facts: ModelFacts

    @property
    def model(self) -> str:
        return self.facts.id

    @property
    def price(self) -> Price | None:
        return self.facts.price

    async def ask(self, system: str, text: str, tools: tuple[Block, ...], *, must: str = "") -> Reply:
        """One reply, which must call the tool named; what passes by meanwhile is not shown. Raises ModelError."""
        request = Request(
            model=self.facts.id,
            system=({"type": "text", "text": system},),
            tools=tools,
            messages=({"role": "user", "content": ({"type": "text", "text": text},)},),
            max_tokens=min(8_000, self.facts.max_output),
            tool_choice={"type": "tool", "name": must} if must else None,
        )
        return await self.provider.consult(request, _unheard)


async def _unheard(signal: Signal) -> None:
    return None
