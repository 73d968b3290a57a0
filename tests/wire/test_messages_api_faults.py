"""What goes wrong on the wire, as the SDK and a plain HTTP client see it."""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import pytest
from inline_snapshot import snapshot

from claw_lsp.testing.messages_api import (
    BrokenEvent,
    CleanEnd,
    Drop,
    ErrorEvent,
    MessagesApi,
    Ping,
    Reply,
    Stall,
    Status,
    Text,
    ToolUse,
    UnknownEvent,
    script,
)

ASK: Any = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
TWO = Text(text="Hello wörld ☃", pieces=("Hello ", "wörld ☃"))


class Seen:
    """What a client saw of one stream."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.text = ""
        self.error: BaseException | None = None


async def play(reply: Reply, **options: Any) -> Seen:
    seen = Seen()
    async with (
        MessagesApi(script(reply)) as api,
        anthropic.AsyncAnthropic(base_url=api.url, api_key="sk-ant-scripted", max_retries=0, **options) as client,
    ):
        try:
            stream = await client.messages.create(stream=True, **ASK)
            async for event in stream:
                seen.events.append(event.type)
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    seen.text += event.delta.text
        except Exception as error:
            seen.error = error
    return seen


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "header"),
    [
        (Status(status=429, retry_after=2), ("retry-after", "2")),
        (Status(status=529, retry_after_ms=1500), ("retry-after-ms", "1500")),
        (Status(status=503), None),
    ],
)
async def test_a_status_says_when_to_come_back(fault: Status, header: Any) -> None:
    error: Any = (await play(Reply(content="never", faults=(fault,)))).error
    assert isinstance(error, anthropic.APIStatusError)
    kinds = {429: "rate_limit_error", 529: "overloaded_error", 503: "api_error"}
    assert (error.status_code, error.type) == (fault.status, kinds[fault.status])
    given = [(it, error.response.headers[it]) for it in error.response.headers if it.startswith("retry")]
    assert given == ([header] if header else [])


@pytest.mark.asyncio
async def test_the_time_to_come_back_can_be_a_date() -> None:
    error: Any = (await play(Reply(faults=(Status(status=429, retry_at=30),)))).error
    wait = parsedate_to_datetime(error.response.headers["retry-after"]).timestamp() - time.time()
    assert 25 < wait <= 30


@pytest.mark.asyncio
async def test_an_error_event_in_mid_stream() -> None:
    seen = await play(Reply(content=(TWO,), faults=(ErrorEvent(after_events=4),)))
    error: Any = seen.error
    assert seen.text == "Hello "
    assert (error.status_code, error.type, error.api_message) == (200, "overloaded_error", "Overloaded")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("drop", "text"),
    [
        (Drop(after_events=0), ""),
        (Drop(after_events=4), "Hello "),
        (Drop(after_events=4, reset=True), "Hello "),
        (Drop(after_bytes=10), ""),
        (Drop(after_bytes=900, reset=True), "Hello "),
    ],
)
async def test_a_dropped_connection(drop: Drop, text: str) -> None:
    seen = await play(Reply(content=(TWO,), faults=(drop,)))
    assert isinstance(seen.error, httpx2.RemoteProtocolError | httpx2.ReadError)
    assert seen.text == text or drop.reset


@pytest.mark.asyncio
async def test_a_stall() -> None:
    seen = await play(Reply(content=(TWO,), faults=(Stall(after_events=4),)), timeout=0.3)
    assert isinstance(seen.error, httpx2.ReadTimeout)
    assert seen.text == "Hello "


@pytest.mark.asyncio
async def test_a_short_stall_is_only_a_wait() -> None:
    seen = await play(Reply(content=(TWO,), faults=(Stall(after_events=4, seconds=0.05),)))
    assert (seen.error, seen.text) == (None, TWO.text)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "last"), [(CleanEnd(), "message_delta"), (CleanEnd(after_events=4), "content_block_delta")]
)
async def test_an_end_without_message_stop_raises_nothing(fault: CleanEnd, last: str) -> None:
    seen = await play(Reply(content=(TWO,), faults=(fault,)))
    assert (seen.error, seen.events[-1]) == (None, last)


@pytest.mark.asyncio
async def test_a_broken_event() -> None:
    seen = await play(Reply(content=(TWO,), faults=(BrokenEvent(at_event=4),)))
    assert isinstance(seen.error, ValueError)
    assert seen.text == "Hello "


@pytest.mark.asyncio
async def test_broken_tool_input_is_an_ordinary_stream() -> None:
    seen = await play(Reply(content=(ToolUse(name="Edit", json_text='{"file_path": "a'),)))
    assert (seen.error, seen.events[-1]) == (None, "message_stop")


@pytest.mark.asyncio
async def test_unknown_events_and_pings_are_in_the_stream() -> None:
    faults = (UnknownEvent(after_events=1), Ping(after_events=4), Ping(after_events=8))
    async with MessagesApi(script(Reply(content=(TWO,), faults=faults))) as api, httpx2.AsyncClient() as http:
        headers = {"x-api-key": "sk-ant-scripted", "anthropic-version": "2026-10-21"}
        body = (await http.post(f"{api.url}/v1/messages", json={**ASK, "stream": True}, headers=headers)).text
    assert [it.removeprefix("event: ") for it in body.splitlines() if it.startswith("event: ")] == snapshot(
        [
            "message_start",
            "from_the_future",
            "content_block_start",
            "ping",
            "content_block_delta",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
            "ping",
        ]
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_the_body_can_be_cut_at_every_byte(size: int) -> None:
    seen = await play(Reply(content=(TWO,), chunk_bytes=size))
    assert (seen.error, seen.text) == (None, TWO.text)


@pytest.mark.asyncio
async def test_delays_before_and_between() -> None:
    async with (
        MessagesApi(script(Reply(content=(TWO,), delay=0.1, pace=0.1))) as api,
        anthropic.AsyncAnthropic(base_url=api.url, api_key="sk-ant-scripted", max_retries=0) as client,
    ):
        times: list[float] = []
        async for event in await client.messages.create(stream=True, **ASK):
            if event.type in ("message_start", "content_block_delta"):
                times.append(time.monotonic() - api.requests[0].arrived)
    assert [int(it * 10) >= n for n, it in enumerate(times, start=1)] == [True, True, True]
    assert times[-1] < 2


@pytest.mark.asyncio
async def test_a_fault_of_one_request_does_not_touch_another() -> None:
    replies = (Reply(content="dropped", faults=(Drop(after_events=2),)), Reply(content="fine"))
    async with (
        MessagesApi(script(*replies)) as api,
        anthropic.AsyncAnthropic(base_url=api.url, api_key="sk-ant-scripted", max_retries=0) as client,
    ):
        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in await client.messages.create(stream=True, **ASK):
                await asyncio.sleep(0)
        message: Any = await client.messages.create(**ASK)
    assert message.content[0].text == "fine"
    assert [it.finished is None for it in api.requests] == [True, False]
