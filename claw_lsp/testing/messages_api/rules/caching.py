"""Rules about cache breakpoints. That thinking cannot carry one, and which ttl there are, are matters of shape."""

from collections.abc import Iterator
from typing import Final

from claw_lsp.testing.messages_api.rules.asked import Asked, numbered_blocks
from claw_lsp.testing.messages_api.shapes import Marked, Text, ToolResult

MOST: Final = 4


def breakpoints_are_few(asked: Asked) -> Iterator[str]:
    marks = [block for _, block in _marked(asked)]
    n_marks = len(marks) + (1 if _adds_its_own(asked) else 0)
    if n_marks > MOST:
        yield f"A maximum of {MOST} blocks with cache_control may be provided. Found {n_marks}."


def breakpoints_are_not_on_empty_text(asked: Asked) -> Iterator[str]:
    for where, block in _marked(asked):
        if isinstance(block, Text) and not block.text:
            yield f"{where}: cache_control cannot be set for empty text blocks"


def long_breakpoints_come_first(asked: Asked) -> Iterator[str]:
    short_seen = False
    for piece in asked.prompt.pieces:
        if piece.mark == "1h" and short_seen:
            yield (
                f"{piece.where}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, "
                "`messages`."
            )
        short_seen = short_seen or piece.mark == "5m"


def deferred_tools_are_not_cached(asked: Asked) -> Iterator[str]:
    for n, tool in enumerate(asked.request.tools or []):
        if tool.defer_loading and tool.cache_control:
            yield f"tools.{n}: cache_control cannot be set for tools with defer_loading=true"


def automatic_breakpoint_agrees(asked: Asked) -> Iterator[str]:
    whole = asked.request.cache_control
    marks = [it.mark for it in asked.prompt.pieces if it.block.get("type") not in ("thinking", "redacted_thinking")]
    if whole and marks and marks[-1] != whole.ttl:
        yield "cache_control: the last block already has a cache_control with a different ttl"


def _marked(asked: Asked) -> Iterator[tuple[str, Marked]]:
    request = asked.request
    blocks: list[tuple[str, object]] = [(f"tools.{n}", it) for n, it in enumerate(request.tools or [])]
    blocks += [(f"system.{n}", it) for n, it in enumerate(request.system or [])]
    for where, _, block in numbered_blocks(asked):
        blocks.append((where, block))
        if isinstance(block, ToolResult):
            blocks += [(f"{where}.tool_result.content.{n}", it) for n, it in enumerate(block.content)]
    for where, block in blocks:
        if isinstance(block, Marked) and block.cache_control:
            yield where, block


def _adds_its_own(asked: Asked) -> bool:
    """Whether the `cache_control` of the whole request makes a breakpoint that no block has."""
    n_pieces = sum(1 for it in asked.prompt.pieces if it.mark)
    return asked.request.cache_control is not None and n_pieces > sum(1 for _ in _marked(asked))


RULES = (
    breakpoints_are_not_on_empty_text,
    breakpoints_are_few,
    deferred_tools_are_not_cached,
    automatic_breakpoint_agrees,
    long_breakpoints_come_first,
)
