"""Doubles for the small ports: a clock that waits for nobody, a log in memory, a person who answers by plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from claw_lsp.core.policy.searching import Searched
from claw_lsp.facts.event import Entry, Event, ModelSpoke
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.instructions import Around, FoundInstructions, Instructions
from claw_lsp.facts.opinion import Opinion
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import DENY, Answer, Question
from claw_lsp.facts.rule import Behavior, Kept, Verdict
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.signal import Signal
from claw_lsp.ports.hooks import HookPlace


class FakeClock:
    """Fills `Clock`: sleeping moves the time at once."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class MemoryLog:
    """Fills `Log`. `durable` are the numbers of the entries that were to be on the disk at once."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.durable: list[int] = []
        self.partial = ""
        self.closed = False

    @property
    def path(self) -> str:
        return "memory"

    def append(self, event: Event, *, durable: bool = False) -> Entry:
        entry = Entry(n=len(self.entries) + 1, at=float(len(self.entries)), event=event)
        self.entries.append(entry)
        if durable:
            self.durable.append(entry.n)
        if isinstance(event, ModelSpoke):
            self.partial = ""
        return entry

    def keep(self, text: str) -> None:
        self.partial += text

    @property
    def held(self) -> bool:
        return not self.closed

    def close(self) -> None:
        self.closed = True


class PlannedPerson:
    """Fills `Host`: answers each question with the next planned choice; with none left nobody is there to be asked."""

    def __init__(self, answers: Iterable[str | Answer | Callable[[Question], Answer]] = ()) -> None:
        self._answers = list(answers)
        self.questions: list[Question] = []
        self.seen: list[Entry] = []
        self.signals: list[Signal] = []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        if not self._answers:
            return Answer(DENY, by="nobody")
        answer = self._answers.pop(0)
        if isinstance(answer, str):
            return Answer(answer)
        return answer if isinstance(answer, Answer) else answer(question)

    async def saw(self, entry: Entry) -> None:
        self.seen.append(entry)

    async def heard(self, signal: Signal) -> None:
        self.signals.append(signal)


class NoGuidance:
    """Fills `Guidance`: nothing holds for any file."""

    async def beginning(self, around: Around) -> FoundInstructions:
        return FoundInstructions()

    async def for_files(self, paths: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        return ()

    async def again(self, files: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        return ()


class NoHooks:
    """Fills `Hooks`: each ends at once and says nothing."""

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        return HookRan(0)

    async def keep(self, text: str) -> str:
        return ""


async def nothing_below(searched: Searched, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Fills `Below`: no folder holds anything that is asked about."""
    return ()


class Doubt:
    """Fills `Assessor`: is never sure, so that everything is asked."""

    async def assess(self, past: Iterable[Event], plan: Plan, verdict: Verdict, ground: Ground) -> Opinion:
        return Opinion("ask", "nobody is sure")


class NoMemory:
    """Fills `Memory`: rules are kept in a list."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, str]] = []

    def file(self, folder: str, kept: Kept) -> str:
        return f"{folder}/.claw/settings.{kept}.json"

    async def add_rules(
        self, folder: str, rules: tuple[str, ...], behavior: Behavior = "allow", kept: Kept = "local"
    ) -> str:
        self.rules += [(folder, it) for it in rules]
        return f"{folder}/.claw/settings.local.json"

    async def change_rule(self, file: str, behavior: Behavior, rule: str, to: Behavior | None) -> None:
        await self.keep_in_step(file, rule, to)

    async def keep_in_step(self, file: str, rule: str, to: Behavior | None) -> None:
        self.rules = [it for it in self.rules if it[1] != rule]
