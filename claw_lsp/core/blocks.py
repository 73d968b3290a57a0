"""Blocks and messages in the API's own shapes, as the state makes them of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from claw_lsp.facts.call import Block, Result
from claw_lsp.facts.request import Message

THINKING = ("thinking", "redacted_thinking")
PER_TOKEN = 3.5
"""Characters to a token, roughly."""
IMAGE = 1_600
"""Tokens of an image, roughly: larger ones are made smaller before the model sees them."""


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def message(role: str, blocks: tuple[Block, ...]) -> Message:
    return {"role": role, "content": blocks}


def sendable(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks of a reply as they may go back: no blank text, no white space at the very end (both are 400s)."""
    kept = [it for it in blocks if it.get("type") != "text" or it["text"].strip()]
    if kept and kept[-1].get("type") == "text":
        kept[-1] = {**kept[-1], "text": kept[-1]["text"].rstrip()}
    if all(it.get("type") in THINKING for it in kept):
        return ()
    return tuple(kept)


def without_thinking(it: Message) -> Message | None:
    """Thinking belongs to the model that thought it; what is left of a message, None when that is nothing."""
    if it["role"] != "assistant":
        return it
    blocks = sendable(tuple(one for one in it["content"] if one["type"] not in THINKING))
    return {"role": "assistant", "content": blocks} if blocks else None


def result_block(call_id: str, result: Result) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call_id}
    if isinstance(result.content, str):
        block["content"] = sound(result.content) if result.content.strip() else "(no output)"
    else:
        block["content"] = list(result.content)
    if result.is_error:
        block["is_error"] = True
    return block


def sound(text: str) -> str:
    """The text without lone surrogates, which no JSON reader has to take."""
    try:
        text.encode()  # Nearly every text is whole; this tells it a few times faster than the long way round.
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def rough(blocks: Iterable[Block]) -> int:
    """About how many tokens these blocks take; the provider's own count replaces it with the next reply."""
    return sum(map(_rough, blocks))


def _rough(block: Block) -> int:
    if block["type"] == "image":
        return IMAGE
    content = block.get("content")
    if isinstance(content, list | tuple):
        return rough(cast("Iterable[Block]", content))
    texts = (it for it in block.values() if isinstance(it, str))
    size = sum(map(len, texts)) + (len(str(block["input"])) if "input" in block else 0)
    return int(size / PER_TOKEN) + 1
