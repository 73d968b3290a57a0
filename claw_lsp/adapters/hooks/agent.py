"""Hooks that are questions to a model which may look into the workspace before it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from claw_lsp.adapters.hooks.prompt import ANSWER, NO_ANSWER, Small, answered, question
from claw_lsp.core.blocks import result_block, text_block
from claw_lsp.facts.call import Block, Call, Result, calls_in
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.request import Message
from claw_lsp.facts.usage import Usage, cost
from claw_lsp.ports.hooks import HookPlace

MOST_TURNS = 50
"""Requests to the model before it is given up; the last of them must be answered."""
MOST_SHOWN = 30_000
"""Characters of one result; an agent that needs more of a file looks at it in parts."""


class Looking(Protocol):
    """What the agent may look at. `see` never raises: what may not be looked at is a result that says so."""

    @property
    def offered(self) -> tuple[Block, ...]: ...
    async def see(self, call: Call) -> Result: ...


Look = Callable[[HookPlace], Looking]


async def ask(small: Small, system: str, hook: Hook, given: str, seconds: float, looking: Looking) -> HookRan:
    """What it answers, as a program would have printed it."""
    spent = _Spent()
    fault = NO_ANSWER
    try:
        async with asyncio.timeout(seconds):
            if (told := await _asked(small, system, hook, given, looking, spent)) is not None:
                return HookRan(0, told, usage=spent.usage, cost=spent.cost)
    except TimeoutError:
        fault = f"the model gave no answer within {seconds:g} s"
    except ModelError as error:
        fault = f"the model could not be asked: {error}"
    return HookRan(None, fault=fault, usage=spent.usage, cost=spent.cost)


class _Spent:
    """What the requests of one agent took, also of one that came to no end."""

    def __init__(self) -> None:
        self.usage: Mapping[str, Mapping[str, int]] = {}
        self.cost: float | None = 0.0

    def add(self, model: str, usage: Usage, dollars: float | None) -> None:
        so_far = Usage.model_validate(self.usage.get(model, {}))
        self.usage = {**self.usage, model: (so_far + usage).model_dump()}
        self.cost = None if dollars is None or self.cost is None else self.cost + dollars


async def _asked(small: Small, system: str, hook: Hook, given: str, looking: Looking, spent: _Spent) -> str | None:
    """Its answer; None where it gave none. Raises ModelError."""
    messages: tuple[Message, ...] = ({"role": "user", "content": (text_block(question(hook, given)),)},)
    tools = (*looking.offered, ANSWER)
    for n in range(1, MOST_TURNS + 1):
        must = ANSWER["name"] if n == MOST_TURNS else ""
        reply = await small.converse(system, messages, tools, must=must)
        spent.add(reply.model, reply.usage, cost(reply.usage, small.price_of(reply)))
        calls = calls_in(reply.blocks)
        if any(it.name == ANSWER["name"] for it in calls):
            return answered(hook, reply)
        if reply.cut or not reply.blocks:
            return None
        seen = [result_block(it.id, _bounded(await looking.see(it))) for it in calls]
        told = seen or [text_block(f"Call the tool {ANSWER['name']} now.")]
        messages = (*messages, {"role": "assistant", "content": reply.blocks}, {"role": "user", "content": tuple(told)})
    return None


def _bounded(result: Result) -> Result:
    if not isinstance(result.content, str) or len(result.content) <= MOST_SHOWN:
        return result
    shown = f"{result.content[:MOST_SHOWN]}\n[{len(result.content) - MOST_SHOWN} characters more are not shown]"
    return result.model_copy(update={"content": shown})
