"""Names for sessions: the small model is asked once a session has been quiet for a while after its first turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from claw_lsp.core.escape import one_line, stripped
from claw_lsp.core.foreign import framed
from claw_lsp.core.redaction import redacted
from claw_lsp.engine.session import Session
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.call import text_in
from claw_lsp.facts.event import ModelSpoke, Titled, UserSpoke
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.usage import cost
from claw_lsp.ports.world import Clock

logger = logging.getLogger(__name__)

QUIET = 20.0
"""Seconds without a turn: whoever goes on at once is not kept waiting by a request beside theirs."""
LONGEST = 60
"""Characters of a title."""
MOST_READ = 2000
"""Characters of the first prompt, and of the first answer, that the small model is shown."""
MOST_TRIES = 3
"""Turns after which a session keeps its first words for a title."""
_SYSTEM = (
    "You name the sessions of a coding agent for a list that people look through. You are given how a session began. "
    "Answer with its title alone: at most seven words, in the language of the person, saying what is worked on. No "
    "quotation marks, no full stop, nothing else."
)

Write = Callable[[Session, Titled], Awaitable[None]]


class Titles:
    """Invariant: at most one wait a session, and none for one that has a title."""

    def __init__(self, clock: Clock, write: Write) -> None:
        self._clock = clock
        self._write = write
        self._waits: dict[str, asyncio.Task[None]] = {}

    def after_turn(self, session: Session, small: SmallModel) -> None:
        """A turn ended: the session gets its title if it has none and nothing else happens now."""
        self.stop(session.id)
        n_turns = sum(isinstance(it.event, UserSpoke) for it in session.entries)
        if not session.state.title and n_turns <= MOST_TRIES:
            task = asyncio.create_task(self._later(session, small), name="naming a session")
            task.add_done_callback(_told)
            self._waits[session.id] = task

    def stop(self, session: str) -> None:
        """Wait no more: the session is gone, or goes on."""
        if (task := self._waits.pop(session, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        tasks = tuple(self._waits.values())
        for session in tuple(self._waits):
            self.stop(session)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _later(self, session: Session, small: SmallModel) -> None:
        """What fails here is nobody's trouble: the first words stay."""
        await self._clock.sleep(QUIET)
        if session.state.turn is not None or session.in_turn.locked() or session.state.title:
            return
        try:
            if (titled := await named(session, small)) is not None:
                await self._write(session, titled)
        except ClawError as error:
            logger.info("Session %s has no title: %s", session.id, error)


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("%s failed", task.get_name(), exc_info=error)


async def named(session: Session, small: SmallModel) -> Titled | None:
    """What the small model calls the session; the person's own title wins, and what was asked for is paid all the same.
    None before anything was said. Raises ModelError."""
    prompt = next((it.event.text for it in session.entries if isinstance(it.event, UserSpoke)), "").strip()
    said = (text_in(it.event.blocks).strip() for it in session.entries if isinstance(it.event, ModelSpoke))
    answer = next(filter(None, said), "")
    if not prompt:
        return None
    text = framed(f"{prompt[:MOST_READ]}\n\nThe agent answered:\n{answer[:MOST_READ]}", "session", "a session")
    reply = await small.ask(_SYSTEM, f"{text}\n\nThe title:", ())
    title = session.state.title or _plain(text_in(reply.blocks))
    price = cost(reply.usage, small.price_of(reply))
    return Titled(title=title, model=reply.model, usage=reply.usage, cost=price)


def _plain(text: str) -> str:
    """The first line that says something, without what surrounds a title; nothing in it hides or is secret."""
    line = next((it for it in stripped(text).splitlines() if it.strip()), "")
    return one_line(redacted(line.strip(" #*`\"'“”«».")), LONGEST)
