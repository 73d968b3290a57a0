"""R09: a client that does not read costs bounded memory, pauses who waits for it, and is lost in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from claw_lsp.lsp.transport.hooks import Hooks
from claw_lsp.lsp.transport.outgoing import Limits, Outgoing
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.testing.lag import loop_lag
from claw_lsp.testing.wire import connected


class Slow:
    """A far end that takes nothing until it is opened."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.open = asyncio.Event()
        self.fails = False

    async def send(self, bodies: Sequence[bytes]) -> None:
        await self.open.wait()
        if self.fails:
            raise BrokenPipeError(32, "Broken pipe")
        self.taken += bodies

    async def close(self) -> None:
        pass


LIMITS = Limits(low=100, high=400, full=1000, patience=0.1)


async def test_r09_who_waits_goes_on_when_the_client_caught_up() -> None:
    far, lost = Slow(), list[str]()
    outgoing = Outgoing(far, lost.append, LIMITS)
    for n in range(50):
        outgoing.write(b"%010d" % n)
    waiting = asyncio.create_task(outgoing.drain())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    far.open.set()
    await asyncio.wait_for(waiting, 20)
    await outgoing.close(1)
    assert far.taken == [b"%010d" % n for n in range(50)]
    assert (lost, outgoing.n_bytes) == ([], 0)


async def test_r09_over_the_limit_for_too_long_is_lost() -> None:
    far, lost = Slow(), list[str]()
    outgoing = Outgoing(far, lost.append, LIMITS)
    outgoing.write(b"x" * 1500)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(outgoing.drain(), 20)
    outgoing.write(b"more")
    await outgoing.close(0.1)
    assert (lost, outgoing.n_bytes) == (["the client does not read"], 0)


async def test_r09_over_the_limit_for_a_moment_is_not_lost() -> None:
    far, lost = Slow(), list[str]()
    outgoing = Outgoing(far, lost.append, LIMITS)
    outgoing.write(b"x" * 1500)
    far.open.set()
    await outgoing.drain()
    await asyncio.sleep(0.15)
    await outgoing.close(1)
    assert lost == []


async def test_r09_nothing_makes_the_queue_longer_than_twice_the_limit() -> None:
    far, lost = Slow(), list[str]()
    outgoing = Outgoing(far, lost.append, LIMITS)
    longest = 0
    for _ in range(1000):
        outgoing.write(b"x" * 100)
        longest = max(longest, outgoing.n_bytes)
    await outgoing.close(0.1)
    assert longest <= 2 * LIMITS.full
    assert len(lost) == 1


async def test_r09_a_broken_pipe_is_lost_at_once() -> None:
    far, lost = Slow(), list[str]()
    far.fails = True
    far.open.set()
    outgoing = Outgoing(far, lost.append, LIMITS)
    outgoing.write(b"x")
    await asyncio.sleep(0.01)
    with pytest.raises(ConnectionError):
        await outgoing.drain()
    await outgoing.close(0.1)
    assert lost == ["the client is gone: Broken pipe"]


async def test_closing_waits_for_a_slow_client_and_not_for_a_deaf_one() -> None:
    slow, deaf = Slow(), Slow()
    for far in (slow, deaf):
        outgoing = Outgoing(far, list[str]().append, LIMITS)
        outgoing.write(b"last")
        if far is slow:
            asyncio.get_running_loop().call_later(0.02, far.open.set)
        await asyncio.wait_for(outgoing.close(0.1), 20)
    assert (slow.taken, deaf.taken) == ([b"last"], [])


async def test_r09_a_client_that_does_not_read_blocks_nobody_and_is_lost() -> None:
    lost = list[str]()
    server = DoorServer("t", "1", hooks=Hooks(on_lost=lost.append))

    @server.command("big")
    def big() -> str:
        return "x" * 10_000

    limits = Limits(full=4 * 1024 * 1024, patience=0.1)
    async with connected(server, limits=limits) as client, loop_lag() as lag:
        await client.initialize()
        client.pause_reading()
        for _ in range(1000):
            client.send_request("workspace/executeCommand", {"command": "big"})
            await asyncio.sleep(0)
        assert await client.wait_closed() == 1
        assert lag.worst < 0.05
    assert lost == ["the client does not read"]


async def test_r09_a_client_that_reads_again_in_time_missed_nothing() -> None:
    server = DoorServer("t", "1")
    async with connected(server) as client:
        await client.initialize()
        client.pause_reading()
        for n in range(5000):
            server.protocol.notify("claw/event", {"n": n, "text": "x" * 500})
        paused = asyncio.create_task(server.drain())
        await asyncio.sleep(0.05)
        assert not paused.done()
        client.resume_reading()
        await asyncio.wait_for(paused, 20)
        await client.next_notification("claw/event", where=lambda it: it["n"] == 4999)
        assert [it["n"] for it in client.notifications("claw/event")] == list(range(4999))
