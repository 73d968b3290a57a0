"""TCP and WebSocket: who does not know the token, or comes from elsewhere, reaches nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from claw_lsp.lsp.transport.framing import frame
from claw_lsp.lsp.transport.network import serve_tcp, serve_websocket
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.testing.wire import WireClient, WireError

Serving = tuple[int, str, "asyncio.Task[int]"]


@asynccontextmanager
async def listening(
    serve: Callable[..., Any], server: DoorServer, capsys: pytest.CaptureFixture[str]
) -> AsyncGenerator[Serving, None]:
    task = asyncio.create_task(serve(server, 0))
    try:
        while not (found := re.search(r"claw-lsp: \w+ 127.0.0.1:(\d+) token (\S+)\n", capsys.readouterr().err)):
            await asyncio.sleep(0.005)
        yield int(found[1]), found[2], task
    finally:
        server.protocol.finish(1)
        await asyncio.wait_for(task, 20)


async def tcp_client(port: int) -> WireClient:
    return WireClient(*await asyncio.open_connection("127.0.0.1", port))


async def test_tcp_serves_who_knows_the_token_and_ends_with_its_client(capsys: pytest.CaptureFixture[str]) -> None:
    server, seen = DoorServer("t", "1"), list[Any]()

    @server.feature("initialize")
    def initialize(params: Any) -> None:
        seen.append(params.initialization_options)

    async with listening(serve_tcp, server, capsys) as (port, token, task):
        client = await tcp_client(port)
        result = await client.initialize(initializationOptions={"token": token, "model": "opus"})
        assert result["serverInfo"]["name"] == "t"
        await client.shut_down()
        assert await asyncio.wait_for(task, 20) == 0
        await client.abandon()
    assert seen == [{"model": "opus"}]


@pytest.mark.security_case("M04")
@pytest.mark.parametrize(
    "first",
    [
        {"method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialize", "params": {"capabilities": {}, "initializationOptions": {"token": "wrong"}}},
        {"method": "initialize", "params": {"capabilities": {}, "initializationOptions": {"token": None}}},
        {"method": "initialize", "params": {"capabilities": {}, "initializationOptions": {"token": "\ud800é"}}},
        {"method": "initialize", "params": {"capabilities": {}, "initializationOptions": "token"}},
        {"method": "initialize", "params": [1]},
        {"method": "shutdown"},
    ],
)
async def test_tcp_closes_on_whom_it_does_not_know(first: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(serve_tcp, DoorServer("t", "1"), capsys) as (port, token, task):
        client = await tcp_client(port)
        client.send({"jsonrpc": "2.0", "id": 1} | first)
        await asyncio.wait_for(client.closed.wait(), 20)
        assert [it["error"]["code"] for it in client.stray] == [-32600]
        await client.abandon()
        assert not task.done()
        client = await tcp_client(port)
        await client.initialize(initializationOptions={"token": token})
        await client.abandon()


async def test_tcp_survives_garbage_and_people_who_hang_up(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(serve_tcp, DoorServer("t", "1"), capsys) as (port, token, _):
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 10_000, frame(b"["), frame(b"[]")):
            stranger = await tcp_client(port)
            stranger.send_bytes(data)
            await stranger.flush()
            await stranger.abandon()
        client = await tcp_client(port)
        await client.initialize(initializationOptions={"token": token})
        await client.abandon()


async def test_a_second_client_is_told_and_the_first_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(serve_tcp, DoorServer("t", "1"), capsys) as (port, token, _):
        first = await tcp_client(port)
        await first.initialize(initializationOptions={"token": token})
        second = await tcp_client(port)
        with pytest.raises(WireError, match="another client is connected"):
            await second.initialize(initializationOptions={"token": token})
        await asyncio.wait_for(second.closed.wait(), 20)
        with pytest.raises(WireError, match="-32601"):
            await first.request("no/such/method")
        await second.abandon()
        await first.abandon()


INITIALIZE = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'


async def test_websocket_serves_who_knows_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    async with (
        listening(serve_websocket, DoorServer("t", "1"), capsys) as (port, token, task),
        connect(f"ws://localhost:{port}/?token={token}", additional_headers={"Origin": "http://localhost:1"}) as socket,
    ):
        await socket.send(INITIALIZE)
        assert '"name":"t"' in str(await socket.recv())
        await socket.send('{"jsonrpc":"2.0","id":2,"method":"shutdown"}')
        assert await socket.recv() == '{"jsonrpc":"2.0","id":2,"result":null}'
        await socket.send(b'{"jsonrpc":"2.0","method":"exit"}')
        assert await asyncio.wait_for(task, 20) == 0


async def test_websocket_takes_the_token_from_initialize_too(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(serve_websocket, DoorServer("t", "1"), capsys) as (port, token, task):
        async with connect(f"ws://127.0.0.1:{port}") as socket:
            await socket.send(INITIALIZE)
            assert "token: missing or wrong" in str(await socket.recv())
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        async with connect(f"ws://127.0.0.1:{port}") as socket:
            options = f'{{"capabilities":{{}},"initializationOptions":{{"token":"{token}"}}}}'
            await socket.send(INITIALIZE.replace('{"capabilities":{}}', options))
            assert '"name":"t"' in str(await socket.recv())
        assert await asyncio.wait_for(task, 20) == 1


@pytest.mark.security_case("M04")
@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Origin": "https://evil.example"}, ""),
        ({"Origin": "null"}, ""),
        ({"Origin": "http://localhost.evil.example"}, ""),
        ({"Origin": "http://[::1"}, ""),
        ({"Host": "evil.example"}, ""),
        ({"Host": "evil.example:80@localhost:1:2"}, ""),
        ({}, "?token=wrong"),
        ({}, "?token="),
    ],
)
async def test_websocket_refuses_what_comes_from_elsewhere(
    headers: dict[str, str], query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with listening(serve_websocket, DoorServer("t", "1"), capsys) as (port, token, _):
        query = query or f"?token={token}"
        host = headers.pop("Host", None)
        if host is not None:
            assert await raw_status(port, host, token) == 403
            return
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://127.0.0.1:{port}/{query}", additional_headers=headers):
                pass


async def raw_status(port: int, host: str, token: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /?token={token} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])
