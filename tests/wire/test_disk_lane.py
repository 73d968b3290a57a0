"""File work beside the loop: one thread for a burst, more only while a disk is slow."""

import asyncio
import threading

import pytest

from claw_lsp.adapters.disk.lane import Lane


async def test_a_burst_of_work_is_done_in_order_by_one_thread() -> None:
    lane = Lane(patience=5)
    done: list[tuple[int, str]] = []

    def work(n: int) -> int:
        done.append((n, threading.current_thread().name))
        return n * n

    squares = await asyncio.gather(*(lane.do(work, n) for n in range(50)))
    assert squares == [n * n for n in range(50)]
    assert [n for n, _ in done] == list(range(50))
    assert {name for _, name in done} == {"claw-disk"}
    assert threading.current_thread().name != "claw-disk"


async def test_work_that_hangs_holds_nobody_up() -> None:
    lane = Lane(patience=0.01)
    mended = threading.Event()
    hanging = [asyncio.create_task(lane.do(mended.wait, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(lane.do(lambda: "read"), 20) == "read"
    assert not any(it.done() for it in hanging)
    mended.set()
    assert await asyncio.gather(*hanging) == [True, True, True]


async def test_what_the_work_raises_arrives_where_it_is_awaited() -> None:
    lane = Lane()
    with pytest.raises(FileNotFoundError, match="gone"):
        await lane.do(_fail)
    assert await lane.do(int, "7") == 7


def _fail() -> None:
    raise FileNotFoundError("gone")


async def test_cancelled_work_that_waits_is_never_begun() -> None:
    lane = Lane(patience=5)
    held, begun = threading.Event(), list[str]()
    first = asyncio.create_task(lane.do(held.wait, 10))
    second = asyncio.create_task(lane.do(begun.append, "second"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    held.set()
    assert await first
    await lane.do(begun.append, "third")
    assert begun == ["third"]


def test_a_lane_serves_one_loop_after_the_other() -> None:
    lane = Lane()
    assert [asyncio.run(lane.do(pow, 2, n)) for n in range(3)] == [1, 2, 4]
