"""Side requests: one question to the small model, outside of every session's prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from claw_lsp.core.blocks import text_block
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Message, Reply, Request
from claw_lsp.facts.signal import Signal
from claw_lsp.facts.usage import ModelFacts, Price
from claw_lsp.ports.model import Model


@dataclass(frozen=True, slots=True)
class SmallModel:
    """The small model, for what a tool asks beside the conversation; the cost is counted with the call. Where the
    provider does not have it, `instead` is asked: servers of one's own often have one model only."""

    provider: Model
    facts: ModelFacts
    instead: ModelFacts | None = None

    def price_of(self, reply: Reply) -> Price | None:
        """The price of the model that gave the reply, None where it is not known."""
        return self.instead.price if self.instead and reply.model == self.instead.id else self.facts.price

    async def ask(self, system: str, text: str, tools: tuple[Block, ...], *, must: str = "") -> Reply:
        """One reply, which must call the tool named, as far as the model can be made to; what passes by meanwhile is not
        shown. Its `model` is the id of the one that was asked. Raises ModelError."""
        return await self.converse(system, ({"role": "user", "content": (text_block(text),)},), tools, must=must)

    async def converse(
        self, system: str, messages: tuple[Message, ...], tools: tuple[Block, ...], *, must: str = ""
    ) -> Reply:
        """As `ask`, after all of these messages. Raises ModelError."""
        try:
            return await self._asked(self.facts, system, messages, tools, must)
        except ModelError as error:
            if error.reason != "model_not_found" or self.instead is None or self.instead.id == self.facts.id:
                raise
            return await self._asked(self.instead, system, messages, tools, must)

    async def _asked(
        self, facts: ModelFacts, system: str, messages: tuple[Message, ...], tools: tuple[Block, ...], must: str
    ) -> Reply:
        if must and not facts.forces_tools:
            told = text_block(f"Answer by a call of the tool {must}, and with nothing else.")
            messages = (*messages[:-1], messages[-1] | {"content": (*messages[-1]["content"], told)})
        request = Request(
            model=facts.id,
            system=({"type": "text", "text": system},),
            tools=tools,
            messages=messages,
            max_tokens=min(8_000, facts.max_output),
            tool_choice={"type": "tool", "name": must} if must and facts.forces_tools else None,
        )
        return replace(await self.provider.consult(request, _unheard), model=facts.id)


async def _unheard(signal: Signal) -> None:
    return None
