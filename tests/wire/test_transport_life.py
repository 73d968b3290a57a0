"""R04, R05, R06: how a connection begins, how requests are cancelled, and every way it ends."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from lsprotocol import types

from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.lsp.transport.serving import Timing
from claw_lsp.testing.wire import WireClient, WireError, connected


class Witness:
    """Remembers what the hooks were told, in order."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def hooks(self) -> Hooks:
        return Hooks(on_cancel=self._cancelled, on_lost=self._lost, clean_up=self._clean)

    def _cancelled(self, request_id: RequestId) -> None:
        self.seen.append(("cancel", request_id))

    def _lost(self, reason: str) -> None:
        self.seen.append("lost")

    async def _clean(self) -> None:
        await asyncio.sleep(0)
        self.seen.append("clean")


def slow_door(witness: Witness) -> DoorServer:
    server = DoorServer("t", "1", hooks=witness.hooks())

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            witness.seen.append("stopped")

    @server.command("slow")
    async def slow() -> None:
        await wait()

    @server.command("start")
    async def start() -> Any:
        return server.request_id

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> None:
        await wait()

    return server


SLOW = ("workspace/executeCommand", {"command": "slow"})


async def refused(client: WireClient, method: str, params: Any = None) -> int:
    with pytest.raises(WireError) as caught:
        await client.request(method, params)
    return caught.value.code


async def test_requests_before_initialize_are_refused_and_notifications_dropped() -> None:
    async with connected(DoorServer("t", "1")) as client:
        client.notify("textDocument/didOpen", {})
        assert await refused(client, "textDocument/hover") == -32002
        assert await refused(client, "shutdown") == -32002
        await client.initialize()
        assert await refused(client, "initialize", {"capabilities": {}}) == -32600


async def test_what_comes_while_initialize_is_answered_waits_for_the_answer() -> None:
    server, seen = DoorServer("t", "1"), list[str]()

    @server.feature(types.INITIALIZE)
    async def initialize(params: types.InitializeParams) -> None:
        await asyncio.sleep(0.05)
        seen.append("initialize")

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        seen.append("initialized")

    @server.command("now")
    def now() -> list[str]:
        return list(seen)

    async with connected(server) as client:
        first = client.send_request("initialize", {"capabilities": {}})
        client.notify("initialized", {})
        await asyncio.sleep(0)
        then = client.send_request("workspace/executeCommand", {"command": "now"})
        assert await client.answer_to(then) == ["initialize"]
        assert "capabilities" in await client.answer_to(first)
        assert seen == ["initialize", "initialized"]


async def test_an_initialize_that_fails_may_be_tried_again() -> None:
    async with connected(DoorServer("t", "1")) as client:
        assert await refused(client, "initialize", {"capabilities": 5}) == -32602
        assert await refused(client, "textDocument/hover") == -32002
        await client.initialize()


async def test_a_client_with_capabilities_of_next_year_is_served() -> None:
    async with connected(DoorServer("t", "1")) as client:
        odd = {"textDocument": {"completion": 5, "hover": {"dynamicRegistration": "yes"}}, "general": {"x": [1]}}
        result = await client.initialize(odd | {"workspace": {"applyEdit": True}}, rootUri=5, processId="x")
        assert result["serverInfo"] == {"name": "t", "version": "1"}


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-7"], "utf-16"),
        (["utf-8", "utf-16", "utf-32"], "utf-8"),
        (["utf-32", "utf-8"], "utf-32"),
        (["utf-16", "utf-8"], "utf-16"),
        (["utf-7", "utf-32"], "utf-32"),
    ],
)
async def test_the_position_encoding_is_the_first_of_the_clients_that_we_know(offered: Any, chosen: str) -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        general = {} if offered is None else {"positionEncodings": offered}
        result = await client.initialize({"general": general})
        assert (result["capabilities"]["positionEncoding"], server.position_encoding) == (chosen, chosen)


async def test_documents_go_to_the_door_and_unknown_ones_are_no_error(caplog: pytest.LogCaptureFixture) -> None:
    server, seen = DoorServer("t", "1"), list[str]()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        seen.append(f"open {params.text_document.uri}")

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        seen.append(f"change {params.text_document.uri}")

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        seen.append(f"close {params.text_document.uri}")

    async with connected(server) as client:
        result = await client.initialize()
        assert result["capabilities"]["textDocumentSync"]["openClose"] is True
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///nowhere"}})
        client.notify(
            "textDocument/didChange", {"textDocument": {"uri": "odd:a b", "version": 1}, "contentChanges": []}
        )
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": []}})
    assert seen == ["close file:///nowhere", "change odd:a b"]
    assert caplog.records == []


async def test_r01_a_cancelled_command_is_answered_stopped_and_told_to_the_door() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        request_id = client.send_request(*SLOW)
        await asyncio.sleep(0.01)
        client.cancel(request_id)
        with pytest.raises(WireError, match="-32800"):
            await client.answer_to(request_id)
        assert witness.seen == [("cancel", request_id), "stopped"]


async def test_r01_a_cancel_after_the_answer_still_reaches_the_door() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        request_id = await client.request("workspace/executeCommand", {"command": "start"})
        client.cancel(request_id)
        client.cancel("never used")
        await refused(client, "no/such/method")
        assert witness.seen == [("cancel", request_id), ("cancel", "never used")]


async def test_an_id_in_use_is_refused_and_the_first_request_goes_on() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        request_id = client.send_request(*SLOW)
        client.send({"jsonrpc": "2.0", "id": request_id, "method": "no/such/method"})
        with pytest.raises(WireError, match="-32600: id: already in use"):
            await client.answer_to(request_id)
        client.cancel(request_id)
        await refused(client, "no/such/method")
        assert [it["error"]["code"] for it in client.stray] == [-32800]
        client.stray.clear()


async def test_shutdown_cancels_what_runs_and_refuses_what_follows() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        running = client.send_request(*SLOW)
        assert await client.request("shutdown") is None
        with pytest.raises(WireError, match="-32800"):
            await client.answer_to(running)
        assert await refused(client, "textDocument/hover") == -32600
        assert await refused(client, "shutdown") == -32600
        client.notify("exit")
        assert await client.wait_closed() == 0
    assert witness.seen == ["stopped", "clean"]


async def test_r04_exit_without_shutdown_cleans_up_and_is_1() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        client.notify("exit")
        assert await client.wait_closed() == 1
    assert witness.seen == ["clean"]


async def test_r05_the_end_of_the_input_cleans_up_and_is_1() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        client.hang_up()
        assert await client.wait_closed() == 1
    assert witness.seen == ["lost", "clean"]


async def test_r05_the_end_of_the_input_after_shutdown_is_0() -> None:
    witness = Witness()
    async with connected(slow_door(witness)) as client:
        await client.initialize()
        await client.request("shutdown")
        client.hang_up()
        assert await client.wait_closed() == 0
    assert witness.seen == ["clean"]


async def test_r05_cleaning_up_that_hangs_or_fails_does_not_keep_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    async def fail() -> None:
        raise ValueError("no")

    for clean_up in (hang, fail):
        server = DoorServer("t", "1", hooks=Hooks(clean_up=clean_up))
        async with connected(server, timing=Timing(clean_up=0.05)) as client:
            client.hang_up()
            assert await client.wait_closed(timeout=20) == 1
    assert "cleaning up took" in caplog.text
    assert "cleaning up failed" in caplog.text


async def test_r06_the_end_of_the_editors_process_is_ours() -> None:
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    witness = Witness()
    async with connected(slow_door(witness), timing=Timing(watch_parent=0.02)) as client:
        await client.initialize(processId=editor.pid)
        await asyncio.sleep(0.1)
        assert client.exit_code is None
        editor.kill()
        assert await client.wait_closed(timeout=20) == 1
    await editor.communicate()
    assert witness.seen == ["lost", "clean"]


async def test_r06_a_process_that_was_never_visible_is_not_watched() -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    async with connected(DoorServer("t", "1"), timing=Timing(watch_parent=0.01)) as client:
        await client.initialize(processId=gone.pid)
        await asyncio.sleep(0.1)
        assert client.exit_code is None


async def test_exit_right_behind_shutdown_waits_for_its_answer() -> None:
    server = DoorServer("t", "1")

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None) -> None:
        await asyncio.sleep(0.02)

    async with connected(server) as client:
        await client.initialize()
        last = client.send_request("shutdown")
        client.notify("exit")
        client.hang_up()
        assert await client.answer_to(last) is None
        assert await client.wait_closed() == 0


async def test_what_comes_while_the_rest_is_loaded_waits_in_order_and_is_answered() -> None:
    loaded = asyncio.Event()
    heard: list[str] = []
    server = DoorServer("slow", "1", hooks=Hooks(load=loaded.wait))

    @server.feature("claw/note")
    def _note(params: Any) -> None:
        heard.append(params["text"])

    @server.command("heard")
    def _heard() -> list[str]:
        return list(heard)

    async with connected(server) as client:
        await client.initialize()
        for text in ("one", "two"):
            client.notify("claw/note", {"text": text})
        asked = client.send_request("workspace/executeCommand", {"command": "heard", "arguments": []})
        await asyncio.sleep(0.05)
        assert heard == []
        loaded.set()
        assert await client.answer_to(asked) == ["one", "two"]


async def test_a_server_that_cannot_load_ends_with_1() -> None:
    async def fails() -> None:
        raise OSError("broken installation")

    async with connected(DoorServer("broken", "1", hooks=Hooks(load=fails))) as client:
        await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        assert await client.wait_closed() == 1
