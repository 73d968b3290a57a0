"""Questions of MCP servers: hooks may answer them, or change what the person answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claw_lsp.core.hooks import occasions
from claw_lsp.core.hooks.saying import Said
from claw_lsp.engine.hooking import Wired, fire, notice
from claw_lsp.engine.session import Session
from claw_lsp.facts.mcp import Elicitation, Elicited, Sampled
from claw_lsp.ports.mcp import Asked


@dataclass(frozen=True, slots=True)
class HookedAsked:
    """Fills `Asked` for one turn: hooks are asked before the person, and hear of what they answered. Where `person` is None
    nobody else can be asked."""

    person: Asked | None
    session: Session
    wired: Wired

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        said = await fire(occasions.elicited(elicitation), self.session, self.wired)
        if (answer := _answer(said)) is not None:
            return answer
        if self.person is None:
            return Elicited("cancel")
        notice(
            occasions.notified("elicitation_dialog", f"{elicitation.server} asks: {elicitation.message}"),
            self.session,
            self.wired,
        )
        answer = await self.person.elicit(elicitation)
        changed = await fire(occasions.elicitation_answered(elicitation, answer), self.session, self.wired)
        return _answer(changed) or answer

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        return await self.person.sample(server, request) if self.person else None


def _answer(said: Said) -> Elicited | None:
    """What hooks answer in the person's place; one that is against it declines."""
    return Elicited("decline") if said.elicited is None and said.blocked is not None else said.elicited
