"""A run's progress: one work-done token, cancellable, from its title to its result."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from claw_lsp.facts.fault import HostError
from claw_lsp.lsp.client import Client

MOST_OFTEN = 0.2
"""Seconds between two reports; the last one always arrives."""


class Progress:
    """Tokens that are shown now, and what to stop when the person cancels one."""

    def __init__(self, editor: Client, *, shown: bool) -> None:
        self._editor = editor
        self._shown = shown
        self._runs: dict[str, str] = {}

    def run_of(self, token: object) -> str | None:
        """The run whose progress this is; None for a token that is not ours, or over."""
        return self._runs.get(token) if isinstance(token, str) else None

    async def begin(self, run: str, title: str) -> Bar:
        """A bar for the run; one that shows nothing where the client has no progress or refuses."""
        token = f"claw-{uuid4()}"
        if not self._shown:
            return Bar(self, None)
        try:
            await self._editor.ask("window/workDoneProgress/create", {"token": token})
        except HostError:
            return Bar(self, None)
        self._runs[token] = run
        self.send(token, {"kind": "begin", "title": title, "cancellable": True})
        return Bar(self, token)

    def send(self, token: str, value: dict[str, Any]) -> None:
        self._editor.notify("$/progress", {"token": token, "value": value})

    def drop(self, token: str) -> None:
        self._runs.pop(token, None)


class Bar:
    """One run's progress. `end` may be called once, after which nothing more is sent."""

    def __init__(self, progress: Progress, token: str | None) -> None:
        self._progress = progress
        self._token = token
        self._latest: str | None = None
        self._said = ""
        self._timer: asyncio.TimerHandle | None = None

    def report(self, text: str) -> None:
        """What is happening now; several at once become the last of them."""
        if self._token is None or text == self._said:
            return
        self._said = self._latest = text
        if self._timer is None:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(MOST_OFTEN, self._again)

    def end(self, text: str) -> None:
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
        latest, self._latest = self._latest, None
        if self._token is not None and latest is not None:
            self._progress.send(self._token, {"kind": "report", "message": latest})
