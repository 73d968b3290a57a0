"""Hooks that are questions to the small model: it says whether what happens is all right."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, Protocol, cast

from claw_lsp.core.briefing import fenced
from claw_lsp.core.redaction import redacted
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.request import Message, Reply
from claw_lsp.facts.usage import Price, cost

LONGEST = 60_000
"""Characters of an event that are shown to the model."""

ANSWER: Final[Block] = {
    "name": "Answer",
    "description": "Say whether the condition holds.",
    "input_schema": {
        "type": "object",
        "properties": {
            "ok": {"type": "boolean", "description": "Whether it may go on."},
            "reason": {"type": "string", "description": "Why not, in a sentence; empty if it may."},
        },
        "required": ["ok"],
    },
}
"""The tool by which the model answers."""
NO_ANSWER: Final = "the model gave no clear answer"


class Small(Protocol):
    """A model beside the session; a price is None when it is not known."""

    def price_of(self, reply: Reply) -> Price | None: ...
    async def ask(self, system: str, text: str, tools: tuple[Block, ...], *, must: str = "") -> Reply: ...
    async def converse(
        self, system: str, messages: tuple[Message, ...], tools: tuple[Block, ...], *, must: str = ""
    ) -> Reply: ...


async def ask(small: Small, system: str, hook: Hook, given: str, seconds: float) -> HookRan:
    """What it answers, as a program would have printed it."""
    try:
        async with asyncio.timeout(seconds):
            reply = await small.ask(system, question(hook, given), (ANSWER,), must=ANSWER["name"])
    except TimeoutError:
        return HookRan(None, fault=f"the model gave no answer within {seconds:g} s")
    except ModelError as error:
        return HookRan(None, fault=f"the model could not be asked: {error}")
    took = {reply.model: reply.usage.model_dump()}
    dollars = cost(reply.usage, small.price_of(reply))
    told = answered(hook, reply)
    if told is None:
        return HookRan(None, fault=NO_ANSWER, usage=took, cost=dollars)
    return HookRan(0, told, usage=took, cost=dollars)


def question(hook: Hook, given: str) -> str:
    """The hook's prompt with the event in it."""
    event = fenced(redacted(given)[:LONGEST], "json")
    return hook.prompt.replace("$ARGUMENTS", event) if "$ARGUMENTS" in hook.prompt else f"{hook.prompt}\n\n{event}"


def answered(hook: Hook, reply: Reply) -> str | None:
    """What the model answered, as a program would have printed it; None where it gave no clear answer."""
    answer = next((it.get("input") for it in reply.blocks if it.get("name") == ANSWER["name"]), None)
    data = cast("dict[str, Any]", answer) if isinstance(answer, dict) and not reply.cut else {}
    if not isinstance(data.get("ok"), bool):
        return None
    reason = data.get("reason")
    return json.dumps({} if data["ok"] else _refusal(hook, reason if isinstance(reason, str) else ""))


def _refusal(hook: Hook, reason: str) -> dict[str, Any]:
    reason = " ".join(reason.split()) or f"the condition of a {hook.type} hook does not hold"
    if hook.event == "PreToolUse":
        decided = {"hookEventName": hook.event, "permissionDecision": "deny", "permissionDecisionReason": reason}
        return {"hookSpecificOutput": decided}
    if hook.event in ("PostToolUse", "PostToolUseFailure", "PostToolBatch") and not hook.continue_on_block:
        return {"continue": False, "stopReason": reason}
    if hook.event == "PostToolBatch":  # There a refusal would end the turn.
        return {"hookSpecificOutput": {"hookEventName": hook.event, "additionalContext": reason}}
    return {"decision": "block", "reason": reason}
