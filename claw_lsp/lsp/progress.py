"""A run's progress: one work-done token, cancellable, from its title to its result."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from claw_lsp.facts.fault import ClientSilent, HostError
from claw_lsp.lsp.client import Client

MOST_OFTEN = 0.2
"""Seconds between two reports; the last one always arrives."""


class Progress:
    """Tokens that are shown now, and what to stop when the person cancels one."""

    def __init__(self, editor: Client, *, shown: bool) -> None:
        self._editor = editor
        self._shown = shown
        self._runs: dict[str, str] = {}
        self._creating: set[asyncio.Task[None]] = set()

    def run_of(self, token: object) -> str | None:
        """The run whose progress this is; None for a token that is not ours, or over."""
        return self._runs.get(token) if isinstance(token, str) else None

    def begin(self, run: str, title: str) -> Bar:
        """A bar for the run; nothing is shown where the client has no progress, and nobody waits for its answer."""
        bar = Bar(self)
        if self._shown:
            task = asyncio.create_task(self._create(run, title, bar), name="progress")
            self._creating.add(task)
            task.add_done_callback(self._creating.discard)
        return bar

    async def _create(self, run: str, title: str, bar: Bar) -> None:
        token = f"claw-{uuid4()}"
        try:
            await self._editor.ask("window/workDoneProgress/create", {"token": token})
        except ClientSilent:
            # It says that it has progress and does not answer: it is not asked again.
            self._shown = False
            return
        except HostError:
            return
        self._runs[token] = run
        self.send(token, {"kind": "begin", "title": title, "cancellable": True})
        bar.show(token)

    async def close(self) -> None:
        for task in self._creating:
            task.cancel()
        await asyncio.gather(*self._creating, return_exceptions=True)

    def send(self, token: str, value: dict[str, Any]) -> None:
        self._editor.notify("$/progress", {"token": token, "value": value})

    def drop(self, token: str) -> None:
        self._runs.pop(token, None)


class Bar:
    """One run's progress, silent until it has its token. `end` may be called once, after which nothing more is sent."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._token: str | None = None
        self._end: str | None = None
        self._latest: str | None = None
        self._said = ""
        self._timer: asyncio.TimerHandle | None = None

    def show(self, token: str) -> None:
        """The client has the token now; a turn that was quicker than its answer is shown as over."""
        self._token = token
        if self._end is None:
            self._flush()
        else:
            self.end(self._end)

    def report(self, text: str) -> None:
        """What is happening now; several at once become the last of them."""
        if self._end is not None or text == self._said:
            return
        self._said = self._latest = text
        if self._timer is None and self._token is not None:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(MOST_OFTEN, self._again)

    def end(self, text: str) -> None:
        self._end = text
        if self._timer is not None:
            self._timer.cancel()
        if self._token is not None:
            self._progress.send(self._token, {"kind": "end", "message": text})
            self._progress.drop(self._token)
        self._token = None

    def _again(self) -> None:
        self._timer = None
        if self._latest is not None:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(MOST_OFTEN, self._again)

    def _flush(self) -> None:
        if self._token is None:
            return
        latest, self._latest = self._latest, None
        if latest is not None:
            self._progress.send(self._token, {"kind": "report", "message": latest})
