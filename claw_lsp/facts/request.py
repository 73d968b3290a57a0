"""What the model is sent, what comes back, and what passes by meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from claw_lsp.facts.call import Block
from claw_lsp.facts.usage import Usage

Message = dict[str, Any]
"""One message exactly as the Messages API takes it: role and content blocks."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the model, in the API's own shapes. `thinking` and `effort` are None where the model has none.

    Invariant: append-only. Within one prefix, every request's system, tools and messages (compared without
    `cache_control`) are a prefix of the next one's.
    """

    model: str
    system: tuple[Block, ...]
    tools: tuple[Block, ...]
    messages: tuple[Message, ...]
    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    tool_choice: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, finished or cut. `cut` says the stream broke after something was shown: blocks hold only what is whole
    enough to send back (finished calls, thinking with its signature, text so far); `fault` says what broke it."""

    blocks: tuple[Block, ...]
    stop_reason: str | None
    usage: Usage
    model: str
    message_id: str = ""
    cut: bool = False
    fault: str = ""
    stop_details: dict[str, Any] = field(default_factory=dict[str, Any])
