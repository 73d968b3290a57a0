"""One reply as it arrives: the API's blocks put together to the letter, and what of them is whole when it breaks off."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, cast

from claw_lsp.adapters.claude import faults
from claw_lsp.adapters.claude.faults import Asked, Fault
from claw_lsp.facts.call import Block
from claw_lsp.facts.request import Reply
from claw_lsp.facts.signal import CallBegun, Signal, TextArrived, ThinkingArrived, UsageReported
from claw_lsp.facts.usage import Usage


@dataclass(slots=True)
class Piece:
    """One block under way: as it began, what its deltas added, and whether it was closed.

    `unheard` is blank text that waits for the first visible character; None once that came.
    """

    block: Block
    texts: list[str] = field(default_factory=list[str])
    json_texts: list[str] = field(default_factory=list[str])
    unheard: str | None = ""
    closed: bool = False
    spoiled: bool = False


class Gathering:
    """The events of one reply, taken in order.

    Invariant: `fault` is None until an event made no sense or said that the provider failed; nothing is taken after it.
    Text is signalled as it arrives, except blank text at the start of a block, which waits for the first visible
    character: so a reply of which only blanks arrived was not shown, and can be asked for again without doubling.
    """

    def __init__(self, asked: Asked) -> None:
        self.fault: Fault | None = None
        self.stopped = False
        self._asked = asked
        self._pieces: dict[int, Piece] = {}
        self._usage: dict[str, Any] = {}
        self._model = asked.model
        self._message_id = ""
        self._stop_reason: str | None = None
        self._stop_details: dict[str, Any] = {}

    def take(self, events: list[bytes]) -> list[Signal]:
        """Take these events; answers what is to be shown, texts that follow each other joined into one."""
        signals: list[Signal] = []
        for data in events:
            if self.fault or self.stopped:
                break
            if data == b"[DONE]":
                # Some gateways end their streams so, as another API does.
                continue
            try:
                self._take(json.loads(data), signals)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.fault = faults.broken("the provider sent an event that cannot be read")
        return signals

    @property
    def whole(self) -> bool:
        """Whether the reply is all there. Without `message_stop` it is, too, when the reason to stop came and every
        block was closed: nothing but the farewell is missing."""
        ended = self.stopped or (self._stop_reason is not None and all(it.closed for it in self._pieces.values()))
        return ended and bool(self._message_id or self._pieces) and not self._bad_call

    @property
    def shown(self) -> bool:
        """Whether something of the reply must not be asked for twice: visible text, or a block that is finished.

        Thinking alone does not count. Without what it led to it may not go back to the API at the end of a message, so
        it is not kept, and the reply is asked for again; its summary in the progress was a passing sight.
        """
        return bool(self._kept())

    @property
    def ending_fault(self) -> Fault:
        """Why a stream that simply ended is not whole."""
        if self._bad_call:
            return faults.broken("the provider sent a call whose input is not JSON")
        return faults.broken("the stream ended before the reply did")

    def reply(self) -> Reply:
        """The finished reply, every block as it came. Only a call cut off by the token limit is left out."""
        blocks = tuple(it for piece in self._pieces.values() if (it := _finished(piece)) is not None)
        if self._stop_reason in _RAN_OUT:
            blocks = _without_trailing_thinking(blocks)
        return self._reply(blocks)

    def cut_reply(self, fault: Fault) -> Reply:
        """What is whole enough to be kept and sent back, after a fault."""
        return self._reply(self._kept(), fault=fault.why)

    def _reply(self, blocks: tuple[Block, ...], fault: str = "") -> Reply:
        return Reply(
            blocks=blocks,
            stop_reason=None if fault else self._stop_reason,
            usage=usage_of(self._usage),
            model=self._model,
            message_id=self._message_id,
            cut=bool(fault),
            fault=fault,
            stop_details={} if fault else self._stop_details,
        )

    def _kept(self) -> tuple[Block, ...]:
        pieces = self._pieces.values()
        blocks = [it for piece in pieces if (it := _finished(piece) or _text_so_far(piece)) is not None]
        blocks = [it for it in blocks if it.get("type") != "text" or it["text"].strip()]
        # A server tool's call without its result may stand only in a paused message, and this one was not.
        answered = [it.get("tool_use_id") for it in blocks]
        blocks = [it for it in blocks if it.get("type") not in _SERVER_CALLS or it["id"] in answered]
        return _without_trailing_thinking(tuple(blocks))

    @property
    def _bad_call(self) -> bool:
        """Whether a closed call has input that is no JSON object, and not because the tokens ran out within it."""
        return self._stop_reason not in _RAN_OUT and any(
            it.closed and it.json_texts and _input(it) is None for it in self._pieces.values()
        )

    def _take(self, event: dict[str, Any], signals: list[Signal]) -> None:
        kind = event.get("type")
        if kind == "content_block_delta":
            self._add(self._pieces[event["index"]], event["delta"], signals)
        elif kind == "content_block_start":
            self._begin(event["index"], event["content_block"], signals)
        elif kind == "content_block_stop":
            self._pieces[event["index"]].closed = True
        elif kind == "message_start":
            message = event["message"]
            self._message_id = _string(message.get("id") or "")
            self._model = _string(message.get("model") or self._model)
            self._note_usage(message.get("usage"), signals)
        elif kind == "message_delta":
            delta = event["delta"]
            self._stop_reason = _string(delta["stop_reason"]) if delta.get("stop_reason") else self._stop_reason
            self._stop_details = dict(delta.get("stop_details") or self._stop_details)
            self._note_usage(event.get("usage"), signals)
        elif kind == "message_stop":
            self.stopped = True
        elif kind == "error":
            self.fault = faults.of_event(event, self._asked)
        # Pings, and kinds that nobody knows yet, say nothing about the reply.

    def _begin(self, index: int, block: Block, signals: list[Signal]) -> None:
        kind = _string(block["type"])
        piece = Piece(dict(block))
        if kind in ("text", "thinking"):
            piece.block[kind] = _string(block.get(kind, ""))
        if kind == "text":
            _tell_text(piece, piece.block["text"], signals)
        elif kind in _CALLS:
            begun = CallBegun(_string(block["id"]), _string(block["name"]))
            piece.block["input"] = _mapping(block.get("input"))
            signals += [begun] if kind == "tool_use" else []
        self._pieces[_index(index)] = piece

    def _add(self, piece: Piece, delta: dict[str, Any], signals: list[Signal]) -> None:
        kind = delta["type"]
        if kind == "text_delta":
            piece.texts.append(_string(delta["text"]))
            _tell_text(piece, delta["text"], signals)
        elif kind == "input_json_delta":
            piece.json_texts.append(_string(delta["partial_json"]))
        elif kind == "thinking_delta":
            piece.texts.append(_string(delta["thinking"]))
            _tell_thinking(delta["thinking"], signals)
        elif kind == "signature_delta":
            piece.block["signature"] = _string(delta["signature"])
        elif kind == "citations_delta":
            piece.block["citations"] = [*(piece.block.get("citations") or ()), delta["citation"]]
        elif piece.block["type"] not in _KNOWN:
            # A block of an unknown kind that grows in an unknown way cannot be put together to the letter.
            piece.spoiled = True

    def _note_usage(self, usage: dict[str, Any] | None, signals: list[Signal]) -> None:
        """Numbers are totals so far: later ones replace earlier ones, absent ones leave them."""
        if usage:
            self._usage.update({key: value for key, value in usage.items() if value is not None})
            signals.append(UsageReported(usage_of(self._usage)))


def usage_of(reported: dict[str, Any]) -> Usage:
    """The API's usage as ours; cache writes without a split count as five-minute ones, which is what they are by default."""
    split, server = _mapping(reported.get("cache_creation")), _mapping(reported.get("server_tool_use"))
    hour = _count(split, "ephemeral_1h_input_tokens")
    minutes = _count(split, "ephemeral_5m_input_tokens")
    return Usage(
        input_tokens=_count(reported, "input_tokens"),
        output_tokens=_count(reported, "output_tokens"),
        cache_read_tokens=_count(reported, "cache_read_input_tokens"),
        cache_write_5m_tokens=max(minutes, _count(reported, "cache_creation_input_tokens") - hour),
        cache_write_1h_tokens=hour,
        web_searches=_count(server, "web_search_requests"),
    )


def _finished(piece: Piece) -> Block | None:
    """The closed block as the API made it; None for one that is open, spoiled, unsigned or whose input is no JSON object."""
    if not piece.closed or piece.spoiled:
        return None
    block = piece.block
    if block["type"] == "text":
        return {**block, "text": block["text"] + "".join(piece.texts)}
    if block["type"] == "thinking":
        return {**block, "thinking": block["thinking"] + "".join(piece.texts)} if block.get("signature") else None
    if not piece.json_texts:
        return block
    given = _input(piece)
    return None if given is None else {**block, "input": given}


def _text_so_far(piece: Piece) -> Block | None:
    if piece.closed or piece.block["type"] != "text":
        return None
    return {**piece.block, "text": piece.block["text"] + "".join(piece.texts)}


def _input(piece: Piece) -> dict[str, Any] | None:
    """The input of a call, None where it is no JSON object. Calls without arguments are streamed as an empty text."""
    text = "".join(piece.json_texts)
    try:
        given: Any = json.loads(text) if text.strip() else piece.block.get("input") or {}
    except ValueError:
        return None
    return given if isinstance(given, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _string(value: object) -> str:
    """The text; raises TypeError for anything else, which makes the event unreadable."""
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _index(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("expected a number")
    return value


def _mapping(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _count(numbers: dict[str, Any], name: str) -> int:
    value = numbers.get(name)
    return value if isinstance(value, int) else 0


def _without_trailing_thinking(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """A message may not end in thinking when it goes back."""
    end = len(blocks)
    while end and blocks[end - 1].get("type") in _THINKING:
        end -= 1
    return blocks[:end]


def _tell_text(piece: Piece, text: str, signals: list[Signal]) -> None:
    if piece.unheard is not None:
        text = piece.unheard + text
        piece.unheard = text if not text.strip() else None
        if piece.unheard is not None:
            return
    last = signals[-1] if signals else None
    if isinstance(last, TextArrived):
        signals[-1] = TextArrived(last.text + text)
    elif text:
        signals.append(TextArrived(text))


def _tell_thinking(text: str, signals: list[Signal]) -> None:
    last = signals[-1] if signals else None
    if isinstance(last, ThinkingArrived):
        signals[-1] = ThinkingArrived(last.text + text)
    elif text:
        signals.append(ThinkingArrived(text))


_KNOWN: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_THINKING: Final = ("thinking", "redacted_thinking")
_SERVER_CALLS: Final = ("server_tool_use", "mcp_tool_use")
_CALLS: Final = ("tool_use", *_SERVER_CALLS)
_RAN_OUT: Final = ("max_tokens", "model_context_window_exceeded", "refusal")
