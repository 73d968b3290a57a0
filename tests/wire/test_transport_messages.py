"""R10, R12, R13, R18: messages that are none, answers to nothing, bugs in handlers, halves of characters."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from claw_lsp.facts.fault import BadRequest
from claw_lsp.lsp.transport.framing import frame
from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.messages import Encoder, Malformed, Request, read_message
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.speaking import FIRST_ID
from claw_lsp.testing.lag import loop_lag
from claw_lsp.testing.wire import WireClient, WireError, connected

CANARY = "sk-ant-canary"


def explain(error: Exception) -> JsonRpcException | None:
    return JsonRpcInvalidParams(str(error)) if isinstance(error, BadRequest) else None


def door() -> DoorServer:
    server = DoorServer("t", "1", hooks=Hooks(explain=explain))

    @server.command("echo")
    def echo(*arguments: Any) -> Any:
        return list(arguments)

    @server.command("bug")
    async def bug() -> None:
        raise ValueError(f"/home/me/secret {CANARY}")

    @server.command("bad")
    def bad() -> None:
        raise BadRequest("session: expected a session id")

    @server.command("sync-bug")
    def sync_bug() -> None:
        raise ValueError(f"/home/me/secret {CANARY}")

    @server.command("unspeakable")
    def unspeakable() -> Any:
        return {"it": float("nan")}

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover:
        return types.Hover(contents=f"{params.position.line}")

    @server.feature("claw/mirror")
    def mirror(params: Any) -> Any:
        return params

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        raise ValueError(CANARY)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        raise ValueError(CANARY)

    return server


async def run(client: WireClient, command: str, *arguments: Any) -> Any:
    return await client.request("workspace/executeCommand", {"command": command, "arguments": list(arguments)})


def message(method: str | Any, params: Any, **more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 77, "method": method, "params": params} | more).encode()


HOVER = "textDocument/hover"
DEEP = b'{"jsonrpc":"2.0","id":77,"method":"claw/mirror","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

BAD_BODIES = [
    pytest.param(b"{", None, -32700, id="not JSON"),
    pytest.param(b"", None, -32700, id="empty"),
    pytest.param(b'{"jsonrpc":"2.0","id":77,"method":"m","params":NaN}', None, -32700, id="NaN"),
    pytest.param(b"1" * 10_000, None, -32700, id="endless integer"),
    pytest.param(b"\xff\xfe", None, -32700, id="no UTF-8"),
    pytest.param(b'{"jsonrpc":"2.0","id":77,"method":"m","params":["\xff"]}', 77, -32700, id="no UTF-8 in params"),
    pytest.param(DEEP, None, -32700, id="nested deeply"),
    pytest.param(b"null", None, -32600, id="null"),
    pytest.param(b"[]", None, -32600, id="array"),
    pytest.param(b"5", None, -32600, id="number"),
    pytest.param(b'"text"', None, -32600, id="string"),
    pytest.param(b"{}", None, -32600, id="empty object"),
    pytest.param(b'[{"jsonrpc":"2.0","id":1,"method":"m"}]', None, -32600, id="batch"),
    pytest.param(b'{"id":77,"method":"m"}', 77, -32600, id="no version"),
    pytest.param(b'{"jsonrpc":"1.0","id":77,"method":"m"}', 77, -32600, id="old version"),
    pytest.param(message(5, {}), 77, -32600, id="method is a number"),
    pytest.param(message("m", {}, id=True), None, -32600, id="id is true"),
    pytest.param(message("m", {}, id=None), None, -32600, id="id is null"),
    pytest.param(message("m", {}, id=[1]), None, -32600, id="id is a list"),
    pytest.param(b'{"jsonrpc":"2.0","id":77}', 77, -32600, id="nothing but an id"),
    pytest.param(message(HOVER, {}), 77, -32602, id="hover without fields"),
    pytest.param(message(HOVER, None), 77, -32602, id="hover without params"),
    pytest.param(message(HOVER, [1]), 77, -32602, id="hover with a list"),
    pytest.param(message(HOVER, "x"), 77, -32602, id="hover with a string"),
    pytest.param(message("no/such/method", {}), 77, -32601, id="unknown method"),
]


@pytest.mark.parametrize(("body", "request_id", "code"), BAD_BODIES)
async def test_r10_what_is_no_message_is_answered_and_survived(body: bytes, request_id: Any, code: int) -> None:
    async with connected(door()) as client:
        await client.initialize()
        client.expect(77)
        client.send_bytes(frame(body))
        assert await run(client, "echo", 1) == [1]
        if request_id is None:
            answer = client.stray.pop()
            assert (answer["id"], answer["error"]["code"]) == (None, code)
        else:
            with pytest.raises(WireError, match=str(code)):
                await client.answer_to(77)


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        (HOVER, {"textDocument": {"uri": 5}, "position": {"line": "a", "character": 0}},
         "params.textDocument.uri: expected a string; params.position.line: expected an integer"),
        (HOVER, {"textDocument": {"uri": "x"}}, "params.position: required field missing"),
        (HOVER, {"textDocument": {"uri": "x"}, "position": {"line": -1, "character": 0}}, "params.position: invalid value"),
        ("workspace/executeCommand", {"command": "echo", "arguments": {"a": 1}}, "params.arguments: expected a list"),
        ("workspace/executeCommand", {"command": ["echo"]}, "params.command: expected a string"),
        ("workspace/executeCommand", {"command": "no"}, "command: no such command"),
    ],
)  # fmt: skip
async def test_r10_params_that_do_not_fit_name_the_field(method: str, params: Any, text: str) -> None:
    async with connected(door()) as client:
        await client.initialize()
        with pytest.raises(WireError) as caught:
            await client.request(method, params)
        assert (caught.value.code, caught.value.message, caught.value.data) == (-32602, text, None)


async def test_r10_notifications_that_do_not_fit_are_logged_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(door()) as client:
        await client.initialize()
        client.notify("textDocument/didSave", {"textDocument": 5})
        client.notify("$/cancelRequest", {"id": None})
        client.notify("$/cancelRequest")
        client.notify("$/unknown", {"x": 1})
        assert await run(client, "echo") == []
    assert "didSave failed" in caplog.text


@given(st.binary(max_size=200))
def test_r10_any_bytes_make_some_message(body: bytes) -> None:
    read_message(body)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.sampled_from(["id", "method", "jsonrpc", "params"]), it),
)


@given(ANY_JSON, ANY_JSON, ANY_JSON)
def test_r10_what_has_a_valid_id_and_a_method_is_answered_under_it(an_id: Any, method: Any, params: Any) -> None:
    message = read_message(json.dumps({"jsonrpc": "2.0", "id": an_id, "method": method, "params": params}).encode())
    assert isinstance(message, (Request, Malformed))
    if isinstance(an_id, (int, str)) and not isinstance(an_id, bool):
        assert message.id == an_id


async def test_r12_answers_to_nothing_are_logged_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(door()) as client:
        await client.initialize()
        client.send({"jsonrpc": "2.0", "id": 12, "result": None})
        client.send({"jsonrpc": "2.0", "id": FIRST_ID + 1, "error": {"code": 1, "message": "x"}})
        client.send({"jsonrpc": "2.0", "id": FIRST_ID + 1, "error": "?"})
        assert await run(client, "echo") == []
    assert caplog.text.count("the client answered what was not asked") == 3


@pytest.mark.parametrize("command", ["bug", "sync-bug"])
async def test_r13_a_bug_is_a_short_internal_error(command: str, caplog: pytest.LogCaptureFixture) -> None:
    async with connected(door()) as client:
        await client.initialize()
        with pytest.raises(WireError) as caught:
            await run(client, command)
        assert await run(client, "echo", 2) == [2]
    assert (caught.value.code, caught.value.data) == (-32603, None)
    said, _, id_ = caught.value.message.rpartition(" under ")
    assert said == "workspace/executeCommand: internal error (ValueError); the server's log says more"
    assert f"workspace/executeCommand failed ({id_})" in caplog.text
    assert CANARY in caplog.text


async def test_r13_what_was_raised_on_purpose_says_what_to_do() -> None:
    async with connected(door()) as client:
        await client.initialize()
        with pytest.raises(WireError) as caught:
            await run(client, "bad")
    assert (caught.value.code, caught.value.message) == (-32602, "session: expected a session id")


async def test_r13_a_result_that_json_cannot_hold_is_an_internal_error() -> None:
    async with connected(door()) as client:
        await client.initialize()
        with pytest.raises(WireError, match="-32603"):
            await run(client, "unspeakable")


async def test_a_failing_notification_shows_no_message(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(door()) as client:
        await client.initialize()
        client.notify("textDocument/didSave", {"textDocument": {"uri": "file:///x"}})
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///x"}})
        assert await run(client, "echo") == []
        await asyncio.sleep(0)
        assert client.unclaimed() == []
    assert caplog.text.count(CANARY) == 2


async def test_r18_lone_surrogates_come_back_as_they_were_to_a_client_with_utf_16() -> None:
    async with connected(door()) as client:
        await client.initialize()
        assert await run(client, "echo", "a\ud800b", "\udc00\ud800", "😀") == ["a\ud800b", "\udc00\ud800", "😀"]
        assert await client.request("claw/mirror", {"\udfff": 1}) == {"\udfff": 1}


async def test_r18_a_client_with_utf_8_gets_no_lone_surrogate(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(door()) as client:
        await client.initialize({"general": {"positionEncodings": ["utf-8"]}})
        assert await run(client, "echo", "a\ud800b", "\ud83d", "😀") == ["a\ufffdb", "\ufffd", "😀"]


@given(st.text(st.characters(categories=None), max_size=40))
def test_r18_any_text_is_sent_as_valid_json(text: str) -> None:
    encoder = Encoder(repr)
    kept = json.loads(encoder.encode({"it": text}, keep_surrogates=True))["it"]
    assert kept == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    plain = json.loads(encoder.encode({"it": text}, keep_surrogates=False).decode())["it"]
    assert plain.encode().decode() == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


async def test_r03_a_burst_of_requests_leaves_the_loop_free(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with connected(door()) as client, loop_lag() as lag:
        await client.initialize()
        ids: list[int] = []
        for n in range(2000):
            at = {"line": n, "character": 0}
            ids.append(client.send_request(HOVER, {"textDocument": {"uri": "x"}, "position": at}))
            if n % 50 == 0:
                await asyncio.sleep(0)
        answers = [await client.answer_to(it) for it in ids]
    assert [it["contents"] for it in answers] == [str(n) for n in range(2000)]
    assert lag.worst < 0.05
