"""State -> what the model is sent. Append-only; every call answered exactly once; breakpoints that keep the cache."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.models import nearest_effort
from claw_lsp.core.state import State
from claw_lsp.facts.call import Block
from claw_lsp.facts.offered import ToolSpec
from claw_lsp.facts.request import Message, Request
from claw_lsp.facts.usage import ModelFacts

EPHEMERAL = {"type": "ephemeral"}


def request(state: State, facts: ModelFacts, max_output_tokens: int) -> Request:
    """What the model is sent next. Its messages, compared without `cache_control`, only ever grow within a prefix."""
    messages = state.messages
    if state.pending:
        messages = (*messages, {"role": "user", "content": state.pending})
    return Request(
        model=facts.id,
        system=({"type": "text", "text": state.system, "cache_control": EPHEMERAL},),
        tools=tuple(map(_tool, state.tools)),
        messages=_with_breakpoints(messages),
        max_tokens=min(max_output_tokens, facts.max_output),
        thinking=_thinking(facts),
        effort=nearest_effort(state.effort, facts),
    )


def _with_breakpoints(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """One breakpoint on the newest user message and one on the user message before it: the second is where the last
    request wrote the cache, so it is found however many blocks (50 parallel results, say) came since; the API looks
    back only 20. A third stands on the system text, which covers the tools; four are allowed."""
    users = [index for index, message in enumerate(messages) if message["role"] == "user"][-2:]
    marked = list(messages)
    for index in users:
        marked[index] = _marked(messages[index])
    return tuple(marked)


def _marked(message: Message) -> Message:
    *blocks, last = message["content"]
    return {**message, "content": (*blocks, {**last, "cache_control": EPHEMERAL})}


def _tool(tool: ToolSpec) -> Block:
    deferred = {"defer_loading": True} if tool.deferred else {}
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema, **deferred}


def _thinking(facts: ModelFacts) -> dict[str, Any] | None:
    """Adaptive thinking with a summary to show, where the model has it; old models are left without."""
    return {"type": "adaptive", "display": "summarized"} if "adaptive" in facts.thinking else None
