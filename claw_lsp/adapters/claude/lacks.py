"""What a server that speaks the Messages API cannot take: learnt from its refusals, and left out of later requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Literal

from claw_lsp.facts.call import Block
from claw_lsp.facts.request import Request

Part = Literal["cache_control", "thinking", "output_config", "tool_choice", "defer_loading"]


def refused_part(said: str, request: Request) -> Part | None:
    """The part of this request that a server says it does not know or take; None where it complains of something else."""
    if not _UNKNOWN.search(said):
        return None
    return next((part for part, words in _WORDS.items() if words.search(said) and _holds(request, part)), None)


def without(request: Request, parts: Iterable[Part]) -> Request:
    """The request without these parts; nothing that was said is lost with them."""
    for part in parts:
        match part:
            case "thinking":
                request = replace(request, thinking=None)
            case "output_config":
                request = replace(request, effort=None)
            case "tool_choice":
                request = replace(request, tool_choice=None)
            case "defer_loading":
                request = _all_loaded(request)
            case "cache_control":
                messages = tuple({**it, "content": _unmarked(it["content"])} for it in request.messages)
                system, tools = _unmarked(request.system), _unmarked(request.tools)
                request = replace(request, system=system, tools=tools, messages=messages)
    return request


def _holds(request: Request, part: Part) -> bool:
    return without(request, (part,)) != request


def _all_loaded(request: Request) -> Request:
    """Without a search of its own the server is sent the tools that a search of ours found, and those that were called."""
    blocks = [it for message in request.messages for it in message["content"]]
    inner = [one for it in blocks if isinstance(it.get("content"), list | tuple) for one in it["content"]]
    known = {it["tool_name"] for it in inner if it["type"] == "tool_reference"}
    known |= {it["name"] for it in blocks if it["type"] == "tool_use"}
    tools = tuple(
        {key: value for key, value in it.items() if key != "defer_loading"}
        for it in request.tools
        if not it.get("defer_loading") or it["name"] in known
    )
    messages = tuple({**it, "content": tuple(map(_in_words, it["content"]))} for it in request.messages)
    return replace(request, tools=tools, messages=messages)


def _in_words(block: Block) -> Block:
    """The block with text in place of references to tools."""
    if block["type"] == "tool_reference":
        return {"type": "text", "text": f"{block['tool_name']} can be called now."}
    if not isinstance(block.get("content"), list | tuple):
        return block
    return {**block, "content": tuple(map(_in_words, block["content"]))}


def _unmarked(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple({key: value for key, value in it.items() if key != "cache_control"} for it in blocks)


SAID: Final[Mapping[Part, str]] = {
    "cache_control": "marks for the prompt cache",
    "thinking": "the thinking parameter",
    "output_config": "the effort parameter",
    "tool_choice": "the choice of a tool",
    "defer_loading": "tools that a search finds",
}
"""The parts in words for people."""

_WORDS: Final[Mapping[Part, re.Pattern[str]]] = {
    "cache_control": re.compile(r"\bcache_control\b"),
    "thinking": re.compile(r"\bthinking\b", re.IGNORECASE),
    "output_config": re.compile(r"\b(output_config|effort)\b"),
    "tool_choice": re.compile(r"\btool_choice\b"),
    "defer_loading": re.compile(r"\bdefer_loading\b|\btool_reference\b|\btool search\b", re.IGNORECASE),
}
_UNKNOWN: Final = re.compile(
    r"not permitted|not allowed|not supported|unsupported|does not support|doesn't support|unknown|unrecogni[sz]ed|unexpected"
    r"|additional propert|extra (field|input)|extra_forbidden",
    re.IGNORECASE,
)
