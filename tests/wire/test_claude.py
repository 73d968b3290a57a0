"""ClaudeModel against the scripted Messages API and against raw bytes, over real HTTP."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from blockbuster import blockbuster_ctx
from claude_line import (
    CANARY,
    KEY,
    RECORDED,
    RECORDED_BLOCKS,
    RECORDED_TEXT,
    THOUGHT,
    Answer,
    Ears,
    FakeClock,
    RawApi,
    ask,
    block,
    call_block,
    delta,
    event,
    going_on,
    line,
    message,
    text_block,
)

from claw_lsp.adapters.claude.client import ClaudeModel, Limits
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Request
from claw_lsp.facts.usage import Usage
from claw_lsp.testing.messages_api import (
    Found,
    MessagesApi,
    RedactedThinking,
    Reply,
    ServerToolUse,
    Text,
    Thinking,
    ToolUse,
    WebSearchToolResult,
    script,
)

WHOLE = Answer((b"".join(RECORDED),))


async def test_a_reply_streams_and_comes_back_whole() -> None:
    reply = Reply(
        content=(Text(text="One moment, please."), ToolUse(name="Edit", input={"path": "ä.py"}, id="toolu_1"))
    )
    async with MessagesApi(script(reply)) as api, line(api.url) as model:
        ears = Ears()
        got = await model.consult(ask(), ears)
    assert got.blocks == (
        {"type": "text", "text": "One moment, please."},
        {"type": "tool_use", "id": "toolu_1", "name": "Edit", "input": {"path": "ä.py"}},
    )
    assert (got.stop_reason, got.cut, got.fault, got.model) == ("tool_use", False, "", "claude-opus-5-5")
    assert ears.text == "One moment, please."
    assert ears.calls == ["Edit"]


async def test_thinking_and_redacted_thinking_go_back_to_the_letter_and_are_accepted() -> None:
    first = Reply(content=(Thinking(thinking="Let me see."), RedactedThinking(), ToolUse(name="Edit")))
    async with MessagesApi(script(first, "Done.")) as api, line(api.url) as model:
        ears = Ears()
        asked = ask(thinking={"type": "adaptive", "display": "summarized"}, effort="high")
        got = await model.consult(asked, ears)
        again = await model.consult(going_on(asked, got), ears)
        sent = api.requests[1].body
    assert [it["type"] for it in got.blocks] == ["thinking", "redacted_thinking", "tool_use"]
    assert got.blocks[0]["signature"]
    assert ears.thinking == "Let me see."
    assert sent["messages"][1]["content"] == list(got.blocks)
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert sent["output_config"] == {"effort": "high"}
    assert again.blocks == ({"type": "text", "text": "Done."},)


async def test_omitted_thinking_keeps_its_signature() -> None:
    first = Reply(content=(Thinking(thinking="Not shown."), ToolUse(name="Edit")))
    async with MessagesApi(script(first, "Done.")) as api, line(api.url) as model:
        ears = Ears()
        asked = ask(thinking={"type": "adaptive", "display": "omitted"})
        got = await model.consult(asked, ears)
        await model.consult(going_on(asked, got), ears)
    assert got.blocks[0]["thinking"] == ""
    assert got.blocks[0]["signature"]
    assert ears.thinking == ""


async def test_server_tool_blocks_go_back_as_they_came() -> None:
    found = WebSearchToolResult(found=(Found(url="https://example.com/", title="Example"),))
    first = Reply(content=(ServerToolUse(input={"query": "x"}), found, "It says so."), stop_reason="pause_turn")
    search = {"type": "web_search_20260318", "name": "web_search"}
    async with MessagesApi(script(first, "Done.")) as api, line(api.url) as model:
        asked = ask(tools=(search,))
        got = await model.consult(asked, Ears())
        await model.consult(going_on(asked, got), Ears())
        sent = api.requests[1].body["messages"][1]["content"]
    assert got.stop_reason == "pause_turn"
    assert [it["type"] for it in got.blocks] == ["server_tool_use", "web_search_tool_result", "text"]
    assert got.blocks[0]["input"] == {"query": "x"}
    assert sent == list(got.blocks)
    assert got.usage.web_searches == 1


async def test_blocks_of_unknown_kinds_are_kept_to_the_letter_or_not_at_all() -> None:
    future = {"type": "hologram", "shape": [1, 2, {"x": None}]}
    growing = block(1, {"type": "hologram"}, delta(1, "hologram_delta", bit=1))
    answer = Answer((b"".join(message(block(0, future), growing, text_block(2, "hi"), stop_reason="end_turn")),))
    async with RawApi([answer]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert got.blocks == (future, {"type": "text", "text": "hi"})


async def test_citations_are_kept() -> None:
    cited = [{"type": "web_search_result_location", "url": "https://e.com", "cited_text": "a"}]
    begin = {"type": "text", "text": "", "citations": []}
    one = block(0, begin, delta(0, "text_delta", text="So."), delta(0, "citations_delta", citation=cited[0]))
    async with RawApi([Answer((b"".join(message(one)),))]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert got.blocks == ({"type": "text", "text": "So.", "citations": cited},)


async def test_usage_is_counted_with_cache_writes_by_their_lifetime() -> None:
    usage = {
        "input_tokens": 1,
        "output_tokens": 1,
        "cache_creation_input_tokens": 70,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 50},
        "cache_read_input_tokens": 300,
        "server_tool_use": {"web_search_requests": 2},
    }
    bits = b"".join(message(text_block(0, "x"), usage=usage))
    async with RawApi([Answer((bits,))]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert got.usage == Usage(
        input_tokens=1,
        output_tokens=9,
        cache_read_tokens=300,
        cache_write_5m_tokens=20,
        cache_write_1h_tokens=50,
        web_searches=2,
    )


async def test_a_refusal_comes_with_its_details() -> None:
    refused = Reply.model_validate(
        {"content": ["No."], "stop_reason": "refusal", "stop_details": {"category": "cyber", "explanation": "why"}}
    )
    async with MessagesApi(script(refused)) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert (got.stop_reason, got.cut) == ("refusal", False)
    assert got.stop_details["category"] == "cyber"


async def test_a_call_cut_off_by_the_token_limit_is_left_out_and_the_reply_is_whole() -> None:
    bits = message(text_block(0, "Writing."), call_block(1, "toolu_a", '{"path": "a'), stop_reason="max_tokens")
    async with RawApi([Answer((b"".join(bits),))]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert (got.stop_reason, got.cut) == ("max_tokens", False)
    assert got.blocks == ({"type": "text", "text": "Writing."},)


async def test_connections_are_used_again() -> None:
    async with RawApi([WHOLE] * 3) as api, line(api.url) as model:
        for _ in range(3):
            await model.consult(ask(), Ears())
        assert api.n_connections == 1


async def test_a_server_that_never_closes_its_stream_holds_nobody_up() -> None:
    async with RawApi([replace(WHOLE, end="hang")]) as api, line(api.url) as model:
        got = await asyncio.wait_for(model.consult(ask(), Ears()), 20)
    assert got.blocks == RECORDED_BLOCKS


async def test_what_arrives_together_is_heard_at_once() -> None:
    bits = b"".join(message(text_block(0, *("word " for _ in range(500)))))
    async with RawApi([Answer((bits,))]) as api, line(api.url) as model:
        ears = Ears()
        await model.consult(ask(), ears)
    assert ears.text == "word " * 500
    assert len(ears.signals) < 20


async def test_blank_text_at_the_start_waits_for_the_first_visible_character() -> None:
    bits = message(text_block(0, "\n", "\n", "Hi", " "), stop_reason="end_turn")
    async with RawApi([Answer(tuple(bits))]) as api, line(api.url) as model:
        ears = Ears()
        got = await model.consult(ask(), ears)
    assert ears.text == "\n\nHi "
    assert got.blocks == ({"type": "text", "text": "\n\nHi "},)


async def test_neither_a_reply_nor_a_failure_blocks_the_loop_once_it_is_warm() -> None:
    refused = Answer(
        (b'{"type":"error","error":{"type":"not_found_error","message":"model"}}',), status="404 Not Found"
    )
    async with RawApi([WHOLE, refused]) as api, line(api.url) as model:
        await model.warm()
        with blockbuster_ctx("claw_lsp.adapters.claude"):
            got = await model.consult(ask(), Ears())
            with pytest.raises(ModelError):
                await model.consult(ask(), Ears())
    assert got.blocks == RECORDED_BLOCKS


@pytest.mark.parametrize("at", ["before", "during", "waiting"])
async def test_cancelling_closes_the_connection_at_once(at: str) -> None:
    answers = {
        "before": Answer((), end="hang"),
        "during": Answer((b"".join(RECORDED[:6]),), end="hang"),
        "waiting": Answer((b"{}",), status="529 Overloaded"),
    }

    class Slow(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(60)

    async with RawApi([answers[at]]) as api, line(api.url, Slow()) as model:
        running = asyncio.create_task(model.consult(ask(), Ears()))
        while not api.heads:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 0.5)
        if at != "waiting":
            for _ in range(50):
                await asyncio.sleep(0.01)
                if api.n_left:
                    break
            assert api.n_left == 1


async def test_what_the_hearer_raises_is_not_taken_for_a_fault_of_the_provider() -> None:
    async def deaf(signal: object) -> None:
        raise TimeoutError("the editor is gone")

    async with RawApi([WHOLE]) as api, line(api.url) as model:
        with pytest.raises(TimeoutError, match="the editor is gone"):
            await model.consult(ask(), deaf)
        assert len(api.heads) == 1


async def test_many_requests_share_the_line_side_by_side() -> None:
    async with RawApi([WHOLE] * 20) as api, line(api.url) as model:
        every = await asyncio.gather(*(model.consult(ask(), Ears()) for _ in range(20)))
    assert {json.dumps(it.blocks) for it in every} == {json.dumps(RECORDED_BLOCKS)}


def _header(head: str, name: str) -> str | None:
    found = [it for it in head.splitlines() if it.lower().startswith(f"{name}:")]
    return found[0].partition(":")[2].strip() if found else None


@pytest.mark.parametrize(
    ("credential", "key_header", "bearer", "own"),
    [
        (CANARY, "authorization", f"Bearer {KEY}", None),
        (CANARY, "x-api-key", None, KEY),
        (Credential("auth_token", "tok-1", "x"), "authorization", "Bearer tok-1", None),
        (Credential("auth_token", "tok-1", "x"), "x-api-key", "Bearer tok-1", None),
        (None, "authorization", None, None),
    ],
)
async def test_exactly_one_credential_is_sent_whatever_the_environment_holds(
    credential: Credential | None,
    key_header: str,
    bearer: str | None,
    own: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = {"ANTHROPIC_API_KEY": "sk-env", "ANTHROPIC_AUTH_TOKEN": "tok-env", "ANTHROPIC_PROFILE": "nobody"}
    foreign["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"
    foreign["ANTHROPIC_CUSTOM_HEADERS"] = "authorization: Bearer evil\nx-api-key: evil\nX-Api-Key: evil"
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    async with RawApi([WHOLE]) as api, line(api.url, find=lambda: credential, key_header=key_header) as model:
        await model.consult(ask(), Ears())
    assert _header(api.heads[0], "authorization") == bearer
    assert _header(api.heads[0], "x-api-key") == own
    assert "env" not in api.heads[0]


async def test_without_a_key_the_ways_to_give_one_are_told_and_nothing_is_sent() -> None:
    model = ClaudeModel(lambda: None, FakeClock())
    with pytest.raises(ModelError) as caught:
        await model.consult(ask(), Ears())
    assert caught.value.reason == "no_key"
    for way in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "credentials.json", "keyring"):
        assert way in str(caught.value)


async def test_a_key_given_later_is_found_without_a_restart() -> None:
    found = iter([Credential("api_key", "revoked", "ANTHROPIC_API_KEY"), CANARY])
    async with MessagesApi(script("Yes.")) as api, line(api.url, find=lambda: next(found)) as model:
        with pytest.raises(ModelError, match="refused the key from ANTHROPIC_API_KEY"):
            await model.consult(ask(), Ears())
        got = await model.consult(ask(), Ears())
    assert got.blocks == ({"type": "text", "text": "Yes."},)


@pytest.mark.parametrize("address", ["localhost:11434", "ftp://x", "http://", "http://[bad", "http://x:y"])
async def test_an_address_that_is_none_is_said_to_be_none(address: str) -> None:
    async with line(address) as model:
        with pytest.raises(ModelError, match="ANTHROPIC_BASE_URL"):
            await model.consult(ask(), Ears())


async def test_the_key_is_in_no_log_no_repr_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told_it_back = {"type": "error", "error": {"type": "permission_error", "message": f"key {KEY} may not"}}
    refused = Answer((json.dumps(told_it_back).encode(),), status="403 Forbidden")
    async with RawApi([WHOLE, refused]) as api, line(api.url) as model:
        await model.consult(ask(), Ears())
        with pytest.raises(ModelError) as caught:
            await model.consult(ask(), Ears())
        held: BaseException | None = caught.value
        while held is not None:
            assert KEY not in f"{held} {held!r} {vars(held)}"
            held = held.__cause__ or held.__context__
        assert KEY not in repr(model)
    assert KEY in api.heads[0]
    assert KEY not in caplog.text
    assert KEY not in repr(CANARY)


async def test_an_older_model_raises_no_warning() -> None:
    asked: Request = ask(model="claude-sonnet-4-5-20250929", thinking={"type": "enabled", "budget_tokens": 1024})
    asked = replace(asked, max_tokens=2000)
    async with MessagesApi(script("Yes.")) as api, line(api.url) as model:
        got = await model.consult(asked, Ears())
    assert got.blocks == ({"type": "text", "text": "Yes."},)


def test_the_limits_a_person_meets() -> None:
    assert Limits() == Limits(connect=10, notice=20, stall=120, first_byte=300)


async def test_only_thinking_that_ran_out_of_tokens_is_not_sent_back() -> None:
    bits = b"".join(message(THOUGHT, stop_reason="max_tokens"))
    async with RawApi([Answer((bits,))]) as api, line(api.url) as model:
        got = await model.consult(ask(), Ears())
    assert (got.stop_reason, got.blocks, got.cut) == ("max_tokens", (), False)


async def test_pings_comments_and_unknown_events_pass_by() -> None:
    noise = [
        event("ping"),
        b": keep-alive\n\n",
        event("from_the_future", index=99),
        b"retry: 5\n\n",
        b"data: [DONE]\n\n",
    ]
    mixed = [it for one in RECORDED for it in (one, *noise)]
    async with RawApi([Answer((b"".join(mixed),))]) as api, line(api.url) as model:
        ears = Ears()
        got = await model.consult(ask(), ears)
    assert got.blocks == RECORDED_BLOCKS
    assert ears.text == RECORDED_TEXT
