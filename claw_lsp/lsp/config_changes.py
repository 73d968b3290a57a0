"""Settings files that changed: ConfigChange hooks are asked before the change counts."""

from __future__ import annotations

import logging
from functools import partial

from claw_lsp.core.hooks import occasions
from claw_lsp.core.policy.paths import inside
from claw_lsp.engine.hooking import fire
from claw_lsp.engine.session import Session
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.settings import Change
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import WARNING

logger = logging.getLogger(__name__)


async def settle(door: Door) -> None:
    """Once every change that waits for hooks counts, or was refused, which is said. Nothing where no hooks want to know."""
    gate = door.house.gate
    if not gate.guarded:
        return
    for folder in door.homes:
        await door.house.settings(folder, door.section)
    for change in gate.waiting():
        why = await _against(door, change)
        if why is None or change.source == "policy_settings":
            gate.admit(change)
        else:
            gate.refuse(change)
            door.messages.say(WARNING, f"Claw: {change.path} changed, and a hook keeps what was in force: {why}")


async def _against(door: Door, change: Change) -> str | None:
    """Why hooks do not let it count. Where no session is there to ask in, nothing is against it."""
    session = _session(door, change.path)
    if session is None:
        return None
    try:
        session = await door.house.sessions.look(session.id)
        alone = door.house.alone(await door.settings_of(session), partial(door.saw, session.id))
        return (await fire(occasions.config_changed(change), session, alone)).blocked
    except ClawError as error:
        logger.warning("No hook could be asked about the change of %s: %s", change.path, error)
        return None


def _session(door: Door, path: str) -> Session | None:
    """The one used last of those that live around the file, else the one used last."""
    around = [it for it in door.house.sessions.opened.values() if it.state.cwd and inside(path, (it.state.cwd,))]
    last = door.house.sessions.last
    return last if last in around or not around else around[-1]
