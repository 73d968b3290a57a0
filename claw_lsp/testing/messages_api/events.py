"""From a reply to the message it makes and the server-sent events that carry it. Pure: nothing is sent here."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claw_lsp.testing.messages_api import scenario
from claw_lsp.testing.messages_api.prompt import extended
from claw_lsp.testing.messages_api.scenario import Content, Reply
from claw_lsp.testing.messages_api.shapes import JsonObject
from claw_lsp.testing.messages_api.signatures import sign

_A_FEW_WORDS = re.compile(r"\s*(?:\S+\s*){1,4}|\s+")
_DELTA_SIZE = 48


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, and how long to wait before it."""

    name: str
    data: JsonObject
    wait: float = 0

    def encoded(self) -> bytes:
        text = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {self.name}\ndata: {text}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Part:
    """One content block: as it begins, the deltas that complete it, and as it is in the end."""

    begin: JsonObject
    deltas: tuple[JsonObject, ...]
    block: JsonObject
    pace: float


def parts_of(reply: Reply, prefix: str, number: int, *, omit_thinking: bool) -> list[Part]:
    """The reply's blocks, with ids and with signatures for their place after the prefix of that name."""
    parts: list[Part] = []
    search_id = ""
    for n, content in enumerate(reply.content):
        new_id = f"scripted{number:04}x{n:02}"
        part = _part(content, prefix, new_id, search_id, omit_thinking=omit_thinking)
        if part.block["type"] == "server_tool_use":
            search_id = part.block["id"]
        pace = getattr(content, "pace", None)
        parts.append(Part(part.begin, part.deltas, part.block, reply.pace if pace is None else pace))
        prefix = extended(prefix, "assistant", part.block)
    return parts


def stop_reason(reply: Reply) -> str:
    if reply.stop_reason:
        return reply.stop_reason
    return "tool_use" if any(isinstance(it, scenario.ToolUse) for it in reply.content) else "end_turn"


def events_of(message: JsonObject, parts: list[Part], start_usage: JsonObject) -> Iterator[Event]:
    """The stream of a finished message, in the order of the real one."""
    opening: JsonObject = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    yield Event("message_start", {"type": "message_start", "message": {**opening, "usage": start_usage}})
    for n, part in enumerate(parts):
        yield Event("content_block_start", {"type": "content_block_start", "index": n, "content_block": part.begin})
        if n == 0:
            yield Event("ping", {"type": "ping"})
        for delta in part.deltas:
            data = {"type": "content_block_delta", "index": n, "delta": delta}
            yield Event("content_block_delta", data, part.pace)
        yield Event("content_block_stop", {"type": "content_block_stop", "index": n})
    ending = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    yield Event("message_delta", {"type": "message_delta", "delta": ending, "usage": message["usage"]})
    yield Event("message_stop", {"type": "message_stop"})


def _part(content: Content, prefix: str, new_id: str, search_id: str, *, omit_thinking: bool) -> Part:
    match content:
        case scenario.Text():
            return _text(content)
        case scenario.Thinking():
            return _thinking(content, prefix, omit=omit_thinking)
        case scenario.RedactedThinking():
            return _whole({"type": "redacted_thinking", "data": sign(prefix, "")})
        case scenario.ToolUse():
            return _call(content, content.id or f"toolu_{new_id}")
        case scenario.ServerToolUse():
            block = {"type": "server_tool_use", "id": content.id or f"srvtoolu_{new_id}", "name": content.name}
            return _with_input(block, content.input, None, None)
        case scenario.WebSearchToolResult():
            return _whole(_search_result(content, content.tool_use_id or search_id))
        case scenario.Raw():
            return _whole(content.block)


def _whole(block: JsonObject) -> Part:
    return Part(block, (), block, 0)


def _text(content: scenario.Text) -> Part:
    cited = {"citations": list(content.citations)} if content.citations else {}
    deltas = [{"type": "text_delta", "text": it} for it in _pieces(content.text, content.pieces)]
    deltas += [{"type": "citations_delta", "citation": it} for it in content.citations]
    empty: JsonObject = {"citations": []} if cited else {}
    return Part(
        {"type": "text", "text": "", **empty}, tuple(deltas), {"type": "text", "text": content.text, **cited}, 0
    )


def _thinking(content: scenario.Thinking, prefix: str, *, omit: bool) -> Part:
    shown = "" if omit else content.thinking
    signature = sign(prefix, shown)
    pieces = _pieces(shown, None if omit else content.pieces)
    deltas = [{"type": "thinking_delta", "thinking": it} for it in pieces]
    return Part(
        {"type": "thinking", "thinking": "", "signature": ""},
        (*deltas, {"type": "signature_delta", "signature": signature}),
        {"type": "thinking", "thinking": shown, "signature": signature},
        0,
    )


def _call(content: scenario.ToolUse, call_id: str) -> Part:
    block = {"type": "tool_use", "id": call_id, "name": content.name}
    return _with_input(block, content.input, content.json_text, content.pieces)


def _with_input(block: JsonObject, given: JsonObject, text: str | None, pieces: tuple[str, ...] | None) -> Part:
    if text is None:
        text = json.dumps(given, ensure_ascii=False)
    cut = pieces or [text[n : n + _DELTA_SIZE] for n in range(0, len(text), _DELTA_SIZE)]
    deltas = tuple({"type": "input_json_delta", "partial_json": it} for it in ("", *cut))
    return Part({**block, "input": {}}, deltas, {**block, "input": given}, 0)


def _search_result(content: scenario.WebSearchToolResult, call_id: str) -> JsonObject:
    found: Any = [{"type": "web_search_result", **it.model_dump()} for it in content.found]
    if content.error_code:
        found = {"type": "web_search_tool_result_error", "error_code": content.error_code}
    return {"type": "web_search_tool_result", "tool_use_id": call_id, "content": found}


def _pieces(text: str, given: tuple[str, ...] | None) -> list[str]:
    """The text as it is sent: as given, else a few words at a time."""
    return list(given) if given is not None else _A_FEW_WORDS.findall(text)
