"""Servers on the person's own machine that speak the Messages API and lack parts of it: they are asked once too often, no more."""

import json

import pytest
from claude_line import CANARY, Answer, Ears, FakeClock, RawApi, ask, going_on, line

from claw_lsp.adapters.claude.lacks import refused_part, without
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Request
from claw_lsp.testing.messages_api import CleanEnd, LocalServer, MessagesApi, Reply, Text, ToolUse, script

FOUND = {"type": "tool_reference", "tool_name": "mcp__db__ask"}
MARK = {"type": "ephemeral"}
LACKS = ("cache_control", "thinking", "output_config", "tool_choice", "defer_loading")


def rich(model: str = "qwen3-coder") -> Request:
    """A request with everything that a small server may not know."""
    system = ({"type": "text", "text": "You are a test.", "cache_control": MARK},)
    messages = (
        {"role": "user", "content": ({"type": "text", "text": "hello", "cache_control": MARK},)},
        {"role": "assistant", "content": ({"type": "tool_use", "id": "c1", "name": "ToolSearch", "input": {}},)},
        {"role": "user", "content": ({"type": "tool_result", "tool_use_id": "c1", "content": (FOUND,)},)},
    )
    thinking = {"type": "adaptive", "display": "summarized"}
    choice = {"type": "auto"}
    tools = (tool("ToolSearch"), *(tool(f"mcp__db__{it}") | {"defer_loading": True} for it in ("ask", "drop")))
    rich = {"thinking": thinking, "effort": "high", "tool_choice": choice, "tools": tools}
    return ask(model=model, system=system, messages=messages, **rich)


def tool(name: str) -> Block:
    return {"name": name, "description": name, "input_schema": {"type": "object", "properties": {}}}


def status(code: int, body: object) -> Answer:
    lines = ("content-type: application/json",)
    return Answer((json.dumps(body).encode(),), status=f"{code} Scripted", headers=lines)


async def test_what_a_local_server_refuses_is_left_out_from_then_on_and_said_once() -> None:
    local = LocalServer(("qwen3-coder",), LACKS)
    async with MessagesApi(script("Hello.", "Again."), local=local) as api, line(api.url, find=lambda: None) as model:
        ears, clock = Ears(), FakeClock()
        first = await model.consult(rich(), ears)
        second = await model.consult(going_on(rich(), first), ears)
    assert (ears.text, clock.slept) == ("Hello.Again.", [])
    assert (first.usage.input_tokens > 0, first.usage.cache_read_tokens) == (True, 0)
    assert second.blocks == ({"type": "text", "text": "Again."},)
    assert [it.status for it in api.requests] == [400, 400, 400, 400, 400, 200, 200]
    assert [it.why.partition(" does ")[2].partition(" for qwen3")[0] for it in ears.retries] == [
        "not take marks for the prompt cache",
        "not take the thinking parameter",
        "not take the effort parameter",
        "not take the choice of a tool",
        "not take tools that a search finds",
    ]
    # What the search found can be called, in words; what it did not find is not sent.
    assert [it["name"] for it in api.requests[-1].body["tools"]] == ["ToolSearch", "mcp__db__ask"]
    assert "mcp__db__ask can be called now." in json.dumps(api.requests[-1].body["messages"])
    last = json.dumps(api.requests[-1].body)
    assert not any(it in last for it in LACKS)
    assert "authorization" not in api.requests[-1].headers


async def test_each_model_of_a_server_is_learnt_by_itself() -> None:
    local = LocalServer(("a", "b"), ("thinking",))
    async with MessagesApi(script("A.", "B."), local=local) as api, line(api.url, find=lambda: None) as model:
        await model.consult(rich("a"), Ears())
        await model.consult(rich("b"), Ears())
    assert [(it.body["model"], it.status) for it in api.requests] == [("a", 400), ("a", 200), ("b", 400), ("b", 200)]


async def test_a_server_without_pings_farewell_or_cache_figures_gives_a_whole_reply() -> None:
    local = LocalServer(("qwen3-coder",))
    reply = Reply(content=(Text(text="On it."), ToolUse(name="Edit", input={"n": 1})), faults=(CleanEnd(),))
    async with MessagesApi(script(reply), local=local) as api, line(api.url, find=lambda: None) as model:
        got = await model.consult(rich(), Ears())
    assert (got.cut, got.stop_reason, [it["type"] for it in got.blocks]) == (False, "tool_use", ["text", "tool_use"])
    assert len(api.requests) == 1


async def test_a_model_that_the_server_has_not_is_named() -> None:
    async with (
        MessagesApi(script("Hello."), local=LocalServer(("a",))) as api,
        line(api.url, find=lambda: None) as model,
    ):
        with pytest.raises(ModelError, match=r"does not know the model qwen3-coder.*/model") as caught:
            await model.consult(rich(), Ears())
    assert caught.value.reason == "model_not_found"


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [
        (404, {"error": {"message": "The model `m` does not exist.", "type": "NotFoundError"}}, "model_not_found"),
        (400, {"error": {"message": "no such tool", "type": "BadRequestError"}}, "invalid_request"),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}, "invalid_request"),
        (401, {"error": {"message": "no", "type": "Unauthorized"}}, "authentication_failed"),
    ],
)
async def test_the_errors_of_other_servers_are_read_by_their_status_and_not_asked_again(
    code: int, body: object, reason: str
) -> None:
    async with RawApi([status(code, body)]) as api, line(api.url, find=lambda: CANARY) as model:
        with pytest.raises(ModelError) as caught:
            await model.consult(rich(), Ears())
    assert (caught.value.reason, len(api.heads)) == (reason, 1)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("system.0.cache_control: Extra inputs are not permitted", "cache_control"),
        ('[{"type": "extra_forbidden", "loc": ["body", "thinking"]}]', "thinking"),
        ("This model does not support the effort parameter.", "output_config"),
        ("Unknown parameter: 'output_config'", "output_config"),
        ("tools.3.defer_loading: Extra inputs are not permitted", "defer_loading"),
        ("messages.2.content.0.content.0: unknown type tool_reference", "defer_loading"),
        ("messages.1.content.0: this thinking block is bound to a different conversation", None),
        ("messages: at least one message is required", None),
        ("tools.0.input_schema.foo: Extra inputs are not permitted", None),
    ],
)
def test_only_a_refusal_that_names_a_part_takes_it_out(said: str, part: str | None) -> None:
    assert refused_part(said, rich()) == part
    if part is not None:
        assert refused_part(said, without(rich(), (part,))) is None  # pyright: ignore[reportArgumentType]


async def test_a_refusal_that_goes_on_ends_the_turn_with_the_servers_words() -> None:
    """A server that names what is no longer there is not asked for ever."""
    said = status(400, {"error": {"type": "invalid_request_error", "message": "thinking is not supported"}})
    async with RawApi([said, said]) as api, line(api.url, find=lambda: CANARY) as model:
        with pytest.raises(ModelError, match="thinking is not supported"):
            await model.consult(rich(), Ears())
    assert len(api.heads) == 2
