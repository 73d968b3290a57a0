"""Every fault of the provider and the network as it really arrives (R39-R45), with a clock that never waits."""

import asyncio
import ssl
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from claude_line import (
    KEY,
    RECORDED,
    RECORDED_BLOCKS,
    RECORDED_TEXT,
    THOUGHT,
    Answer,
    Ears,
    FakeClock,
    RawApi,
    address,
    ask,
    call_block,
    cut,
    event,
    going_on,
    line,
    message,
    text_block,
)

from claw_lsp.adapters.claude.backoff import asked_wait, pause
from claw_lsp.adapters.claude.client import Limits
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.signal import CallBegun, Retrying
from claw_lsp.testing.messages_api import (
    BrokenEvent,
    CleanEnd,
    Drop,
    ErrorEvent,
    MessagesApi,
    Reply,
    Stall,
    Status,
    ToolUse,
    script,
)
from claw_lsp.testing.messages_api.scenario import Fault

WHOLE = Answer((b"".join(RECORDED),))
SELF_SIGNED = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfcw+dUZ7aDzcygAO
YTVjcWfIhf1Nc7pSbUzrLfsn6AuhRANCAAQlzTqEOXye2t3a+gOm8An/NgpdrXeO
KmYlVwG/14e+y7qKuw/xF9/E3SxxU3NDMYzZXf578+UbFL66hz5n3jj7
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUA/SAAZgZ2H6P0jn9nXFLtxcNqEcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE5NDUxNFoYDzIxMjYxMDI5
MTk0NTE0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQlzTqEOXye2t3a+gOm8An/NgpdrXeOKmYlVwG/14e+y7qKuw/xF9/E
3SxxU3NDMYzZXf578+UbFL66hz5n3jj7o1MwUTAdBgNVHQ4EFgQUjBxu1iK2M/V8
Zd9t6XwqNbs7058wHwYDVR0jBBgwFoAUjBxu1iK2M/V8Zd9t6XwqNbs7058wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAlwAvMhz7zsqY5OWw//iqp
ACFQ8cddwsTZzkAfIfJrpQIgIaA6i5ltxCLJlF/6KuleEJwltpqC094HP8HecTYs
oo0=
-----END CERTIFICATE-----
"""
"""Made for these tests: a certificate for localhost that only itself vouches for, good for a hundred years."""
AFTER_FIRST_CALL = 1 + 4 + 4 + 5
"""Events of RECORDED up to the end of its first call."""


def status(code: int, *headers: str, body: bytes = b"") -> Answer:
    return Answer((body,), status=f"{code} Scripted", headers=("content-type: application/json", *headers))


@pytest.mark.parametrize(
    ("given", "waited"),
    [
        (Status(status=429, retry_after=7), 7.0),
        (Status(status=429, retry_after=60), 60.0),
        (Status(status=429, retry_after_ms=1500), 1.5),
        (Status(status=429, retry_at=30), 30.0),
        (Status(status=529, retry_after=3), 3.0),
        (Status(status=429), 0.5),
    ],
)
async def test_r39_the_wait_the_provider_asks_for_is_obeyed_and_shown(given: Status, waited: float) -> None:
    clock, ears = FakeClock(), Ears()
    async with MessagesApi(script(Reply(faults=(given,)), "Yes.")) as api, line(api.url, clock) as model:
        got = await model.consult(ask(), ears)
    assert got.blocks == ({"type": "text", "text": "Yes."},)
    assert clock.slept == [pytest.approx(waited, abs=1.5 if given.retry_at else 0)]
    why = "the provider limits the rate: scripted failure (429)"
    why = why if given.status == 429 else "the provider is overloaded (529)"
    assert ears.retries == [Retrying(2, 10, clock.slept[0], why)]


async def test_r39_a_longer_wait_is_told_instead_of_waited() -> None:
    clock, ears = FakeClock(), Ears()
    async with (
        MessagesApi(script(Reply(faults=(Status(status=429, retry_after=600),)))) as api,
        line(api.url, clock) as model,
    ):
        with pytest.raises(ModelError, match="10 minutes") as caught:
            await model.consult(ask(), ears)
    assert caught.value.reason == "rate_limit"
    assert (clock.slept, ears.signals) == ([], [])


async def test_r39_the_wait_can_be_cancelled() -> None:
    class Long(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(60)

    waiting = asyncio.Event()

    async def hear(signal: object) -> None:
        waiting.set()

    async with RawApi([status(429, "retry-after: 50")]) as api, line(api.url, Long()) as model:
        running = asyncio.create_task(model.consult(ask(), hear))
        await waiting.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)
        assert len(api.heads) == 1


def test_r39_retry_after_is_read_in_every_form() -> None:
    now = 1_800_000_000.0
    assert asked_wait({"retry-after": "12"}, now) == 12
    assert asked_wait({"retry-after": "0.5"}, now) == 0.5
    assert asked_wait({"retry-after-ms": "250", "retry-after": "9"}, now) == 0.25
    assert asked_wait({"retry-after": formatdate(now + 42, usegmt=True)}, now) == 42
    assert asked_wait({"retry-after": formatdate(now - 42, usegmt=True)}, now) == 0
    assert [asked_wait({"retry-after": it}, now) for it in ("soon", "nan", "inf", "")] == [None] * 4
    assert asked_wait({}, now) is None


@pytest.mark.parametrize("code", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_r40_a_passing_failure_is_asked_again_ten_times_with_a_visible_count(code: int) -> None:
    clock, ears = FakeClock(), Ears()
    async with RawApi([status(code)] * 10) as api, line(api.url, clock) as model:
        with pytest.raises(ModelError, match="asked 10 times") as caught:
            await model.consult(ask(), ears)
        assert len(api.heads) == 10
    assert clock.slept == [0.5, 1, 2, 4, 8, 8, 8, 8, 8]
    assert [(it.attempt, it.attempts) for it in ears.retries] == [(n, 10) for n in range(2, 11)]
    assert caught.value.reason == {429: "rate_limit", 529: "overloaded"}.get(code, "server_error")


def test_r40_jitter_takes_away_up_to_a_quarter() -> None:
    assert [pause(n, None, lambda: 0.0) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert [pause(n, None, lambda: 1.0) for n in range(1, 8)] == [0.375, 0.75, 1.5, 3, 6, 6, 6]
    assert pause(1, 7.0, lambda: 1.0) == 7.0
    assert pause(3, 61.0, lambda: 0.0) == 2
    assert pause(1000, None, lambda: 0.0) == 8


async def test_r40_a_server_that_is_not_there_is_asked_again_and_named() -> None:
    clock = FakeClock()
    async with line("http://127.0.0.1:9", clock) as model:
        with pytest.raises(ModelError, match=r"Nothing answers at the address \(127\.0\.0\.1:9\)") as caught:
            await model.consult(ask(), Ears())
    assert len(clock.slept) == 9
    assert caught.value.reason == "connection"


async def test_r40_a_connection_dropped_before_any_byte_is_asked_again() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    clock = FakeClock()
    async with server, line(address(server, "http"), clock) as model:
        with pytest.raises(ModelError, match="connection broke"):
            await model.consult(ask(), Ears())
    assert len(clock.slept) == 9


async def test_r40_the_provider_may_forbid_another_try() -> None:
    async with RawApi([status(500, "x-should-retry: false")]) as api, line(api.url) as model:
        with pytest.raises(ModelError):
            await model.consult(ask(), Ears())
        assert len(api.heads) == 1


BEFORE_SHOWN: list[tuple[str, Fault]] = [
    ("drop at once", Drop(after_events=0)),
    ("drop before the text", Drop(after_events=3)),
    ("reset", Drop(after_events=2, reset=True)),
    ("error event", ErrorEvent(after_events=2)),
    ("clean end", CleanEnd(after_events=3)),
    ("broken event", BrokenEvent(at_event=1)),
]


@pytest.mark.parametrize("fault", [it for _, it in BEFORE_SHOWN], ids=[name for name, _ in BEFORE_SHOWN])
async def test_r41_a_break_before_anything_was_shown_is_asked_again(fault: Fault) -> None:
    ears = Ears()
    scenario = script(Reply(content=("Hello there.",), faults=(fault,)), "Hello there.")
    async with MessagesApi(scenario) as api, line(api.url) as model:
        got = await model.consult(ask(), ears)
        assert len(api.requests) == 2
    assert (got.cut, got.blocks) == (False, ({"type": "text", "text": "Hello there."},))
    assert ears.text == "Hello there."
    assert len(ears.retries) == 1


async def test_r41_thinking_alone_is_asked_again() -> None:
    for n in range(1, 6):
        async with RawApi([cut(b"".join(RECORDED[:n])), WHOLE]) as api, line(api.url) as model:
            got = await model.consult(ask(), Ears())
            assert len(api.heads) == 2
        assert (got.cut, got.blocks) == (False, RECORDED_BLOCKS)


@pytest.mark.parametrize("phase", range(12))
async def test_r41_at_whatever_byte_the_stream_is_cut_what_was_shown_is_kept_once(phase: int) -> None:
    data = b"".join(RECORDED)
    cuts = range(phase, len(data), 12)
    async with RawApi([]) as api, line(api.url) as model:
        for n in cuts:
            api.answers = [cut(data[:n]), WHOLE]
            ears = Ears()
            got = await model.consult(ask(), ears)
            shown = "".join(it["text"] for it in got.blocks if it["type"] == "text")
            assert ears.text == shown
            if api.answers:
                assert got.cut is (got.stop_reason is None)
                assert ears.retries == []
                assert RECORDED_TEXT.startswith(shown)
                assert [it for it in got.blocks if it["type"] != "text"] == [
                    it for it in RECORDED_BLOCKS[: len(got.blocks)] if it["type"] != "text"
                ]
            else:
                assert (got.cut, got.blocks) == (False, RECORDED_BLOCKS)
                assert len(ears.retries) == 1


@pytest.mark.parametrize("ended", ["drop", "clean end", "error event", "broken event", "stall"])
@pytest.mark.parametrize("n", range(AFTER_FIRST_CALL, len(RECORDED) - 2))
async def test_r42_after_a_finished_call_the_part_is_kept_and_never_asked_for_again(n: int, ended: str) -> None:
    bits = b"".join(RECORDED[:n])
    overloaded = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    answer = {
        "drop": cut(bits),
        "clean end": Answer((bits,)),
        "error event": Answer((bits, overloaded)),
        "broken event": Answer((bits, b'event: content_block_delta\ndata: {"type": "content_b\n\n')),
        "stall": Answer((bits,), end="hang"),
    }[ended]
    limits = Limits(connect=2, notice=5, stall=0.05, first_byte=5)
    ears = Ears()
    async with RawApi([answer]) as api, line(api.url, limits=limits) as model:
        got = await model.consult(ask(), ears)
        assert len(api.heads) == 1
    finished = 4 if n == len(RECORDED) - 2 else 3
    assert got.blocks == RECORDED_BLOCKS[:finished]
    assert (got.cut, got.stop_reason) == (True, None)
    assert got.fault
    assert ears.text == RECORDED_TEXT
    assert ears.retries == []
    assert got.usage.input_tokens == 7


async def test_r42_the_kept_part_is_accepted_when_it_goes_back() -> None:
    first = Reply(
        content=("Two edits.", ToolUse(name="Edit", id="toolu_a"), ToolUse(name="Edit", id="toolu_b")),
        faults=(Drop(after_events=10),),
    )
    async with MessagesApi(script(first, "Done.")) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
        again = await model.consult(going_on(ask(), got), Ears())
    assert [it.get("id") for it in got.blocks] == [None, "toolu_a"]
    assert (got.cut, again.cut) == (True, False)


async def test_r42_when_only_the_farewell_is_missing_the_reply_is_whole() -> None:
    for answer in (cut(b"".join(RECORDED[:-1])), Answer((b"".join(RECORDED[:-1]),))):
        async with RawApi([answer]) as api, line(api.url) as model:
            got = await model.consult(ask(), Ears())
        assert (got.cut, got.stop_reason, got.blocks) == (False, "tool_use", RECORDED_BLOCKS)


@pytest.mark.parametrize("text", ['{"path": ', "[1]", '"x"', "{'path': 1}"])
async def test_a_call_whose_input_is_no_object_is_dropped_and_the_rest_is_kept(text: str) -> None:
    bits = b"".join(message(text_block(0, "Hi."), call_block(1, "toolu_a", text), call_block(2, "toolu_b", "{}")))
    async with RawApi([Answer((bits,))]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert (got.cut, got.fault) == (True, "the provider sent a call whose input is not JSON")
    assert got.blocks[0] == {"type": "text", "text": "Hi."}
    assert [it.get("id") for it in got.blocks[1:]] == ["toolu_b"]


async def test_a_broken_call_with_nothing_shown_is_asked_for_again() -> None:
    bits = b"".join(message(call_block(0, "toolu_a", '{"path": ')))
    async with RawApi([Answer((bits,)), WHOLE]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert (got.cut, got.blocks) == (False, RECORDED_BLOCKS)


async def test_r43_a_stall_is_noticed_then_given_up_and_asked_again_once() -> None:
    limits = Limits(connect=2, notice=0.1, stall=0.35, first_byte=0.35)
    stalled = Reply(content=("Hello.",), faults=(Stall(after_events=2),))
    ears = Ears()
    async with MessagesApi(script(stalled, "Hello.")) as api, line(api.url, limits=limits) as model:
        got = await model.consult(ask(), ears)
    assert got.blocks == ({"type": "text", "text": "Hello."},)
    assert [round(it.seconds, 1) for it in ears.stalls][:2] == [0.1, 0.2]
    assert [it.why for it in ears.retries] == [f"nothing came from {api.url[7:]} for 0.35 seconds"]


async def test_r43_a_second_stall_ends_it() -> None:
    limits = Limits(connect=2, notice=1, stall=0.1, first_byte=0.1)
    for faulty in (Answer((), end="hang"), Answer((RECORDED[0],), end="hang")):
        async with RawApi([faulty] * 2) as api, line(api.url, limits=limits) as model:
            with pytest.raises(ModelError, match=r"for 0\.1 seconds") as caught:
                await model.consult(ask(), Ears())
            assert len(api.heads) == 2
        assert caught.value.reason == "connection"


async def test_r43_a_stall_after_text_keeps_the_text() -> None:
    limits = Limits(connect=2, notice=1, stall=0.1, first_byte=2)
    async with RawApi([Answer((b"".join(RECORDED[:7]),), end="hang")]) as api, line(api.url, limits=limits) as model:
        got = await model.consult(ask(), Ears())
    assert (got.cut, got.blocks) == (True, (RECORDED_BLOCKS[0], {"type": "text", "text": "Grüße "}))


async def test_r43_pings_are_a_sign_of_life() -> None:
    limits = Limits(connect=2, notice=0.2, stall=0.3, first_byte=2)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for _ in range(6):
            writer.write(event("ping"))
            await asyncio.sleep(0.1)
        writer.write(b"".join(RECORDED))
        writer.close()

    ears = Ears()
    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with server, line(address(server, "http"), limits=limits) as model:
        got = await model.consult(ask(), ears)
    assert got.blocks == RECORDED_BLOCKS
    assert ears.stalls == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1000])
async def test_r44_in_whatever_bits_the_bytes_come_the_reply_is_the_same(size: int) -> None:
    data = b"".join(RECORDED)
    bits = tuple(data[n : n + size] for n in range(0, len(data), size))
    async with RawApi([Answer(bits)]) as api, line(api.url) as model:
        ears = Ears()
        got = await model.consult(ask(), ears)
    assert got.blocks == RECORDED_BLOCKS
    assert ears.text == RECORDED_TEXT
    assert ears.signals.index(CallBegun("toolu_a", "Edit")) < ears.signals.index(CallBegun("toolu_b", "Edit"))


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
async def test_r44_other_line_ends_are_read_as_well(newline: bytes) -> None:
    data = b"".join(RECORDED).replace(b"\n", newline)
    bits = tuple(data[n : n + 3] for n in range(0, len(data), 3))
    async with RawApi([Answer(bits)]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert got.blocks == RECORDED_BLOCKS


@pytest.mark.parametrize(
    ("kind", "tries"), [("overloaded_error", 10), ("api_error", 10), ("invalid_request_error", 1), ("who_knows", 10)]
)
async def test_r44_an_error_event_after_200_means_what_its_type_says(kind: str, tries: int) -> None:
    bits = RECORDED[0] + event("error", error={"type": kind, "message": "bad"})
    async with RawApi([Answer((bits,))] * tries) as api, line(api.url) as model:
        with pytest.raises(ModelError):
            await model.consult(ask(), Ears())
        assert len(api.heads) == tries


FINAL = [
    (400, "prompt is too long: 1200000 tokens > 1000000 maximum", "invalid_request", "/clear"),
    (400, "Input is too long for requested model.", "invalid_request", "no longer fits the context"),
    (
        400,
        "request (9000 tokens) exceeds the available context size (8192 tokens)",
        "invalid_request",
        "no longer fits",
    ),
    (400, "This model's maximum context length is 8192 tokens.", "invalid_request", "no longer fits the context"),
    (400, "messages.0: bad", "invalid_request", "messages.0: bad"),
    (400, "Your credit balance is too low to access the API.", "billing_error", "Add credit"),
    (401, "invalid key", "authentication_failed", "refused the key from ANTHROPIC_API_KEY"),
    (402, "unpaid", "billing_error", "Add credit"),
    (403, "not allowed", "authentication_failed", "/model"),
    (404, "model: claude-opus-5-5", "model_not_found", "does not know the model claude-opus-5-5"),
    (413, "too large", "invalid_request", "/clear"),
]


@pytest.mark.parametrize(("code", "said", "reason", "told"), FINAL, ids=[f"{it[0]} {it[1][:20]}" for it in FINAL])
async def test_r45_what_cannot_pass_is_told_at_once_with_what_to_do(
    code: int, said: str, reason: str, told: str
) -> None:
    ears = Ears()
    fault = Status(status=code, message=said)
    async with MessagesApi(script(Reply(faults=(fault,)))) as api, line(api.url) as model:
        with pytest.raises(ModelError) as caught:
            await model.consult(ask(), ears)
        assert len(api.requests) == 1
    assert caught.value.reason == reason
    assert told in str(caught.value)
    assert ears.signals == []


async def test_r45_after_a_refused_key_a_better_one_is_looked_for() -> None:
    """The person mends the file while the server runs; a key that works is not looked for again."""
    keys = ["sk-ant-mistyped", KEY]
    async with (
        MessagesApi(script("Hello.", "Again.")) as api,
        line(api.url, find=lambda: Credential("api_key", keys.pop(0), "a file")) as model,
    ):
        with pytest.raises(ModelError) as caught:
            await model.consult(ask(), Ears())
        assert caught.value.reason == "authentication_failed"
        for said in ("Hello.", "Again."):
            assert (await model.consult(ask(said), Ears())).blocks == ({"type": "text", "text": said},)
    assert keys == []


async def test_r45_a_wrong_address_is_told_from_an_unknown_model() -> None:
    page = Answer((b"<html>Not Found</html>",), status="404 Not Found", headers=("content-type: text/html",))
    async with RawApi([page]) as api, line(api.url + "/v1") as model:
        with pytest.raises(ModelError, match=r"no Messages API at /v1/v1/messages.*ANTHROPIC_BASE_URL"):
            await model.consult(ask(), Ears())


async def test_r45_a_page_in_place_of_a_stream_is_said_to_be_one() -> None:
    page = Answer((b"<html>Log in</html>",), headers=("content-type: text/html",))
    async with RawApi([page]) as api, line(api.url) as model:
        with pytest.raises(ModelError, match="answered with text/html"):
            await model.consult(ask(), Ears())


async def test_r45_a_redirect_is_not_followed_with_the_key() -> None:
    async with RawApi([]) as other:
        moved = Answer((), status="307 Temporary Redirect", headers=(f"location: {other.url}/v1/messages",))
        async with RawApi([moved]) as api, line(api.url) as model:
            with pytest.raises(ModelError, match="redirects to 127"):
                await model.consult(ask(), Ears())
        assert other.heads == []


async def test_r45_a_certificate_nobody_trusts_is_told_and_not_tried_again(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "self_signed.pem").write_text(SELF_SIGNED)
    context.load_cert_chain(tmp_path / "self_signed.pem")

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=context)
    clock = FakeClock()
    async with server, line(address(server, "https"), clock) as model:
        with pytest.raises(ModelError, match="certificate of 127") as caught:
            await model.consult(ask(), Ears())
    assert (caught.value.reason, clock.slept) == ("connection", [])


async def test_r45_https_to_a_server_without_it_is_told_and_not_tried_again() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    clock = FakeClock()
    async with server, line(address(server, "https"), clock) as model:
        with pytest.raises(ModelError, match="did not speak TLS"):
            await model.consult(ask(), Ears())
    assert clock.slept == []


class Jumping(FakeClock):
    """The wall clock is a day ahead or behind each time one looks; the monotonic one goes on as ever."""

    day = 86_400.0

    def now(self) -> float:
        self.day = -self.day
        return time.time() + self.day


async def test_r47_a_jump_of_the_clock_fires_no_timer_and_ends_no_key() -> None:
    found: list[Credential] = []

    def find() -> Credential:
        found.append(Credential("api_key", KEY, "a helper", lasts=300.0))
        return found[-1]

    limits = Limits(connect=2, notice=1, stall=1, first_byte=1)
    overloaded = Reply(faults=(Status(status=529, retry_after=2),))
    ears, clock = Ears(), Jumping(at=0.0)
    async with (
        MessagesApi(script("One.", overloaded, "Two.")) as api,
        line(api.url, clock, limits=limits, find=find) as model,
    ):
        one = await model.consult(ask(), ears)
        await model.consult(going_on(ask(), one), ears)
    assert (ears.text, ears.stalls, clock.slept, len(found)) == ("One.Two.", [], [2.0], 1)


async def test_r47_a_line_that_died_in_the_sleep_is_made_anew_once() -> None:
    """Nobody tells that the other end is gone: nothing comes on the line that was kept open."""
    limits = Limits(connect=2, notice=1, stall=0.3, first_byte=0.3)
    async with RawApi([WHOLE, Answer((), end="hang"), WHOLE]) as api, line(api.url, limits=limits) as model:
        ears = Ears()
        await model.consult(ask(), ears)
        assert (await model.consult(ask(), ears)).blocks == RECORDED_BLOCKS
    assert (api.n_connections, len(ears.retries)) == (2, 1)


def test_the_recorded_stream_is_what_these_tests_think() -> None:
    assert RECORDED[AFTER_FIRST_CALL - 1] == event("content_block_stop", index=2)
    assert RECORDED[1 : 1 + len(THOUGHT)] == THOUGHT
