"""Settings files that changed: ConfigChange hooks are asked before the change counts."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from claw_lsp.core.hooks import occasions
from claw_lsp.core.policy.paths import inside
from claw_lsp.engine.hooking import Alone, fire
from claw_lsp.engine.session import Session
from claw_lsp.engine.sessions import Sessions
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.settings import Change
from claw_lsp.ports.rules import ChangeGate

logger = logging.getLogger(__name__)

Wired = Callable[[Session], Awaitable[Alone]]


async def settle(gate: ChangeGate, sessions: Sessions, wired: Wired, say: Callable[[str], None]) -> None:
    """Once every change that waits for hooks counts, or was refused, which is said."""
    for change in gate.waiting():
        why = await _against(change, sessions, wired)
        if why is None or change.source == "policy_settings":
            gate.admit(change)
        else:
            gate.refuse(change)
            say(f"Claw: {change.path} changed, and a hook keeps what was in force: {why}")


async def _against(change: Change, sessions: Sessions, wired: Wired) -> str | None:
    """Why hooks do not let it count. Where no session is there to ask in, nothing is against it."""
    session = _session(change.path, sessions)
    if session is None:
        return None
    try:
        session = await sessions.look(session.id)
        return (await fire(occasions.config_changed(change), session, await wired(session))).blocked
    except ClawError as error:
        logger.warning("No hook could be asked about the change of %s: %s", change.path, error)
        return None


def _session(path: str, sessions: Sessions) -> Session | None:
    """The one used last of those that live around the file, else the one used last."""
    around = [it for it in sessions.opened.values() if it.state.cwd and inside(path, (it.state.cwd,))]
    return sessions.last if sessions.last in around or not around else around[-1]
