"""Checkpoints of a turn: before its first change, and after it where it ran commands."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from claw_lsp.core.rewinding import kept_apart, ran_commands
from claw_lsp.engine.instructing import Guided
from claw_lsp.engine.session import Session
from claw_lsp.facts.checkpoint import Checkpointed
from claw_lsp.facts.fault import LogError
from claw_lsp.facts.plan import Plan, Reach


async def before_change(plans: Iterable[Plan], session: Session, hands: Guided) -> None:
    """The files are kept as they are, once a turn, and only where one of these plans could change some."""
    turn = session.state.turn
    if turn is not None and not turn.kept and any(it.reach in (Reach.EDIT, Reach.RUN) for it in plans):
        await _keep("before", turn.prompt_id, session, hands)


def keep_after(prompt_id: str, session: Session, hands: Guided) -> None:
    """What commands made of the files is kept beside the session, and waited for by whoever keeps them next."""
    if ran_commands(session.entries):
        session.beside(_keep("after", prompt_id, session, hands))


async def _keep(when: Literal["before", "after"], prompt_id: str, session: Session, hands: Guided) -> None:
    """A log that cannot be written stops the turn at what it writes next."""
    if hands.checkpoints is None:
        return
    unsaved = {it.path: it.text for it in hands.workspace.open_documents() if it.dirty}
    roots = session.state.roots or (session.state.cwd,)
    apart = kept_apart(roots, hands.settings.chats_directory)
    taken = await hands.checkpoints.take(session.id, roots, unsaved, apart)
    with suppress(LogError):
        await hands.host.saw(session.write(Checkpointed(prompt_id=prompt_id, when=when, taken=taken)))
