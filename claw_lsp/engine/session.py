"""One session in memory: its log, and the state that follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from claw_lsp.core.state import State, after, fold
from claw_lsp.facts.event import Entry, Event, ModelChanged, ModelSpoke, Noted, Steered
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import Answer
from claw_lsp.ports import Log


class Session:
    """Invariant: `state` is the fold of everything in the log, and only this object writes the log.

    `planned` holds what was shown and not yet done, by call id. `in_turn` is held while a turn runs: one at a time.
    """

    def __init__(self, log: Log, entries: Sequence[Entry] = ()) -> None:
        self.log = log
        self.entries: list[Entry] = list(entries)
        self.state: State = fold(entry.event for entry in entries)
        self.partial = ""
        self.planned: dict[str, tuple[Plan, tuple[Answer, ...]]] = {}
        self.in_turn = asyncio.Lock()
        self.runs_unsaved = False
        self._consulting = False
        self._later: list[Event] = []

    @property
    def id(self) -> str:
        return self.state.session

    def write(self, event: Event, *, durable: bool = False) -> Entry:
        """Append one fact and fold it. Raises LogError, and then nothing changed."""
        entry = self.log.append(event, durable=durable)
        self.entries.append(entry)
        self.state = after(self.state, event)
        if isinstance(event, ModelSpoke):
            self.partial = ""
        return entry

    def write_when_safe(self, event: Event) -> Entry | None:
        """Write a fact from outside; while the model is being asked, what would change the request waits for the reply
        (the prompt is append-only), and a change of model waits for the end of the turn. None when it waits."""
        waits = self.state.turn is not None if isinstance(event, ModelChanged) else self._consulting
        if isinstance(event, Noted | Steered | ModelChanged) and waits:
            self._later.append(event)
            return None
        return self.write(event)

    def keep(self, text: str) -> None:
        """Keep streamed text before it is shown."""
        self.log.keep(text)
        self.partial += text

    def consulting(self) -> None:
        self._consulting = True

    def consulted(self) -> list[Entry]:
        """The reply is written, or there was none; what waited is written now."""
        self._consulting = False
        waited, self._later = self._later, []
        return [entry for event in waited if (entry := self.write_when_safe(event))]
