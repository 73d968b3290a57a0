"""The model of a case: its replies come from the script, one for each request, and only when their line is next."""

from __future__ import annotations

import asyncio
import json
import re

from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import TextArrived
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.model import Hear
from claw_lsp.testing.cases.person import Person
from claw_lsp.testing.cases.story import Spoken, Story

USAGE = Usage(input_tokens=100, output_tokens=20)


class StoryModel:
    """Fills the port `Model`. `requests` is everything it was sent."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.person: Person | None = None
        self.requests: list[Request] = []

    async def close(self) -> None:
        """Nothing is open."""

    async def consult(self, request: Request, hear: Hear) -> Reply:
        assert self.person is not None
        self.requests.append(request)
        try:
            spoken = self._story.take(Spoken, "the model was asked")
        except Exception as error:
            self.person.fail(error)
            raise
        for block in spoken.blocks:
            if block["type"] == "text":
                await hear(TextArrived(block["text"]))
        await self._meanwhile(spoken)
        if spoken.error:
            reason, text = spoken.error
            raise ModelError(text, reason=reason)
        self.person.look_ahead()
        blocks = tuple(_with_task(it, request) for it in spoken.blocks)
        fault = "the connection was lost" if spoken.cut else ""
        return Reply(blocks, spoken.stop, USAGE, request.model, cut=spoken.cut, fault=fault)

    async def _meanwhile(self, spoken: Spoken) -> None:
        """What the person does while this reply streams; once they cancelled, the rest of it never comes."""
        assert self.person is not None
        self.person.on_edit(spoken.on_edit)
        for act in spoken.acts:
            await self.person.do(act)
            if act.verb in ("cancels", "stops"):
                await asyncio.Event().wait()
        if spoken.acts:
            await self.person.settle()


def _with_task(block: Block, request: Request) -> Block:
    """The block with `$TASK` in a call's input replaced by the id of the task the model was last told of."""
    if block["type"] != "tool_use" or "$TASK" not in json.dumps(block["input"]):
        return block
    told = _TASK.findall(json.dumps(request.messages))
    given = {key: told[-1] if value == "$TASK" else value for key, value in block["input"].items()}
    return {**block, "input": given}


_TASK = re.compile(r"bash_[0-9a-f]{6}")
