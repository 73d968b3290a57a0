"""Another agent in the model's place: one call of a tool that it wants, then the end. Rules, hooks and review are the same."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.blocks import text_block
from claw_lsp.facts.call import Block
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import TextArrived
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.model import Hear


class Outsider:
    """Fills the port `Model` for one turn: nothing is asked of the provider, and nothing costs."""

    def __init__(self, call_id: str, tool: str, given: dict[str, Any], said: str) -> None:
        block: Block = {"type": "tool_use", "id": call_id, "name": tool, "input": given}
        self._said = said
        self._replies = [Reply((block,), "tool_use", Usage(), "")]

    async def consult(self, request: Request, hear: Hear) -> Reply:
        if self._replies:
            return self._replies.pop()
        await hear(TextArrived(self._said))
        return Reply((text_block(self._said),), "end_turn", Usage(), "")

    async def close(self) -> None:
        """Nothing is open."""
