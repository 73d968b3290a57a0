"""One session in memory: its log, and the state that follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from claw_lsp.core import proposals
from claw_lsp.core.fold import after, fold
from claw_lsp.core.policy.alike import Shown, shown
from claw_lsp.core.recover import CRASHED, Partial, recover
from claw_lsp.core.redaction import redacted
from claw_lsp.core.state import State
from claw_lsp.engine.ahead import Ahead
from claw_lsp.facts.event import CallJudged, Entry, Event, ModelSpoke, Stopped, TurnEnded, UserSpoke
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import DENY, Answer
from claw_lsp.facts.usage import Usage
from claw_lsp.ports.logs import Log


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was answered to a call before its turn came, with others like it, and what was shown of it then."""

    answer: Answer
    shown: Shown

    def covers(self, plan: Plan) -> bool:
        """Whether that is an answer to this plan: a no always is, a yes to nothing else than what was shown."""
        return self.answer.choice == DENY or self.shown == shown(plan)


Wakes = Callable[[str, str], Awaitable[object]]
"""Begins a turn in a session, by its id, with these words. May raise ClawError."""


class Session:
    """Invariant: `state` is the fold of everything in the log, and only this object writes the log.

    `proposals` are those of the log, over the texts that were last seen. `planned` holds what was shown and not yet done, by
    call id; `agreed` what was answered before its turn, and `one_by_one` names the calls that are asked about by themselves;
    `ahead` what is planned before its turn. `begins` is how the session begins for hooks, None once they were told;
    `environment` is what hooks exported for its commands, `hooked_once` names those of them that ran and do so once, `ends`
    tells them why it ends, `watches` are the files they want
    watched. `wakes` begins a turn with some words, None where nobody can; `n_woken` counts those that hooks began
    since the person's last prompt. `in_turn` is held while a turn runs: one at a time.
    """

    def __init__(self, log: Log, entries: Sequence[Entry] = ()) -> None:
        self.log = log
        self.take(entries)
        self._begun = Partial()
        self._texts: list[str] = []
        self.planned: dict[str, tuple[Plan, tuple[Answer, ...]]] = {}
        self.agreed: dict[str, Agreed] = {}
        self.one_by_one: set[str] = set()
        self.ahead = Ahead()
        self.begins: str | None = "startup"
        self.environment: dict[str, str] = {}
        self.wakes: Wakes | None = None
        self.n_woken = 0
        self.hooked_once: set[str] = set()
        self.watches: tuple[str, ...] = ()
        self.ends: Callable[[str], Awaitable[object]] | None = None
        self._beside: dict[asyncio.Task[None], float] = {}
        self.in_turn = asyncio.Lock()
        self.runs_unsaved = False

    def take(self, entries: Sequence[Entry]) -> None:
        """Become what these entries add up to. Of a long session that takes a while: best done in a thread."""
        self.entries: list[Entry] = list(entries)
        self.state: State = fold(entry.event for entry in entries)
        self.proposals = proposals.folded(entries)

    @property
    def id(self) -> str:
        return self.state.session

    @property
    def partial(self) -> Partial:
        """The reply under way, as far as it was shown and counted."""
        return replace(self._begun, text="".join(self._texts))

    def write(self, event: Event) -> Entry:
        """Append one fact, on the disk if it is a lasting one, and fold it. Raises LogError, and then nothing changed."""
        event = _without_secrets(event)
        entry = self.log.append(event, durable=event.lasting)
        self.entries.append(entry)
        self.state = after(self.state, event)
        self.proposals = proposals.after(self.proposals, entry)
        if isinstance(event, ModelSpoke):
            self._begun = Partial()
            self._texts.clear()
        return entry

    def beside(self, work: Coroutine[Any, Any, None], grace: float = 0.0) -> None:
        """Do this while the session goes on; once it is left this has so many seconds to come to its end."""
        task = asyncio.create_task(work)
        self._beside[task] = grace
        task.add_done_callback(self._beside.pop)

    async def leave(self, reason: str) -> None:
        """Tell hooks that the session ends here for now, and end what is done beside it."""
        ends, self.ends = self.ends, None
        wakes, self.wakes = self.wakes, None
        if ends is not None:
            await ends(reason)
        if patient := {it: grace for it, grace in self._beside.items() if grace}:
            await asyncio.wait(patient, timeout=max(patient.values()))
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        self.wakes = wakes

    def keep(self, text: str) -> None:
        """Keep streamed text before it is shown."""
        self.log.keep(text)
        self._texts.append(text)

    def owes(self, usage: Usage, cost: float | None) -> None:
        """Remember what the provider counted for the reply under way; the ModelSpoke that follows holds it."""
        self._begun = Partial(usage=usage, cost=cost)

    def begin(self, spoken: UserSpoke) -> list[Entry]:
        """Write what the person said, before anything is awaited. A turn that a failing log left open is closed first.
        Raises LogError. Only while no turn runs."""
        left = [self.write(it) for it in recover(self.state, self.partial, stopped="failed", why=CRASHED)]
        return [*left, self.write(spoken)]

    def end(self, run: str, stopped: Stopped, why: str) -> list[Entry]:
        """Close the turn of this run if it is open, now, without awaiting anything. Raises LogError."""
        self.planned.clear()
        self.agreed.clear()
        self.one_by_one.clear()
        self.ahead.drop()
        if self.state.turn is None or self.state.turn.run != run:
            return []
        return [self.write(it) for it in recover(self.state, self.partial, stopped=stopped, why=why)]

    def ended(self, run: str) -> TurnEnded | None:
        """How this run ended, as the log says."""
        found = (it.event for it in reversed(self.entries) if isinstance(it.event, TurnEnded))
        return next((it for it in found if it.run == run), None)


def _without_secrets(event: Event) -> Event:
    """The fact with its texts about errors and reasons redacted; what was said, called and found stays as it was."""
    match event:
        case TurnEnded() if event.why:
            return event.model_copy(update={"why": redacted(event.why)})
        case ModelSpoke() if event.fault:
            return event.model_copy(update={"fault": redacted(event.fault)})
        case CallJudged() if event.reason and event.by != "person":
            return event.model_copy(update={"reason": redacted(event.reason)})
        case _:
            return event
