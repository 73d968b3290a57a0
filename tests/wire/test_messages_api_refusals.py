"""Everything the Messages API refuses, refused by the scripted server: one line per refusal, over real HTTP."""

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pypdf import PdfWriter

from claw_lsp.testing.messages_api import MessagesApi, Reply, Scenario

HEADERS = {"x-api-key": "sk-ant-scripted", "anthropic-version": "2026-10-21"}
OK = Scenario(replies=(Reply(content="ok", times="always"),))
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
READ: Any = {"name": "Read", "input_schema": {"type": "object"}}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


def text(words: str, **more: Any) -> Any:
    return {"type": "text", "text": words, **more}


def user(*blocks: Any) -> Any:
    return {"role": "user", "content": [text(it) if isinstance(it, str) else it for it in blocks]}


def assistant(*blocks: Any) -> Any:
    return {"role": "assistant", "content": [text(it) if isinstance(it, str) else it for it in blocks]}


def call(name: str) -> Any:
    return {"type": "tool_use", "id": name, "name": "Read", "input": {}}


def result(name: str) -> Any:
    return {"type": "tool_result", "tool_use_id": name, "content": "ok"}


def image(data: str, kind: str = "image/png") -> Any:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def pdf(data: str) -> Any:
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}


def tool(**fields: Any) -> Any:
    return {**READ, **fields}


def ask(*messages: Any, **more: Any) -> Any:
    return {"model": "claude-opus-5-5", "max_tokens": 10, "messages": list(messages) or [user("hi")], **more}


def thinking(kind: str, model: str = "claude-opus-5-5", **more: Any) -> Any:
    return ask(model=model, max_tokens=2000, thinking={"type": kind, **more})


def pdf_bytes(*, password: str = "") -> str:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(10, 10)
    if password:
        writer.encrypt(password, algorithm="RC4-40")
    writer.write(out)
    return base64.b64encode(out.getvalue()).decode()


GOOD: dict[str, Any] = {
    "plain": ask(),
    "string content": ask({"role": "user", "content": "hi"}, system="You are."),
    "parallel calls": ask(user("a"), assistant(call("1"), call("2")), user(result("2"), result("1"), "go")),
    "two user messages": ask(user("a"), user("b")),
    "system in mid-conversation": ask(user("a"), {"role": "system", "content": "It is late."}),
    "four breakpoints": ask(user(*[text(str(n), **MARK) for n in range(4)])),
    "hour before minutes": ask(user(text("a", **HOUR), text("b", **MARK))),
    "image": ask(user(image(PNG))),
    "image in a result": ask(user("a"), assistant(call("1")), user({**result("1"), "content": [image(PNG)]})),
    "pdf": ask(user(pdf(pdf_bytes()))),
    "https image": ask(user({"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}})),
    "adaptive": thinking("adaptive", display="omitted"),
    "between tools": thinking("between_tools", "claude-sonnet-5-5"),
    "disabled": thinking("disabled", "claude-haiku-5-5"),
    "enabled": thinking("enabled", "claude-haiku-4-5", budget_tokens=1024),
    "prefill on an old model": ask(user("a"), assistant("b"), model="claude-haiku-4-5"),
    "forced without thinking": ask(
        tools=[READ], tool_choice={"type": "any"}, thinking={"type": "disabled"}, model="claude-haiku-5-5"
    ),
    "deferred tools": ask(tools=[READ, tool(name="b", defer_loading=True)]),
    "every field": ask(
        metadata={"user_id": "u"},
        stop_sequences=["END"],
        service_tier="auto",
        diagnostics={"previous_message_id": None},
    ),
}

EXTRA = "Extra inputs are not permitted"
REFUSED: dict[str, tuple[Any, str]] = {
    # calls and results
    "call without result": (ask(user("a"), assistant(call("1")), user("b")), "found without `tool_result` blocks"),
    "call at the end": (ask(user("a"), assistant(call("1")), model="claude-haiku-4-5"), "without `tool_result` blocks"),
    "result not first": (ask(user("a"), assistant(call("1")), user("b", result("1"))), "blocks immediately after: 1"),
    "one result missing": (ask(user("a"), assistant(call("1"), call("2")), user(result("1"))), "immediately after: 2"),
    "result without call": (ask(user(result("1"))), "unexpected `tool_use_id` found in `tool_result` blocks: 1"),
    "result too late": (
        ask(user("a"), assistant(call("1")), user(result("1")), assistant("b"), user(result("1"))),
        "unexpected `tool_use_id`",
    ),
    "result doubled": (
        ask(user("a"), assistant(call("1")), user(result("1"), result("1"))),
        "Found multiple `tool_result` blocks with id: 1",
    ),
    "call id twice": (
        ask(user("a"), assistant(call("1")), user(result("1")), assistant(call("1")), user(result("1"))),
        "`tool_use` ids must be unique",
    ),
    "call id twice in a message": (
        ask(user("a"), assistant(call("1"), call("1")), user(result("1"))),
        "must be unique",
    ),
    "call id with a dot": (ask(user("a"), assistant(call("a.b")), user(result("a.b"))), "should match pattern"),
    "call of the user": (ask(user(call("1"))), "`tool_use` blocks are not permitted in `user` messages"),
    # text
    "empty text": (ask(user("")), "text content blocks must be non-empty"),
    "empty string": (ask({"role": "user", "content": ""}), "text content blocks must be non-empty"),
    "blank text": (ask(user(" \n")), "must contain non-whitespace text"),
    "blank text in a result": (
        ask(user("a"), assistant(call("1")), user({**result("1"), "content": [text("")]})),
        "tool_result.content.0: text content blocks must be non-empty",
    ),
    "blank system": (ask(system=" "), "system.0: text content blocks must contain"),
    "no content": (ask(user("a"), assistant(), user("b")), "all messages must have non-empty content"),
    "white space at the end": (
        ask(user("a"), assistant("b "), model="claude-haiku-4-5"),
        "final assistant content cannot end with trailing whitespace",
    ),
    "prefill": (ask(user("a"), assistant("b")), "does not support assistant message prefill"),
    "citations of the user": (ask(user(text("a", citations=[{"type": "x"}]))), "only permitted on text of assistant"),
    # roles
    "no messages": ({"model": "claude-opus-5-5", "max_tokens": 1, "messages": []}, "at least one message is required"),
    "assistant first": (ask(assistant("a"), user("b")), 'first message must use the "user" role'),
    "system first": (ask({"role": "system", "content": "a"}, user("b")), "only allowed after the first user message"),
    "system on Sonnet 5": (
        ask(user("a"), {"role": "system", "content": "b"}, user("c"), model="claude-sonnet-5"),
        "role 'system' is not supported on this model",
    ),
    "image of the assistant": (ask(user("a"), assistant(image(PNG)), user("b")), "`image` blocks are not permitted"),
    "document of the assistant": (
        ask(user("a"), assistant(pdf(PNG)), user("b")),
        "`document` blocks are not permitted",
    ),
    "unknown role": (ask({"role": "tool", "content": "a"}), "messages.0.role: Input should be"),
    # cache control
    "five breakpoints": (ask(user(*[text(str(n), **MARK) for n in range(5)])), "A maximum of 4 blocks .* Found 5"),
    "five with the request's own": (ask(user(*[text(str(n), **MARK) for n in range(4)], "x"), **MARK), "Found 5"),
    "breakpoint on empty text": (ask(user(text("", **MARK))), "cache_control cannot be set for empty text blocks"),
    "breakpoint on thinking": (
        ask(user("a"), assistant({"type": "thinking", "thinking": "a", "signature": "b", **MARK}), user("b")),
        f"thinking.cache_control: {EXTRA}",
    ),
    "unknown ttl": (
        ask(user(text("a", cache_control={"type": "ephemeral", "ttl": "2h"}))),
        "Input should be '5m' or '1h'",
    ),
    "hour after minutes": (ask(user(text("a", **MARK), text("b", **HOUR))), "must not come after a ttl='5m'"),
    "hour on messages, minutes on system": (
        ask(user(text("b", **HOUR)), system=[text("a", **MARK)]),
        "must not come after",
    ),
    "two ttls on the last block": (ask(user(text("a", **MARK)), **HOUR), "with a different ttl"),
    "deferred tool marked": (ask(tools=[READ, tool(name="b", defer_loading=True, **MARK)]), "defer_loading=true"),
    # thinking
    "thinking disabled on Opus 5.5": (thinking("disabled"), "'disabled' is not supported for this model"),
    "thinking enabled on Opus 5.5": (thinking("enabled", budget_tokens=1024), "'enabled' is not supported"),
    "disabled on Sonnet 5.5": (thinking("disabled", "claude-sonnet-5-5"), "'disabled' is not supported"),
    "between_tools on Haiku 5.5": (thinking("between_tools", "claude-haiku-5-5"), "'between_tools' is not supported"),
    "adaptive on an old model": (thinking("adaptive", "claude-haiku-4-5"), "'adaptive' is not supported"),
    "unknown thinking": (thinking("hard"), "thinking.type: Input should be"),
    "small budget": (thinking("enabled", "claude-haiku-4-5", budget_tokens=1023), "greater than or equal to 1024"),
    "budget of max_tokens": (
        thinking("enabled", "claude-haiku-4-5", budget_tokens=2000),
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    "no budget": (thinking("enabled", "claude-haiku-4-5"), "budget_tokens: Field required"),
    "budget without enabled": (thinking("adaptive", budget_tokens=1024), f"budget_tokens: {EXTRA}"),
    "binding without its beta": (thinking("adaptive", block_binding={}), f"block_binding: {EXTRA}"),
    "effort on a model without": (
        ask(output_config={"effort": "low"}, model="claude-haiku-4-5"),
        "not support the effort",
    ),
    "effort the model lacks": (
        ask(output_config={"effort": "xhigh"}, model="claude-opus-4-6"),
        "'xhigh' is not supported",
    ),
    "unknown effort": (ask(output_config={"effort": "huge"}), "output_config.effort: Input should be"),
    "signature made up": (
        ask(user("a"), assistant({"type": "thinking", "thinking": "a", "signature": "b"}, "c"), user("d")),
        "Invalid `signature` in `thinking` block",
    ),
    "redacted thinking made up": (
        ask(user("a"), assistant({"type": "redacted_thinking", "data": "b"}, "c"), user("d")),
        "Invalid `data` in `redacted_thinking` block",
    ),
    # tools
    "forced tool on Opus 5.5": (
        ask(tools=[READ], tool_choice={"type": "any"}),
        "'any' is not supported for this model",
    ),
    "forced tool with thinking": (
        ask(
            tools=[READ],
            tool_choice={"type": "tool", "name": "Read"},
            thinking={"type": "adaptive"},
            model="claude-haiku-5-5",
        ),
        "Thinking may not be enabled when tool_choice forces tool use",
    ),
    "choice without tools": (ask(tool_choice={"type": "auto"}), "only be specified while providing tools"),
    "choice of an unknown tool": (
        ask(tools=[READ], tool_choice={"type": "tool", "name": "Nope"}, model="claude-haiku-4-5"),
        "Tool 'Nope' not found in provided tools",
    ),
    "tool name with a space": (ask(tools=[tool(name="a b")]), "should match pattern"),
    "tool name too long": (ask(tools=[tool(name="a" * 129)]), "should match pattern"),
    "tool name twice": (ask(tools=[READ, READ]), "Tool names must be unique"),
    "schema key with a space": (
        ask(tools=[tool(input_schema={"type": "object", "properties": {"a b": {}}})]),
        "Property keys should match pattern",
    ),
    "schema without type": (ask(tools=[tool(input_schema={})]), "tools.0.custom.input_schema.type: Field required"),
    "schema of a choice": (ask(tools=[tool(input_schema={"type": "object", "anyOf": []})]), "does not support oneOf"),
    "only deferred tools": (ask(tools=[tool(defer_loading=True)]), "at least one tool must have defer_loading=false"),
    "reference to no tool": (
        ask(
            user("a"),
            assistant(call("1")),
            user({**result("1"), "content": [{"type": "tool_reference", "tool_name": "Nope"}]}),
            tools=[READ],
        ),
        "Tool reference 'Nope' not found",
    ),
    "web search with both lists": (
        ask(
            tools=[
                {
                    "type": "web_search_20260318",
                    "name": "web_search",
                    "allowed_domains": ["a"],
                    "blocked_domains": ["b"],
                }
            ]
        ),
        "only one of allowed_domains",
    ),
    "web search under another name": (
        ask(tools=[{"type": "web_search_20260318", "name": "x"}]),
        "Input should be 'web_",
    ),
    "unknown server tool": (ask(tools=[{"type": "teleport_20260101", "name": "x"}]), "Input tag 'teleport' found"),
    # images and documents
    "image of another type": (ask(user(image(PNG, "image/jpeg"))), "does not match the provided media type image/jpeg"),
    "image of no type": (ask(user(image("AAAA"))), "Could not process image"),
    "image type unknown": (ask(user(image(PNG, "image/bmp"))), "media_type: Input should be"),
    "image not base64": (ask(user(image("$$$"))), "Invalid base64 data"),
    "image too large": (ask(user(image("A" * (10 * 1024 * 1024 + 4)))), "image exceeds 10 MB maximum"),
    "image over http": (
        ask(user({"type": "image", "source": {"type": "url", "url": "http://example.org/a.png"}})),
        "Only HTTPS URLs are supported",
    ),
    "pdf that is none": (ask(user(pdf(PNG))), "The PDF specified was not valid"),
    "pdf cut short": (ask(user(pdf(base64.b64encode(b"%PDF-1.7\n").decode()))), "The PDF specified was not valid"),
    "pdf with a password": (ask(user(pdf(pdf_bytes(password="secret")))), "password protected"),
    # unknown fields, limits
    "unknown field": (ask(top_k=3), f"top_k: {EXTRA}"),
    "temperature": (ask(temperature=0.5), f"temperature: {EXTRA}"),
    "unknown field of a message": (ask({**user("a"), "id": "m"}), f"messages.0.id: {EXTRA}"),
    "unknown field of a block": (ask(user(text("a", x=1))), f"messages.0.content.0.text.x: {EXTRA}"),
    "unknown field of a tool": (ask(tools=[tool(x=1)]), f"tools.0.custom.x: {EXTRA}"),
    "unknown field of a result": (
        ask(user("a"), assistant(call("1")), user({**result("1"), "x": 1})),
        f"messages.2.content.0.tool_result.x: {EXTRA}",
    ),
    "no max_tokens": ({"model": "claude-opus-5-5", "messages": [user("a")]}, "max_tokens: Field required"),
    "max_tokens over the limit": (
        ask(max_tokens=128_001),
        "128001 > 128000, which is the maximum allowed number of output",
    ),
    "max_tokens over an old limit": (ask(max_tokens=64_001, model="claude-haiku-4-5"), "64001 > 64000"),
    "prompt too long": (
        ask(user("word " * 140_100), model="claude-haiku-4-5"),
        r"prompt is too long: \d+ tokens > 200000 maximum",
    ),
}


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with MessagesApi(OK) as api, httpx2.AsyncClient(base_url=api.url, headers=HEADERS) as client:
        yield client


@pytest.mark.asyncio
@pytest.mark.parametrize("name", GOOD)
async def test_a_good_request_is_answered(http: httpx2.AsyncClient, name: str) -> None:
    answer = await http.post("/v1/messages", json=GOOD[name])
    assert (answer.status_code, answer.json().get("error")) == (200, None)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_is_refused(http: httpx2.AsyncClient, name: str) -> None:
    body, why = REFUSED[name]
    answer = await http.post("/v1/messages?beta=true", json=body)
    error = answer.json()
    assert (answer.status_code, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert error["request_id"] == answer.headers["request-id"]
    with pytest.raises(ValueError, match=why):
        raise ValueError(error["error"]["message"])


@pytest.mark.asyncio
async def test_an_unknown_model_is_not_found(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/messages", json=ask(model="claude-nobody"))
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        {"type": "not_found_error", "message": "model: claude-nobody"},
    )
