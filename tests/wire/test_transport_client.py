"""R20: whatever a client answers or does not answer, the one who asked gets a result or a HostError, in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types

from claw_lsp.facts.fault import ClientRefused, ClientSilent, HostError
from claw_lsp.lsp.transport.client import ask_client
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.speaking import FIRST_ID
from claw_lsp.testing.wire import NoAnswer, WireError, connected

SHOW = types.ShowDocumentParams(uri="file:///x")
EDIT = types.ApplyWorkspaceEditParams(edit=types.WorkspaceEdit())


def answering(result: Any) -> Any:
    return lambda _: result


def raising(error: Exception) -> Any:
    def fail(_: Any) -> Any:
        raise error

    return fail


async def test_an_answer_is_structured() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("workspace/applyEdit", answering({"applied": False, "failureReason": "stale"}))
        answer = await ask_client(server, "workspace/applyEdit", EDIT, timeout=20)
        assert answer == types.ApplyWorkspaceEditResult(applied=False, failure_reason="stale")


async def test_methods_of_our_own_take_and_give_json() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("claw/pick", lambda params: params["items"][1])
        assert await ask_client(server, "claw/pick", {"items": [1, {"a": None}]}, timeout=20) == {"a": None}


async def test_null_where_an_object_is_due_is_none() -> None:
    # eglot 1.9 and lsp-mode 8.0.0 answer so to showDocument; pygls 2.1.1 never resolves its future.
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("window/showDocument", answering(None))
        assert await ask_client(server, "window/showDocument", SHOW, timeout=20) is None
        assert await server.window_show_document_async(SHOW) is None


@pytest.mark.parametrize("odd", [{}, 5, [], {"success": "yes"}, "x"])
async def test_r12_an_answer_that_does_not_fit_fails_the_ask(odd: Any) -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("window/showDocument", answering(odd))
        with pytest.raises(ClientRefused, match=r"window/showDocument: result"):
            await ask_client(server, "window/showDocument", SHOW, timeout=20)


async def test_a_refusal_says_what_the_client_said() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("workspace/applyEdit", raising(WireError(-32603, "User cancelled server edit")))
        with pytest.raises(ClientRefused, match="refused workspace/applyEdit: User cancelled server edit"):
            await ask_client(server, "workspace/applyEdit", EDIT, timeout=20)
        with pytest.raises(ClientRefused):
            await ask_client(server, "workspace/codeLens/refresh", timeout=20)
        client.ignore("workspace/codeLens/refresh")


@pytest.mark.parametrize("error", ["text", {}, {"code": "x", "message": 5}, [], {"code": 1, "message": ""}])
async def test_a_refusal_of_any_shape_is_a_refusal(error: Any) -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("claw/pick", raising(NoAnswer()))
        asking = asyncio.create_task(ask_client(server, "claw/pick", timeout=20))
        await asyncio.sleep(0.01)
        client.send({"jsonrpc": "2.0", "id": FIRST_ID + 1, "error": error})
        with pytest.raises(ClientRefused):
            await asking


async def test_the_ids_of_our_requests_are_numbers_which_vims_own_channel_can_answer() -> None:
    server = DoorServer("t", "1")
    ids = [server.protocol.next_request_id() for _ in range(3)]
    assert ids == [FIRST_ID + 1, FIRST_ID + 2, FIRST_ID + 3]
    assert all(isinstance(it, int) and it < 2**31 for it in ids)


async def test_r20_silence_ends_in_time_and_a_late_answer_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("window/showDocument", raising(NoAnswer()))
        with pytest.raises(ClientSilent, match=r"window/showDocument within 0.05 s"):
            await ask_client(server, "window/showDocument", SHOW, timeout=0.05)
        client.send({"jsonrpc": "2.0", "id": FIRST_ID + 1, "result": {"success": True}})
        with pytest.raises(WireError, match="-32601"):
            await client.request("no/such/method")
    assert caplog.records == []


async def test_r20_an_ask_that_is_cancelled_leaves_nothing_behind() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("claw/pick", raising(NoAnswer()))
        asking = asyncio.create_task(ask_client(server, "claw/pick", timeout=None))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        client.send({"jsonrpc": "2.0", "id": FIRST_ID + 1, "result": 1})
        assert server.protocol._request_futures == {}


async def test_r20_asks_fail_at_once_when_the_client_goes_away() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.on_request("claw/pick", raising(NoAnswer()))
        asking = asyncio.create_task(ask_client(server, "claw/pick", timeout=None))
        await asyncio.sleep(0.01)
        client.hang_up()
        with pytest.raises(HostError, match="gone"):
            await asyncio.wait_for(asking, 20)
        with pytest.raises(HostError, match="gone"):
            await ask_client(server, "claw/pick", timeout=60)


async def test_values_of_lsprotocol_are_sent_as_pygls_sends_them() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri="file:///x",
                diagnostics=[
                    types.Diagnostic(
                        range=types.Range(types.Position(0, 1), types.Position(2, 3)),
                        message="m",
                        severity=types.DiagnosticSeverity.Information,
                    )
                ],
            )
        )
        server.protocol.notify("claw/event", {"kind": "x", "at": types.Position(1, 2)})
        span = {"start": {"line": 0, "character": 1}, "end": {"line": 2, "character": 3}}
        assert await client.next_notification("textDocument/publishDiagnostics") == {
            "uri": "file:///x",
            "diagnostics": [{"range": span, "message": "m", "severity": 3}],
        }
        assert await client.next_notification("claw/event") == {"kind": "x", "at": {"line": 1, "character": 2}}


async def test_what_nobody_claimed_fails_the_test() -> None:
    server = DoorServer("t", "1")
    with pytest.raises(AssertionError, match=r"notification claw/event\n  request claw/pick"):
        async with connected(server) as client:
            await client.initialize()
            server.protocol.notify("claw/event")
            with pytest.raises(ClientRefused):
                await ask_client(server, "claw/pick", timeout=20)
