"""The model, in process: replies in order, each asked for exactly once; what it was sent is kept."""

from __future__ import annotations

from collections.abc import Callable

from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import TextArrived
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.model import Hear

Scripted = Reply | ModelError | Callable[[Request], Reply]


class ScriptedModel:
    """Fills the port `Model`. A script with replies left over, or one too short, fails the test that uses it."""

    def __init__(self, *replies: Scripted) -> None:
        self._left = list(replies)
        self.requests: list[Request] = []

    async def consult(self, request: Request, hear: Hear) -> Reply:
        self.requests.append(request)
        assert self._left, "the script has no reply left for this request"
        scripted = self._left.pop(0)
        if isinstance(scripted, ModelError):
            raise scripted
        reply = scripted(request) if callable(scripted) else scripted
        for block in reply.blocks:
            if block["type"] == "text":
                await hear(TextArrived(block["text"]))
        return reply

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def leftover(self) -> int:
        return len(self._left)


def says(text: str, *calls: tuple[str, str, dict[str, object]], stop: str | None = None, cut: bool = False) -> Reply:
    """A reply of some text and some calls, each (id, tool, input)."""
    blocks: list[Block] = [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": id_, "name": name, "input": given} for id_, name, given in calls]
    reason = stop or ("tool_use" if calls else "end_turn")
    usage = Usage(input_tokens=100, output_tokens=20)
    return Reply(tuple(blocks), None if cut else reason, usage, "scripted", cut=cut, fault="cut" if cut else "")
