"""The person and their screen, as one turn sees them: facts and signals go to the chat, the progress and the shim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from claw_lsp.facts.event import CallJudged, Entry, ModelChanged, ModelSpoke, TurnEnded
from claw_lsp.facts.question import Answer, Question
from claw_lsp.facts.signal import (
    CallBegun,
    Retrying,
    Signal,
    Stalled,
    TextArrived,
    ThinkingArrived,
    UsageReported,
    Working,
)
from claw_lsp.lsp.progress import Bar
from claw_lsp.lsp.questions import Questions, plain
from claw_lsp.lsp.runs import Run


class Screen(Protocol):
    """Where a session's facts are shown: its chat document, and a shim that wants events."""

    async def saw(self, session: str, entry: Entry) -> None: ...

    async def heard(self, session: str, signal: Signal) -> None: ...


@dataclass(frozen=True, slots=True)
class TurnHost:
    """Fills the port `Host` for one run."""

    run: Run
    bar: Bar
    questions: Questions
    screens: tuple[Screen, ...]
    prepared: Callable[[Question], Awaitable[Question]]
    """Told of a question before the person is; answers it with the document that shows it, where it has one."""
    withdrawn: Callable[[str, str], None]
    """(session, question) was answered, or taken back."""
    turned: Callable[[], None]
    """The run does something else now."""

    async def ask(self, question: Question) -> Answer:
        self._now(f"waiting for your answer: {question.title}")
        try:
            return await self.questions.ask(await self.prepared(question))
        finally:
            self.withdrawn(self.run.session, question.id)

    async def saw(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, ModelSpoke):
            self._now("reading the reply")
        elif isinstance(event, CallJudged) and event.decision == "allow":
            self._now(event.title)
        elif isinstance(event, ModelChanged) and event.why:
            self._now(f"{event.why}: {event.model} stands in")
        elif isinstance(event, TurnEnded):
            self._now("done")
        for screen in self.screens:
            await screen.saw(self.run.session, entry)

    async def heard(self, signal: Signal) -> None:
        match signal:
            case TextArrived():
                self._now("answering")
            case ThinkingArrived():
                self._now("thinking")
            case CallBegun(name=name):
                self._now(f"preparing {name}")
            case UsageReported():
                return
            case Retrying(attempt=attempt, attempts=attempts, wait=wait, why=why):
                self._now(f"{why}; asking again in {wait:.0f} s ({attempt} of {attempts})")
            case Stalled(seconds=seconds):
                self._now(f"nothing has arrived for {seconds:.0f} s")
            case Working(line=line):
                self._now(line)
        for screen in self.screens:
            await screen.heard(self.run.session, signal)

    def _now(self, text: str) -> None:
        activity = plain(text.strip().split("\n")[-1], 120)
        if activity != self.run.activity:
            self.run.activity = activity
            self.turned()
        self.bar.report(activity)
