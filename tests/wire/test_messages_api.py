"""The scripted Messages API over real HTTP, with the real SDK: replies, streams, scripts, what is remembered."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from inline_snapshot import snapshot

from claw_lsp.testing.messages_api import (
    Found,
    Improvised,
    Match,
    MessagesApi,
    Raw,
    Recorded,
    Reply,
    Scenario,
    ServerToolUse,
    StopDetails,
    Text,
    Thinking,
    ToolUse,
    WebSearchToolResult,
    load_scenario,
    script,
)

KEY = "sk-ant-scripted"
EDIT: Any = {"name": "Edit", "description": "Edit a file", "input_schema": {"type": "object", "properties": {}}}
SEARCH: Any = {"type": "web_search_20260318", "name": "web_search", "max_uses": 3}
ASK: Any = {"model": "claude-opus-5-5", "max_tokens": 100}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


@asynccontextmanager
async def sdk(api: MessagesApi, **more: Any) -> AsyncIterator[anthropic.AsyncAnthropic]:
    credential = {} if "auth_token" in more else {"api_key": KEY}
    async with anthropic.AsyncAnthropic(base_url=api.url, max_retries=0, **credential, **more) as client:
        yield client


@pytest.mark.asyncio
@pytest.mark.parametrize("credential", [{"auth_token": KEY}, {}, {"default_headers": {"x-api-key": KEY}}])
async def test_the_sdk_gets_its_answer_whichever_way_the_key_goes(credential: Any) -> None:
    async with MessagesApi(script("Hello.")) as api, sdk(api, **credential) as client:
        message = await client.messages.create(messages=[user("hi")], **ASK)
    assert (message.content[0].text, message.stop_reason) == ("Hello.", "end_turn")  # type: ignore[union-attr]
    assert api.leftover() == []


@pytest.mark.asyncio
async def test_a_stream_has_the_events_of_the_real_one() -> None:
    reply = Reply(
        content=(
            Thinking(thinking="Let me see."),
            Text(text="Renaming it.", pieces=("Rena", "ming it.")),
            ToolUse(name="Edit", input={"file_path": "é.py"}),
        )
    )
    async with MessagesApi(script(reply)) as api, sdk(api) as client:
        stream = await client.messages.create(messages=[user("fix")], tools=[EDIT], stream=True, **ASK)
        events = [it async for it in stream]
    deltas = [(it.index, it.delta.type) for it in events if it.type == "content_block_delta"]
    assert deltas == snapshot(
        [
            (0, "thinking_delta"),
            (0, "signature_delta"),
            (1, "text_delta"),
            (1, "text_delta"),
            (2, "input_json_delta"),
            (2, "input_json_delta"),
        ]
    )
    kinds = [it.type for it in events if it.type != "content_block_delta"]
    blocks = ["content_block_start", "content_block_stop"] * 3
    assert kinds == ["message_start", *blocks, "message_delta", "message_stop"]
    assert events[0].message.usage.input_tokens > 0
    assert events[-2].delta.stop_reason == "tool_use"
    assert events[-2].usage.output_tokens == api.requests[0].usage["output_tokens"]  # type: ignore[index]


@pytest.mark.asyncio
async def test_streamed_and_whole_messages_are_the_same() -> None:
    reply = Reply(content=("One two three four five six seven.", ToolUse(name="Edit", input={"a": [1, {"b": "ü"}]})))
    async with MessagesApi(script(reply, reply)) as api, sdk(api) as client:
        whole = await client.messages.create(messages=[user("go")], tools=[EDIT], **ASK)
        async with client.messages.stream(messages=[user("go")], tools=[EDIT], **ASK) as stream:
            streamed = await stream.get_final_message()
    assert [it.to_dict() | {"id": ""} for it in streamed.content] == [it.to_dict() | {"id": ""} for it in whole.content]
    assert streamed.usage == whole.usage


@pytest.mark.asyncio
async def test_a_turn_with_thinking_and_a_call_goes_on() -> None:
    first = Reply(content=(Thinking(thinking="Hm."), ToolUse(name="Edit", input={"file_path": "{{cwd}}/a.py"})))
    second = Reply(match=Match(has_tool_result="done"), content="All {{cwd}}.")
    scenario = script(second, first).with_values(cwd="/home/me")
    async with MessagesApi(scenario) as api, sdk(api) as client:
        messages = [user("fix")]
        made = await client.messages.create(messages=messages, tools=[EDIT], **ASK)
        call: Any = made.content[-1]
        assert call.input == {"file_path": "/home/me/a.py"}
        result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "done"}]}
        messages += [made.to_param(), {"role": "user", "content": [result]}]
        end = await client.messages.create(messages=messages, tools=[EDIT], **ASK)
    assert end.content[0].text == "All /home/me."  # type: ignore[union-attr]
    assert api.unexpected == []


@pytest.mark.asyncio
async def test_replies_are_played_in_order_among_those_that_match() -> None:
    scenario = Scenario(
        replies=(
            Reply(content="always", match=Match(last_user_contains="ping"), times="always"),
            Reply(content="twice", match=Match(model="claude-haiku-5-5"), times=2),
            Reply(content="system", match=Match(system_contains="You are")),
            Reply(content="tools", match=Match(tools_contain="Edit")),
            Reply(content="three", match=Match(n_messages=3)),
            Reply(content="owed"),
            Reply(content="left"),
        )
    )
    three = [user("a"), {"role": "assistant", "content": "b"}, user("c")]
    asked: list[Any] = [
        {"messages": [user("ping")]},
        {"messages": [user("x")], "model": "claude-haiku-5-5"},
        {"messages": [user("x")], "system": "You are it."},
        {"messages": three, "tools": [EDIT]},
        {"messages": three, "tools": [EDIT]},
        {"messages": [user("ping 2")]},
        {"messages": [user("x")]},
    ]
    async with MessagesApi(scenario) as api, sdk(api) as client:
        said = [(await client.messages.create(**{**ASK, **it})).content[0].text for it in asked]
    assert said == ["always", "twice", "system", "tools", "three", "always", "owed"]
    assert [it.content[0].text for it in api.leftover()] == ["twice", "left"]  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_a_reply_can_be_improvised() -> None:
    def echo(recorded: Recorded) -> Reply:
        return Reply.model_validate({"content": f"You said {recorded.last_user_text}"})

    async with MessagesApi(script(Improvised(make=echo, times="always"))) as api, sdk(api) as client:
        said = [(await client.messages.create(messages=[user(it)], **ASK)).content[0].text for it in ("a", "b")]
    assert said == ["You said a", "You said b"]
    assert api.leftover() == []


@pytest.mark.asyncio
async def test_a_bug_in_an_improvised_reply_comes_out_at_the_end() -> None:
    def buggy(recorded: Recorded) -> Reply:
        raise LookupError(recorded.last_user_text)

    with pytest.raises(LookupError, match="hi"):
        async with MessagesApi(script(buggy)) as api, sdk(api) as client:
            with pytest.raises(anthropic.APIConnectionError):
                await client.messages.create(messages=[user("hi")], **ASK)


@pytest.mark.asyncio
async def test_a_request_without_a_reply_is_remembered() -> None:
    async with MessagesApi(script()) as api, sdk(api) as client:
        with pytest.raises(anthropic.InternalServerError, match="the script has no reply for this request: where is"):
            await client.messages.create(messages=[user("where is it?")], **ASK)
    assert [it.last_user_text for it in api.unexpected] == ["where is it?"]


@pytest.mark.asyncio
async def test_requests_run_side_by_side_and_are_recorded() -> None:
    slow = Reply(content="slow", match=Match(last_user_contains="slow"), delay=0.3)
    async with MessagesApi(script(slow, "quick")) as api, sdk(api) as client:
        await asyncio.gather(
            client.messages.create(messages=[user("slow")], **ASK), client.messages.create(messages=[user("q")], **ASK)
        )
    by_text = {it.last_user_text: it for it in api.requests}
    assert by_text["q"].finished < by_text["slow"].finished  # type: ignore[operator]
    assert by_text["slow"].finished - by_text["slow"].arrived >= 0.3  # type: ignore[operator]
    assert by_text["q"].headers["authorization"] == f"Bearer {KEY}"
    assert by_text["q"].body["model"] == "claude-opus-5-5"


@pytest.mark.asyncio
async def test_a_client_that_goes_away_is_noticed() -> None:
    async with MessagesApi(script(Reply(content="one two three four five six seven", pace=30))) as api:
        async with sdk(api) as client:
            stream = await client.messages.create(messages=[user("hi")], stream=True, **ASK)
            await anext(aiter(stream))
            await stream.close()
        async with asyncio.timeout(20):
            while not api.requests[0].abandoned:
                await asyncio.sleep(0.01)
    assert api.requests[0].finished is None


@pytest.mark.asyncio
async def test_a_web_search_is_played_and_counted() -> None:
    found = Found(url="https://example.org", title="Example")
    reply = Reply(
        content=(ServerToolUse(input={"query": "lsp"}), WebSearchToolResult(found=(found,)), Text(text="Found it."))
    )
    async with MessagesApi(script(reply)) as api, sdk(api) as client:
        async with client.messages.stream(messages=[user("search lsp")], tools=[SEARCH], **ASK) as stream:
            message: Any = await stream.get_final_message()
        again = [user("search lsp"), message.to_param(), user("thanks")]
        count = await client.messages.count_tokens(model=ASK["model"], messages=again, tools=[SEARCH])
    assert [it.type for it in message.content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert message.content[1].tool_use_id == message.content[0].id
    assert (message.content[1].content[0].url, message.content[0].input) == ("https://example.org", {"query": "lsp"})
    assert message.usage.server_tool_use.web_search_requests == 1
    assert count.input_tokens > 0


@pytest.mark.asyncio
async def test_every_way_to_stop() -> None:
    refusal = StopDetails(category="cyber", explanation="no")
    replies = [
        Reply(content="a", stop_reason="max_tokens"),
        Reply(content="a", stop_reason="stop_sequence", stop_sequence="END"),
        Reply(stop_reason="refusal", stop_details=refusal),
        Reply(content="a", stop_reason="model_context_window_exceeded"),
        Reply(content=(ToolUse(name="Edit", json_text='{"file_pa'),), stop_reason="max_tokens"),
        Reply(content=(Raw(block={"type": "from_the_future", "x": 1}),)),
    ]
    ends: list[Any] = []
    async with MessagesApi(script(*replies)) as api, sdk(api) as client:
        for _ in replies:
            stream = await client.messages.create(messages=[user("go")], tools=[EDIT], stream=True, **ASK)
            [delta] = [it.delta async for it in stream if it.type == "message_delta"]
            ends.append((delta.stop_reason, delta.stop_sequence, delta.stop_details and delta.stop_details.category))
    assert ends == snapshot(
        [
            ("max_tokens", None, None),
            ("stop_sequence", "END", None),
            ("refusal", None, "cyber"),
            ("model_context_window_exceeded", None, None),
            ("max_tokens", None, None),
            ("end_turn", None, None),
        ]
    )


@pytest.mark.asyncio
async def test_a_paused_turn_goes_on_from_its_own_end() -> None:
    async with MessagesApi(script(Reply(content="Wait", stop_reason="pause_turn"), "done.")) as api, sdk(api) as client:
        first = await client.messages.create(messages=[user("go")], **ASK)
        second = await client.messages.create(messages=[user("go"), first.to_param()], **ASK)
        with pytest.raises(anthropic.BadRequestError, match="prefill"):
            await client.messages.create(messages=[user("go"), {"role": "assistant", "content": "Made up"}], **ASK)
    assert (first.stop_reason, second.stop_reason) == ("pause_turn", "end_turn")


@pytest.mark.asyncio
async def test_max_tokens_0_warms_the_cache_and_uses_no_line_of_the_script() -> None:
    async with MessagesApi(script("owed")) as api, sdk(api) as client:
        message = await client.messages.create(messages=[user("hi")], **{**ASK, "max_tokens": 0})
    assert (message.content, message.usage.output_tokens) == ([], 0)
    assert len(api.leftover()) == 1


@pytest.mark.asyncio
async def test_models_and_tokens_can_be_asked_for() -> None:
    async with MessagesApi(script()) as api, sdk(api) as client:
        models = {it.id: it async for it in client.models.list()}
        opus = await client.models.retrieve("claude-opus-5-5")
        assert opus == models["claude-opus-5-5"]
        assert opus.capabilities and not opus.capabilities.thinking.types.disabled.supported
        assert (opus.max_input_tokens, models["claude-haiku-4-5"].max_tokens) == (1_000_000, 64_000)
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("claude-nobody")
        count = await client.messages.count_tokens(model="claude-opus-5-5", messages=[user("x" * 348)])
        beta = await client.beta.messages.count_tokens(model="claude-opus-5-5", messages=[user("x" * 348)])
    n_bytes = len('{"text":"","type":"text"}') + 348
    assert count.input_tokens == beta.input_tokens == -(-n_bytes * 2 // 7)
    assert (api.requests, len(api.side_requests)) == ([], 5)


@pytest.mark.asyncio
async def test_errors_have_the_shape_of_the_real_ones() -> None:
    async with MessagesApi(script()) as api, httpx2.AsyncClient(base_url=api.url) as http:
        wrong_key = await http.get("/v1/models", headers={"x-api-key": "nobody"})
        no_version = await http.get("/v1/models", headers={"x-api-key": KEY})
        headers = {"x-api-key": KEY, "anthropic-version": "2026-10-21"}
        nowhere = await http.get("/v1/nowhere", headers=headers)
        half_pair = await http.post("/v1/messages", headers=headers, content=rb'{"model": "\ud83d"}')
        no_json = await http.post("/v1/messages?beta=true", headers=headers, content=b"{nope")
        too_large = await http.post("/v1/messages", headers=headers, content=b" " * (33 * 1024 * 1024))
    assert wrong_key.json() == snapshot(
        {
            "type": "error",
            "error": {"type": "authentication_error", "message": "invalid x-api-key"},
            "request_id": "req_scripted0001",
        }
    )
    assert wrong_key.headers["request-id"] == "req_scripted0001"
    answers = (wrong_key, no_version, nowhere, half_pair, no_json, too_large)
    assert [(it.status_code, it.json()["error"]["type"]) for it in answers] == snapshot(
        [
            (401, "authentication_error"),
            (400, "invalid_request_error"),
            (404, "not_found_error"),
            (400, "invalid_request_error"),
            (400, "invalid_request_error"),
            (413, "request_too_large"),
        ]
    )


def test_a_scenario_file_is_served_by_the_command(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps({"replies": [{"content": ["Hello {{who}}."], "times": "always"}]}))
    assert load_scenario(file).replies[0].times == "always"
    command = [sys.executable, "-m", "claw_lsp.testing.messages_api", str(file), "--value", "who=world"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        body = {**ASK, "messages": [user("hi")]}
        headers = {"authorization": f"Bearer {KEY}", "anthropic-version": "2026-10-21"}
        answer = httpx2.post(f"{url}/v1/messages", json=body, headers=headers)
        process.terminate()
    assert answer.json()["content"] == [{"type": "text", "text": "Hello world."}]
