"""A request as the row of pieces the model reads: tools, then system, then messages, block by block.

Everything that looks at prefixes (cache, thinking signatures, token counts) looks at this row. Tokens are not
tokens here: no tokenizer is public, so a token is 3.5 UTF-8 bytes of the JSON text, rounded up.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from claw_lsp.testing.messages_api.shapes import CountRequest, JsonObject

Section = Literal["tools", "system", "messages"]
_KEPT_IN_ORDER = ("input", "input_schema")


@dataclass(frozen=True, slots=True)
class Piece:
    """One tool, system block or message block, without its cache mark.

    Invariant: `mark` is the ttl of the breakpoint that stands on the piece, None where there is none.
    """

    section: Section
    where: str
    role: str
    block: JsonObject
    text: str
    mark: str | None
    message: int = -1


@dataclass(frozen=True, slots=True)
class Prompt:
    """All pieces of a request.

    Invariant: `prefixes[n]` names the first n pieces and the model; equal names mean equal prefixes. `bytes_up_to[n]`
    is their length.
    """

    pieces: tuple[Piece, ...]
    prefixes: tuple[str, ...]
    bytes_up_to: tuple[int, ...]

    def tokens(self, n_pieces: int) -> int:
        return as_tokens(self.bytes_up_to[n_pieces])

    @property
    def total(self) -> int:
        return self.tokens(len(self.pieces))


def as_tokens(n_bytes: int) -> int:
    """Bytes / 3.5, rounded up."""
    return -(-2 * n_bytes // 7)


def tokens_of(value: object) -> int:
    return as_tokens(len(canonical(value).encode()))


def read_prompt(request: CountRequest, body: JsonObject) -> Prompt:
    """The prompt of a request whose shape was checked; `body` is the JSON it was read from."""
    return row(request.model, _marked_at_the_end(tuple(_pieces(body)), request))


def row(model: str, pieces: tuple[Piece, ...]) -> Prompt:
    """The prompt that these pieces make for a model."""
    prefixes, lengths = [name_of(model)], [0]
    for it in pieces:
        prefixes.append(extended(prefixes[-1], it.role, it.block))
        lengths.append(lengths[-1] + len(it.text.encode()))
    return Prompt(pieces, tuple(prefixes), tuple(lengths))


def name_of(model: str) -> str:
    """The name of the empty prefix."""
    return hashlib.sha256(model.encode()).hexdigest()


def extended(prefix: str, role: str, block: JsonObject) -> str:
    """The name of a prefix with one more piece."""
    return hashlib.sha256(f"{prefix}\n{role}\n{canonical(unmarked(block))}".encode()).hexdigest()


def canonical(value: object) -> str:
    """JSON text that is equal for equal values; in a tool's input and schema the order of keys counts."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"))


def unmarked(block: JsonObject) -> JsonObject:
    """The block without cache marks and absent fields, its own and those of the blocks inside it."""
    kept = {key: it for key, it in block.items() if key != "cache_control" and it is not None}
    inner = kept.get("content")
    if isinstance(inner, list):
        kept["content"] = [unmarked(it) for it in cast(list[JsonObject], inner)]
    elif isinstance(inner, str) and kept.get("type") == "tool_result":
        kept["content"] = blocks_of(inner)
    return kept


def blocks_of(content: Any) -> list[JsonObject]:
    """The content of a message or a system prompt as blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


def _pieces(body: JsonObject) -> Iterator[Piece]:
    for n, tool in enumerate(body.get("tools") or []):
        if not tool.get("defer_loading"):
            yield _piece("tools", f"tools.{n}", "tool", tool)
    for n, block in enumerate(blocks_of(body.get("system"))):
        yield _piece("system", f"system.{n}", "top", block)
    for m, message in enumerate(body["messages"]):
        for n, block in enumerate(blocks_of(message["content"])):
            yield _piece("messages", f"messages.{m}.content.{n}", message["role"], block, m)


def _piece(section: Section, where: str, role: str, block: JsonObject, message: int = -1) -> Piece:
    inner = blocks_of(block["content"]) if block.get("type") == "tool_result" and "content" in block else []
    marks = [it["cache_control"].get("ttl", "5m") for it in (block, *inner) if it.get("cache_control")]
    bare = unmarked(block)
    return Piece(section, where, role, bare, canonical(bare), marks[0] if marks else None, message)


def _marked_at_the_end(pieces: tuple[Piece, ...], request: CountRequest) -> tuple[Piece, ...]:
    """With a `cache_control` of the whole request, the last block that can carry one gets it."""
    if request.cache_control is None:
        return pieces
    for n in range(len(pieces) - 1, -1, -1):
        it = pieces[n]
        if it.block.get("type") not in ("thinking", "redacted_thinking"):
            ttl = it.mark or request.cache_control.ttl
            end = Piece(it.section, it.where, it.role, it.block, it.text, ttl, it.message)
            return (*pieces[:n], end, *pieces[n + 1 :])
    return pieces


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        items = sorted(cast(JsonObject, value).items())
        return {key: it if key in _KEPT_IN_ORDER else _sorted(it) for key, it in items}
    return [_sorted(it) for it in cast(list[Any], value)] if isinstance(value, list) else value
