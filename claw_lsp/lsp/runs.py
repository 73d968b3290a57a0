"""The turns in flight: who owns each task, who waits for it, and what ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from claw_lsp.core.recover import INTERRUPTED
from claw_lsp.engine.turn import BUG
from claw_lsp.facts.event import Stopped, TurnEnded
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.lsp.transport.messages import RequestId

logger = logging.getLogger(__name__)

KEPT = 200
"""How many ended runs are remembered, for `claw.wait` and `claw.retry`."""


@dataclass(slots=True, eq=False)
class Run:
    """One turn, from the command that started it to its end. `ended` is set exactly when `result` is. `along` says what went
    with the prompt, or did not."""

    id: str
    session: str
    title: str
    action: str = "ask"
    requests: set[RequestId] = field(default_factory=set[RequestId])
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    result: TurnEnded | None = None
    task: asyncio.Task[TurnEnded] | None = None
    activity: str = ""
    again: Again | None = None
    along: tuple[str, ...] = ()


Again = Callable[["RequestId | None"], Awaitable[Run]]
"""Starts the same turn once more."""
Closing = Callable[[Run, Stopped, str], TurnEnded]
"""Sees to it, without awaiting, that the log holds the end of the run's turn; answers that end. May raise LogError."""


class Runs:
    """Invariant: every run that was started ends, with a result, and its task is awaited by nobody else."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self.beside: dict[str, asyncio.Task[Any]] = {}
        """What is done beside turns and can be called off, by the id that its progress goes by."""

    def start(
        self,
        run: Run,
        turn: Coroutine[Any, Any, TurnEnded],
        closing: Closing,
        over: Callable[[Run, TurnEnded], None],
        request: RequestId | None,
    ) -> Run:
        """Begin a turn as a task of ours; `request` is the client's, whose cancelling stops it. `over` hears the end."""
        if request is not None:
            run.requests.add(request)
        self._forget_old()
        self._runs[run.id] = run
        run.task = asyncio.create_task(turn, name=f"run {run.id}")
        # A callback and no `finally`: a task that is cancelled before its first step runs no line of its own.
        run.task.add_done_callback(partial(_settle, run, closing, over))
        return run

    def repeats(self, id_: str) -> bool:
        """Whether this server began the run and can begin it anew as it was."""
        run = self._runs.get(id_)
        return run is not None and run.again is not None

    def get(self, id_: str) -> Run:
        """Raises BadRequest for an unknown run."""
        if run := self._runs.get(id_):
            return run
        raise BadRequest(f"run: expected the id of a run of this server, found {id_!r}")

    @property
    def latest(self) -> Run | None:
        """The run that was started last."""
        return next(reversed(self._runs.values()), None)

    def last(self, session: str) -> Run | None:
        """The run that was started last in a session."""
        return next((it for it in reversed(self._runs.values()) if it.session == session), None)

    def active(self, session: str | None = None) -> list[Run]:
        return [it for it in self._runs.values() if it.result is None and session in (None, it.session)]

    def stop(self, run: Run) -> bool:
        """Interrupt; False when it had ended already."""
        if run.result is not None or run.task is None:
            return False
        run.task.cancel()
        return True

    def call_off(self, id_: str) -> None:
        """The person cancelled the progress of a run, or of what is done beside turns."""
        if task := self.beside.get(id_):
            task.cancel()
        elif run := self._runs.get(id_):
            self.stop(run)

    def cancelled(self, request: RequestId) -> None:
        """The client cancelled a request: the runs it started or waits for are stopped."""
        for run in self.active():
            if request in run.requests:
                self.stop(run)

    async def wait(self, run: Run, request: RequestId | None) -> TurnEnded:
        """The result once there is one. Cancelling the request that waits stops the run."""
        if request is not None:
            run.requests.add(request)
        await run.ended.wait()
        assert run.result is not None
        return run.result

    async def close(self) -> None:
        """Interrupt everything and wait until it has ended."""
        active = self.active()
        for run in active:
            self.stop(run)
        await asyncio.gather(*(run.ended.wait() for run in active))

    def _forget_old(self) -> None:
        ended = [it.id for it in self._runs.values() if it.result is not None]
        for id_ in ended[: max(0, len(ended) - KEPT)]:
            del self._runs[id_]


def _settle(run: Run, closing: Closing, over: Callable[[Run, TurnEnded], None], task: asyncio.Task[TurnEnded]) -> None:
    """The end of a run, as its log has it. The door's one place where a bug in a turn is caught: it is logged, and the
    server stays up."""
    error = None if task.cancelled() else task.exception()
    if task.cancelled():
        result = _closed(run, closing, "interrupted", INTERRUPTED)
    elif error is None:
        result = task.result()
    elif isinstance(error, ClawError):
        result = _closed(run, closing, "failed", str(error))
    else:
        logger.error("Run %s failed", run.id, exc_info=error)
        result = _closed(run, closing, "failed", BUG)
    run.result = result
    run.ended.set()
    over(run, result)


def _closed(run: Run, closing: Closing, stopped: Stopped, why: str) -> TurnEnded:
    try:
        return closing(run, stopped, why)
    except ClawError as error:
        return TurnEnded(run=run.id, stopped="failed", why=str(error), by_loop=False)


TITLES = {
    "fix": "Fix",
    "edit": "Edit",
    "explain": "Explain",
    "tests": "Write tests for",
    "document": "Document",
    "refactor": "Refactor",
    "review": "Review",
    "commit_message": "Commit message",
    "init": "Write CLAW.md",
    "comment_do": "Comment in",
    "comment_answer": "Question in",
}
"""What a run is called, by what it was begun with."""
