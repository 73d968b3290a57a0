"""Rules about thinking: what the model can be asked for, and thinking that comes back unchanged and in its place."""

from collections.abc import Iterator
from typing import Final

from claw_lsp.testing.messages_api.prompt import Piece
from claw_lsp.testing.messages_api.rules.asked import Asked
from claw_lsp.testing.messages_api.shapes import Request
from claw_lsp.testing.messages_api.signatures import Signed, read_signature

BINDING_BETA: Final = "thinking-binding-controls-2026-08-01"
_CHANGED: Final = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)


def thinking_type_is_known_to_the_model(asked: Asked) -> Iterator[str]:
    thinking = asked.request.thinking
    if thinking and thinking.type not in asked.facts.thinking:
        yield f"thinking.type: '{thinking.type}' is not supported for this model"


def thinking_fields_fit_their_type(asked: Asked) -> Iterator[str]:
    thinking = asked.request.thinking
    if thinking is None:
        return
    if thinking.type == "enabled" and thinking.budget_tokens is None:
        yield "thinking.enabled.budget_tokens: Field required"
    if thinking.type != "enabled" and thinking.budget_tokens is not None:
        yield f"thinking.{thinking.type}.budget_tokens: Extra inputs are not permitted"
    if thinking.type in ("disabled", "between_tools") and thinking.display is not None:
        yield f"thinking.{thinking.type}.display: Extra inputs are not permitted"
    if thinking.block_binding is not None and BINDING_BETA not in asked.betas:
        yield f"thinking.{thinking.type}.block_binding: Extra inputs are not permitted"


def budget_is_below_max_tokens(asked: Asked) -> Iterator[str]:
    request = asked.request
    budget = (request.thinking and request.thinking.budget_tokens) or 0
    if isinstance(request, Request) and 0 < request.max_tokens <= budget:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."


def effort_is_known_to_the_model(asked: Asked) -> Iterator[str]:
    effort = asked.request.output_config and asked.request.output_config.effort
    if not effort or effort in asked.facts.efforts:
        return
    if not asked.facts.efforts:
        yield "output_config.effort: This model does not support the effort parameter."
    else:
        yield f"output_config.effort: '{effort}' is not supported by this model; use one of {asked.facts.efforts}"


def forced_tools_do_not_think(asked: Asked) -> Iterator[str]:
    choice, thinking = asked.request.tool_choice, asked.request.thinking
    if choice is None or choice.type not in ("any", "tool"):
        return
    if not asked.facts.forces_tools:
        yield f"tool_choice: type '{choice.type}' is not supported for this model"
    elif thinking.type in ("adaptive", "enabled") if thinking else asked.facts.thinks_by_default:
        yield "Thinking may not be enabled when tool_choice forces tool use."


def thinking_in_the_latest_message_is_unchanged(asked: Asked) -> Iterator[str]:
    latest = asked.last_assistant
    for _, piece, signed, thinking in _thinking(asked):
        if piece.message == latest and signed and not signed.covers(thinking):
            yield f"{piece.where}: {_CHANGED}"


def thinking_in_the_latest_message_is_all_there(asked: Asked) -> Iterator[str]:
    pieces = asked.prompt.pieces
    latest = [n for n, it in enumerate(pieces) if it.message >= 0 and it.message == asked.last_assistant]
    for n in latest:
        present = frozenset(_signature(pieces[it].block) for it in latest if it < n)
        call = pieces[n].block.get("id") if pieces[n].block["type"] == "tool_use" else None
        starts = [asked.prompt.prefixes[it] for it in latest if it <= n]
        if call and not all(asked.ledger.thinking_kept(it, call, present) for it in starts):
            yield f"{pieces[n].where}: {_CHANGED}"


def signatures_are_genuine(asked: Asked) -> Iterator[str]:
    for _, piece, signed, thinking in _thinking(asked):
        if signed is None or not signed.covers(thinking):
            field = "signature" if piece.block["type"] == "thinking" else "data"
            yield f"{piece.where}: Invalid `{field}` in `{piece.block['type']}` block"


def thinking_is_where_it_was_made(asked: Asked) -> Iterator[str]:
    if not may_drop(asked):
        for where in out_of_place(asked):
            yield (
                f"{where}: this thinking block is bound to a different conversation. The system prompt, the tools or "
                "an earlier message changed since it was created."
            )


def out_of_place(asked: Asked) -> Iterator[str]:
    """Where genuine thinking stands whose prefix is not the one it was made after."""
    if asked.facts.binds_thinking:
        for n, piece, signed, _ in _thinking(asked):
            if signed and not signed.follows(asked.prompt.prefixes[n]):
                yield piece.where


def may_drop(asked: Asked) -> bool:
    """Whether the request wants thinking that is out of place dropped instead of refused."""
    binding = asked.request.thinking and asked.request.thinking.block_binding
    return bool(binding and binding.prefix_mismatch_behavior == "drop_block")


def _thinking(asked: Asked) -> Iterator[tuple[int, Piece, Signed | None, str]]:
    for n, piece in enumerate(asked.prompt.pieces):
        if piece.block.get("type") == "thinking":
            yield n, piece, read_signature(piece.block["signature"]), piece.block["thinking"]
        elif piece.block.get("type") == "redacted_thinking":
            yield n, piece, read_signature(piece.block["data"]), ""


def _signature(block: dict[str, str]) -> str:
    return block.get("signature") or block.get("data") or ""


RULES = (
    thinking_type_is_known_to_the_model,
    thinking_fields_fit_their_type,
    budget_is_below_max_tokens,
    effort_is_known_to_the_model,
    forced_tools_do_not_think,
    thinking_in_the_latest_message_is_unchanged,
    thinking_in_the_latest_message_is_all_there,
    signatures_are_genuine,
    thinking_is_where_it_was_made,
)
