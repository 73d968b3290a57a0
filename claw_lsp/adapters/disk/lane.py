"""Short file work beside the loop, in as few threads as it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = 0.02
"""Seconds a piece of work waits for a thread before it gets another one."""
MOST: Final = 8
"""Threads at once: so many disks may hang before others notice."""
_IDLE: Final = 5.0


class Lane:
    """Does work in one thread, in order, and in more threads only while that one is held up.

    The loop's own executor starts a thread for each call of a burst; they and the loop then fight for the interpreter,
    which costs more than the work: fifty reads took 50 ms so, and take 30 in one thread.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._waiting: SimpleQueue[_Work] = SimpleQueue()
        self._threads: set[Thread] = set()

    async def do(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What the function returns or raises. Cancelling stops the waiting, and the work if it has not begun."""
        loop = asyncio.get_running_loop()
        work = _Work(lambda: function(*args, **more), loop)
        self._waiting.put(work)
        if not self._threads:
            self._start_thread()
        hurry = loop.call_later(self._patience, self._hurry, work)
        try:
            return await work.outcome
        finally:
            hurry.cancel()

    def _hurry(self, work: _Work) -> None:
        if not work.begun and len(self._threads) < MOST:
            self._start_thread()

    def _start_thread(self) -> None:
        # A daemon: work that hangs on a dead disk must not keep the process from ending.
        thread = Thread(target=self._work_on, name="claw-disk", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work_on(self) -> None:
        me = current_thread()
        while True:
            try:
                self._waiting.get(timeout=_IDLE).carry_out()
            except Empty:
                self._threads.discard(me)
                # Work that came in between saw this thread and started none.
                if self._waiting.empty():
                    return
                self._threads.add(me)


class _Work:
    """One call and where its outcome goes."""

    def __init__(self, call: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.begun = False
        self.outcome: asyncio.Future[Any] = loop.create_future()
        self._call = call
        self._loop = loop

    def carry_out(self) -> None:
        self.begun = True
        if self.outcome.cancelled():
            return
        try:
            tell, said = self.outcome.set_result, self._call()
        except BaseException as error:  # It goes to whoever awaits the outcome.
            tell, said = self.outcome.set_exception, error
        # The loop may be closed by now; then nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, tell, said)

    def _settle(self, tell: Callable[[Any], None], said: Any) -> None:
        if not self.outcome.done():
            tell(said)
