"""What a shim is told as it happens: `claw/event`, in three kinds. Nothing is sent where the client did not declare it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.event import Entry
from claw_lsp.lsp.client import Client

MOST_OFTEN = 0.2
"""Seconds between two reports of the status; the last one always arrives."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Used(_Told):
    """How much of the model's window is taken."""

    used: int = Field(description="Tokens of the last request and its reply.")
    window: int = Field(description="Tokens the model can take.")


class Running(_Told):
    """A turn in flight."""

    run: str
    session: str
    title: str
    activity: str = Field(description="What it does now, in a few words.")


class Status(_Told):
    """What a status line shows, of the session used last; null for what is not known yet. After every change, at most
    five a second."""

    kind: Literal["status"] = "status"
    session: str | None
    title: str | None
    model: str | None
    mode: str | None
    effort: str | None
    context: Used | None
    cost: float | None = Field(description="Dollars, of that session.")
    runs: tuple[Running, ...] = Field(description="The turns in flight, in every session.")
    questions: int = Field(description="How many wait for an answer.")
    hunks: int = Field(description="How many changes wait to be kept or reverted.")
    proposals: int = Field(description="How many changes wait to be applied or dismissed.")


class HunksTold(_Told):
    """The hunks and proposals of one document as `claw.hunks {uri}` lists them, after every change of them; an empty list
    takes them away."""

    kind: Literal["hunks"] = "hunks"
    uri: str
    hunks: tuple[dict[str, Any], ...]


class FactTold(_Told):
    """A fact of a session was written. `event` is one of the facts below; its `kind` names it."""

    session: str
    n: int = Field(description="The fact's number in the session's log, from 1.")
    at: float = Field(description="When it was written, in Unix seconds.")
    event: dict[str, Any]


class Events:
    """`status` is what is true now.

    Invariant: whatever the status became is told soon, the last of it always, at most once in MOST_OFTEN seconds and
    never twice in a row.
    """

    def __init__(
        self,
        editor: Client,
        *,
        declared: bool,
        status: Callable[[], Awaitable[Status]],
        later: Callable[[Awaitable[None], str], None],
    ) -> None:
        self._editor = editor
        self._declared = declared
        self._status = status
        self._later = later
        self._stale = False
        self._telling = False
        self._status_told: Status | None = None
        self._hunks_told: dict[str, Sequence[dict[str, Any]]] = {}

    def fact(self, session: str, entry: Entry) -> None:
        if self._declared:
            fact = entry.model_dump(mode="json")
            self._tell(FactTold(session=session, n=fact["n"], at=fact["at"], event=fact["event"]))
            self.touched()

    def hunks(self, listed: Callable[[], Mapping[str, Sequence[dict[str, Any]]]]) -> None:
        """These are the hunks there are now, by URI; worked out only where somebody wants to know."""
        if not self._declared:
            return
        now = {uri: found for uri, found in listed().items() if found}
        for uri in [*now, *(it for it in self._hunks_told if it not in now)]:
            if now.get(uri) != self._hunks_told.get(uri):
                self._tell(HunksTold(uri=uri, hunks=tuple(now.get(uri, ()))))
        self._hunks_told = now
        self.touched()

    def touched(self) -> None:
        """The status may be another."""
        if not self._declared:
            return
        self._stale = True
        if not self._telling:
            self._telling = True
            self._later(self._tell_status(), "telling the status")

    async def _tell_status(self) -> None:
        try:
            while self._stale:
                self._stale = False
                status = await self._status()
                if status != self._status_told:
                    self._status_told = status
                    self._tell(status)
                await asyncio.sleep(MOST_OFTEN)
        finally:
            self._telling = False

    def _tell(self, told: BaseModel) -> None:
        self._editor.notify("claw/event", told.model_dump(mode="json"))
