"""Thinking goes back exactly as it came and where it came from, or the scripted server refuses it."""

from typing import Any

import httpx2
import pytest

from claw_lsp.testing.messages_api import MessagesApi, RedactedThinking, Reply, Scenario, Thinking, ToolUse

HEADERS = {"x-api-key": "sk-ant-scripted", "anthropic-version": "2026-10-21"}
BINDING = {"anthropic-beta": "thinking-binding-controls-2026-08-01"}
READ: Any = {"name": "Read", "input_schema": {"type": "object"}}
STORY = Scenario(
    replies=(
        Reply(content=(Thinking(thinking="Look first."), RedactedThinking(), ToolUse(name="Read", id="c1"))),
        Reply(content=(Thinking(thinking="Now I know."), "It is 42."), times="always"),
    )
)
CHANGED = "in the latest assistant message cannot be modified"
BOUND = "bound to a different conversation"


class Chat:
    """A chat with the server, whose next request a test may spoil."""

    def __init__(self, api: MessagesApi, http: httpx2.AsyncClient, model: str) -> None:
        self.api, self.http = api, http
        self.dropped: list[str] = []
        self.body: Any = {
            "model": model,
            "max_tokens": 100,
            "system": [{"type": "text", "text": "You are."}],
            "tools": [READ],
            "messages": [{"role": "user", "content": "What is it?"}],
        }

    async def send(self, **headers: str) -> tuple[int, str]:
        answer = await self.http.post(f"{self.api.url}/v1/messages", json=self.body, headers={**HEADERS, **headers})
        made = answer.json()
        self.dropped = [it["path"] for it in made.get("input_transformations", [])]
        if answer.status_code == 200:
            self.body["messages"].append({"role": "assistant", "content": made["content"]})
        return answer.status_code, made.get("error", {}).get("message", "")

    def say(self, *content: Any) -> None:
        self.body["messages"].append({"role": "user", "content": list(content)})

    @property
    def last(self) -> Any:
        return self.body["messages"][-1]["content"]


async def told(api: MessagesApi, http: httpx2.AsyncClient, model: str = "claude-opus-5-5") -> Chat:
    """The chat after two replies and one more question."""
    chat = await called(api, http, model)
    assert (await chat.send())[0] == 200
    chat.say({"type": "text", "text": "Sure?"})
    return chat


async def called(api: MessagesApi, http: httpx2.AsyncClient, model: str = "claude-opus-5-5") -> Chat:
    """The chat after the first reply and the result of its call."""
    chat = Chat(api, http, model)
    assert (await chat.send())[0] == 200
    chat.say({"type": "tool_result", "tool_use_id": "c1", "content": "42"})
    return chat


@pytest.mark.asyncio
async def test_unchanged_thinking_is_welcome_even_to_a_new_server() -> None:
    async with httpx2.AsyncClient() as http:
        async with MessagesApi(STORY) as api:
            chat = await told(api, http)
            assert (await chat.send())[0] == 200
            chat.say({"type": "text", "text": "And now?", "cache_control": {"type": "ephemeral"}})
        async with MessagesApi(STORY) as chat.api:
            chat.body["output_config"] = {"effort": "low"}
            assert await chat.send() == (200, "")


def _system(body: Any) -> None:
    body["system"][0]["text"] = "You were."


def _tools(body: Any) -> None:
    body["tools"].append({**READ, "name": "Write"})


def _first_message(body: Any) -> None:
    body["messages"][0]["content"] = "What was it?"


def _result(body: Any) -> None:
    body["messages"][2]["content"][0]["content"] = "43"


def _old_thinking_gone(body: Any) -> None:
    del body["messages"][1]["content"][0]


@pytest.mark.asyncio
@pytest.mark.parametrize("change", [_system, _tools, _first_message, _result, _old_thinking_gone])
async def test_a_changed_prefix_is_refused_or_its_thinking_dropped(change: Any) -> None:
    """What was dropped is told, by its place in the request."""
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = await told(api, http)
        change(chat.body)
        status, message = await chat.send()
        assert status == 400
        assert BOUND in message
        chat.body["thinking"] = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
        assert await chat.send(**BINDING) == (200, "")
    late = ["messages.3.content.0"]
    early = [] if change in (_result, _old_thinking_gone) else ["messages.1.content.0", "messages.1.content.1"]
    moved = ["messages.1.content.0"] if change is _old_thinking_gone else []
    assert chat.dropped == [*early, *moved, *late]


@pytest.mark.asyncio
async def test_models_before_5_1_do_not_bind_thinking() -> None:
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = await told(api, http, "claude-opus-5")
        _system(chat.body)
        assert await chat.send() == (200, "")


@pytest.mark.asyncio
async def test_thinking_of_another_model_is_refused() -> None:
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = await told(api, http)
        chat.body["model"] = "claude-sonnet-5-5"
        status, message = await chat.send()
    assert (status, BOUND in message) == (400, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("gone", [0, 1])
async def test_thinking_may_not_be_taken_out_of_the_latest_message(gone: int) -> None:
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = await called(api, http)
        del chat.body["messages"][1]["content"][gone]
        status, message = await chat.send()
    assert status == 400
    assert CHANGED in message


@pytest.mark.asyncio
async def test_changed_thinking_is_refused_wherever_it_stands() -> None:
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = await told(api, http)
        chat.body["messages"][3]["content"][0]["thinking"] += " Or not."
        latest = await chat.send()
        chat.body["messages"][1]["content"][0]["thinking"] = "Other."
        chat.body["messages"][3]["content"] = [{"type": "text", "text": "So."}]
        older = await chat.send()
    assert latest[0] == older[0] == 400
    assert CHANGED in latest[1]
    assert "Invalid `signature` in `thinking` block" in older[1]


@pytest.mark.asyncio
async def test_omitted_thinking_comes_without_its_text_and_goes_back_so() -> None:
    async with MessagesApi(STORY) as api, httpx2.AsyncClient() as http:
        chat = Chat(api, http, "claude-opus-5-5")
        chat.body["thinking"] = {"type": "adaptive", "display": "omitted"}
        await chat.send()
        assert chat.last[0]["thinking"] == ""
        assert chat.last[0]["signature"]
        chat.say({"type": "tool_result", "tool_use_id": "c1", "content": "42"})
        assert await chat.send() == (200, "")
