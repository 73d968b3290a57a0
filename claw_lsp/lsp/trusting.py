"""Whether the folders of a workspace are trusted: asked at the first turn in one, and again for what is new in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from claw_lsp.engine.trusting import answered, question
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.question import DENY, Question
from claw_lsp.facts.trust import Sought
from claw_lsp.lsp.messages import INFO, WARNING
from claw_lsp.lsp.questions import Questions
from claw_lsp.ports.rules import Trust

Say = Callable[[int, str], None]


class Trusting:
    """Invariant: of one folder there is one question at a time, and none about what was asked before on this connection."""

    def __init__(self, trust: Trust, questions: Questions, say: Say, section: Callable[[], Mapping[str, Any]]) -> None:
        self._trust = trust
        self._questions = questions
        self._say = say
        self._section = section
        self._asked: set[tuple[str, str]] = set()
        self._pending: dict[str, Question] = {}

    @property
    def restricted(self) -> bool:
        """Whether the editor says that the person does not trust the workspace. It can say so, and never the contrary."""
        return self._section().get("workspaceTrusted") is False

    async def look(self, folder: str) -> Sought:
        """What waits for the person's word in a folder."""
        return await self._trust.sought(folder)

    def asks(self, sought: Sought) -> bool:
        """Whether the person is to be asked now."""
        if self.restricted or sought.folder in self._pending:
            return False
        return any((sought.folder, it.digest) not in self._asked for it in sought.waiting)

    async def ask(self, sought: Sought, session: str) -> None:
        """Ask, however long the answer takes, and remember it. No turn waits for this."""
        self._asked |= {(sought.folder, it.digest) for it in sought.waiting}
        pending = self._pending[sought.folder] = question(sought, session)
        try:
            answer = await self._questions.ask(pending)
            if said := await answered(self._trust, sought, answer):
                self._say(INFO, f"Claw: {said}")
        except ClawError as error:
            self._say(WARNING, f"Claw: {error}")
        finally:
            self._pending.pop(sought.folder, None)

    async def decide(self, folder: str, *, trust: bool) -> Sought:
        """What the person said by a command: what the folder's files hold at this moment is approved, or all of it refused.
        Raises ClawError."""
        sought = await self._trust.sought(folder)
        if pending := self._pending.get(folder):
            self._questions.answer(pending.id, DENY, "")
        if trust:
            await self._trust.trust(folder, (*sought.waiting, *sought.refused))
        else:
            await self._trust.distrust(folder)
        return sought
