"""Whatever the model says and wherever its stream is cut: what is kept may go back to the API, and was shown once."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from claw_lsp.adapters.claude.backoff import asked_wait, pause
from claw_lsp.adapters.claude.faults import Asked, broken
from claw_lsp.adapters.claude.gathering import Gathering
from claw_lsp.adapters.claude.sse import EventReader
from claw_lsp.facts.call import Call, calls_in
from claw_lsp.facts.signal import TextArrived

ASKED = Asked("claude-opus-5-5", "ANTHROPIC_API_KEY", "https://api.anthropic.com")

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
pieces = st.lists(words, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words, lambda it: st.lists(it, max_size=2), max_leaves=4
)
inputs = st.dictionaries(words, values, max_size=3)


@st.composite
def streamed(draw: st.DrawFn, kind: str, n: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """A block as it is in the end, as it begins, and its deltas."""
    if kind == "text":
        parts = draw(pieces)
        return _block(kind, text="".join(parts)), _block(kind, text=""), [_block("text_delta", text=it) for it in parts]
    if kind == "thinking":
        parts, signature = draw(pieces), f"sig{n}"
        begin = _block(kind, thinking="", signature="")
        deltas = [_block("thinking_delta", thinking=it) for it in parts]
        whole = _block(kind, thinking="".join(parts), signature=signature)
        return whole, begin, [*deltas, _block("signature_delta", signature=signature)]
    if kind in ("redacted_thinking", "hologram"):
        whole = _block(kind, data=f"data{n}")
        return whole, whole, []
    given_input = draw(inputs)
    text = json.dumps(given_input)
    at = draw(st.integers(0, len(text)))
    begin = _block(kind, id=f"toolu_{n}", name="Edit", input={})
    deltas = [_block("input_json_delta", partial_json=it) for it in (text[:at], text[at:])]
    return {**begin, "input": given_input}, begin, deltas


@st.composite
def replies(draw: st.DrawFn) -> tuple[list[dict[str, Any]], bytes]:
    """The blocks of a reply and the bytes that carry it."""
    kinds = ("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "hologram")
    blocks: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = [_block("message_start", message={"id": "msg_1", "model": "m", "usage": {}})]
    for n, kind in enumerate(draw(st.lists(st.sampled_from(kinds), max_size=5))):
        whole, begin, deltas = draw(streamed(kind, n))
        blocks.append(whole)
        events.append(_block("content_block_start", index=n, content_block=begin))
        events += [_block("content_block_delta", index=n, delta=it) for it in deltas]
        events.append(_block("content_block_stop", index=n))
        if draw(st.booleans()):
            events.append(_block("ping"))
    events += [_block("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})]
    events += [_block("message_stop")]
    ascii_only = draw(st.booleans())
    return blocks, b"".join(
        f"event: {it['type']}\ndata: {json.dumps(it, ensure_ascii=ascii_only)}\n\n".encode() for it in events
    )


def _block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def gathered(data: bytes, sizes: list[int]) -> tuple[Gathering, str]:
    """The bytes in bits of these sizes, then the end; and the text that was signalled."""
    reader, gathering, at, told = EventReader(), Gathering(ASKED), 0, []
    for size in sizes:
        told += gathering.take(reader.feed(data[at : at + size]))
        at += size
    told += gathering.take(reader.feed(data[at:]))
    told += gathering.take(reader.end())
    return gathering, "".join(it.text for it in told if isinstance(it, TextArrived))


@given(replies(), st.lists(st.integers(0, 40), max_size=30))
def test_r44_the_reply_is_the_same_in_whatever_bits_it_comes(
    reply: tuple[list[dict[str, Any]], bytes], sizes: list[int]
) -> None:
    blocks, data = reply
    gathering, told = gathered(data, sizes)
    assert gathering.whole
    assert list(gathering.reply().blocks) == blocks
    assert told == "".join(it["text"] for it in blocks if it["type"] == "text" and it["text"].strip())


@settings(max_examples=300)
@given(replies(), st.floats(0, 1))
def test_r41_wherever_the_stream_is_cut_what_is_kept_may_go_back(
    reply: tuple[list[dict[str, Any]], bytes], part: float
) -> None:
    blocks, data = reply
    gathering, told = gathered(data[: int(len(data) * part)], [])
    if gathering.whole:
        assert list(gathering.reply().blocks) == blocks
        return
    kept = gathering.cut_reply(broken("cut")).blocks
    assert gathering.shown == bool(kept)
    assert told == "".join(it["text"] for it in kept if it["type"] == "text")
    results = {it.get("tool_use_id") for it in kept}
    for it in kept:
        match it["type"]:
            case "text":
                assert it["text"].strip()
            case "thinking":
                assert it["signature"]
                assert it in blocks
            case "server_tool_use":
                assert it["id"] in results
            case _:
                assert it in blocks
    assert not kept or kept[-1]["type"] not in ("thinking", "redacted_thinking")


@given(replies(), st.floats(0, 1))
def test_r42_every_finished_call_is_kept_exactly_once(reply: tuple[list[dict[str, Any]], bytes], part: float) -> None:
    _, data = reply
    seen = data[: int(len(data) * part)]
    gathering, _ = gathered(seen, [])
    got = gathering.reply() if gathering.whole else gathering.cut_reply(broken("cut"))
    begun = [it for it in map(_read, seen.split(b"\n\n")) if it.get("type") == "content_block_start"]
    ended = {it["index"] for it in map(_read, seen.split(b"\n\n")) if it.get("type") == "content_block_stop"}
    finished = [it["content_block"]["id"] for it in begun if it["index"] in ended and _is_call(it)]
    assert [it["id"] for it in got.blocks if it["type"] == "tool_use"] == finished


def _read(data: bytes) -> dict[str, Any]:
    try:
        return json.loads(data.partition(b"data: ")[2])
    except ValueError:
        return {}


def _is_call(start: dict[str, Any]) -> bool:
    return start["content_block"]["type"] == "tool_use"


@given(st.binary(max_size=300), st.lists(st.integers(0, 20), max_size=10))
def test_no_bytes_whatever_raise_anything(data: bytes, sizes: list[int]) -> None:
    gathering, _ = gathered(data, sizes)
    assert not gathering.whole


KINDS = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "error")
NAMES = ("text", "thinking", "id", "name", "input", "stop_reason", "input_tokens", "cache_creation", "partial_json")
NAMES += ("signature", "tool_use_id", "usage", "stop_details", "citation", "citations", "message", "model", "type")
TYPES = ("text", "thinking", "tool_use", "server_tool_use", "text_delta", "thinking_delta", "input_json_delta")
TYPES += ("signature_delta", "citations_delta")
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.sampled_from(TYPES),
    lambda it: st.lists(it, max_size=2) | st.dictionaries(st.sampled_from(NAMES), it, max_size=4),
    max_leaves=6,
)
odd_blocks = st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(NAMES[:-1], junk)) | junk
odd_events = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "index": st.sampled_from((0, 0, 1, None))},
    optional={"delta": odd_blocks, "content_block": odd_blocks, "message": junk, "usage": junk, "error": junk},
)


ODD_ID = {"type": "content_block_start", "index": 0, "content_block": {"type": "hologram", "tool_use_id": []}}


@settings(max_examples=400)
@example([ODD_ID, {"type": "content_block_stop", "index": 0}])
@given(st.lists(odd_events | junk, max_size=8))
def test_no_events_whatever_raise_anything(events: list[Any]) -> None:
    gathering = Gathering(ASKED)
    for it in events:
        gathering.take([json.dumps(it).encode()])
    got = gathering.reply() if gathering.whole else gathering.cut_reply(gathering.fault or gathering.ending_fault)
    assert all(isinstance(it["text"], str) for it in got.blocks if it["type"] == "text")
    assert calls_in(got.blocks) == tuple(
        Call(id=it["id"], name=it["name"], input=it["input"]) for it in got.blocks if it["type"] == "tool_use"
    )


@given(st.integers(1, 100), st.none() | st.floats(allow_nan=False), st.floats(0, 1, exclude_max=True))
def test_r40_every_wait_is_within_bounds(n: int, asked: float | None, roll: float) -> None:
    assert 0 < pause(n, asked, lambda: roll) <= (60 if asked is not None and asked > 8 else 8)


@given(st.text(max_size=40), st.floats(0, 4e9))
def test_r39_no_header_whatever_raises_anything(text: str, now: float) -> None:
    wait = asked_wait({"retry-after": text}, now)
    assert wait is None or wait >= 0
