"""The sessions of one process: those open here, and those on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import uuid4

from claw_lsp.core.fork import Fork, forked
from claw_lsp.core.recover import CRASHED, Partial, recover, rewind_cut_short
from claw_lsp.core.reopening import laxer, reopened
from claw_lsp.core.state import State
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.session import Session, Wakes
from claw_lsp.facts.event import Entry, SessionStarted
from claw_lsp.facts.fault import LogError, SessionHeld
from claw_lsp.facts.past import Recalled, SessionSummary
from claw_lsp.facts.rule import Mode
from claw_lsp.ports.logs import Archive

Opening = Callable[[str, Home, Chosen], Awaitable[SessionStarted]]
"""(session, home, what the person chose) -> the fact a session begins with."""

ModeIn = Callable[[str], Awaitable[Mode]]
"""The mode that is configured for a folder."""

HELD = 8
"""How many logs of idle sessions stay open; each is locked against other processes while it is."""


class Sessions:
    """Invariant: a session is one object, in `opened`, and the log of one whose turn runs is held."""

    def __init__(self, archive: Archive, opening: Opening, mode_in: ModeIn) -> None:
        self._archive = archive
        self._opening = opening
        self._mode_in = mode_in
        self.wakes: Wakes | None = None
        self.opened: dict[str, Session] = {}
        self.last: Session | None = None
        self._used: dict[str, None] = {}
        self._opens = asyncio.Lock()

    async def start(self, home: Home, chosen: Chosen) -> Session:
        """A new session with its first fact written. Raises LogError."""
        id_ = str(uuid4())
        started = await self._opening(id_, home, chosen)
        session = Session(await self._archive.create(id_, home.folder))
        try:
            session.write(started)
        except LogError:
            session.log.close()
            with suppress(LogError):
                await self._archive.delete(id_)
            raise
        self.opened[id_] = session
        return self._now_last(session)

    async def resume(self, id_: str) -> Session:
        """The session as it was left, now the last used; what a crash left open is closed. Raises LogError."""
        return self._now_last(await self.look(id_))

    async def look(self, id_: str) -> Session:
        """As `resume`, but the last used stays the last used. Raises LogError."""
        async with self._opens:
            session = self.opened.get(id_)
            if session is None or not (session.log.held or _busy(session)):
                session = self.opened[id_] = await self._open(id_, session)
        self._now_used(session)
        return session

    async def fork(self, id_: str, at: str | None) -> tuple[Session, Fork]:
        """A new session that begins as this one did, up to a prompt, or with all its turns; now the last used. Raises
        LogError, and BadRequest for an unknown prompt."""
        new = str(uuid4())
        fork = forked(await self.entries(id_), new, at)
        log = await self._archive.copy(new, id_, fork.entries)
        session = await asyncio.to_thread(Session, log, fork.entries)
        session.begins = "fork"
        if (origin := self.opened.get(id_)) is None or not origin.log.held:
            await self._take_back(session)
        self.opened[new] = session
        return self._now_last(session), fork

    async def begin_anew(self, session: Session, home: Home) -> Entry:
        """Forget what was said: from here on a new prefix, with the model, the mode and the effort that were chosen. The
        log keeps everything. Not while a turn runs."""
        state = session.state
        chosen = Chosen(mode=state.mode, model=state.model, effort=state.effort)
        await session.leave("clear")
        session.begins = "clear"
        return session.write(await self._opening(session.id, home, chosen))

    async def reopened(self, home: Home, state: State) -> SessionStarted:
        """What the session would begin with if it began now; nothing is written."""
        return await self._opening(state.session, home, Chosen(mode=state.mode, model=state.model, effort=state.effort))

    async def entries(self, id_: str) -> Sequence[Entry]:
        """Everything in a session's log, open here or not. Raises LogError."""
        session = self.opened.get(id_)
        if session is not None and (session.log.held or _busy(session)):
            return tuple(session.entries)
        return await self._archive.read(id_)

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        """Newest first."""
        return await self._archive.list(folder)

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        """The sessions of a home folder, of the `most` used last, that edited or proposed something and that no other
        process has open."""
        return await self._archive.with_edits(folder, most)

    async def search(self, words: str, folders: Sequence[str]) -> Recalled:
        """Where the words were said, in the sessions of these home folders."""
        return await self._archive.search(words, folders)

    async def delete(self, id_: str) -> None:
        """Remove a session and all that is kept of it. Raises LogError; SessionHeld for one in which a turn runs."""
        async with self._opens:
            session = self.opened.get(id_)
            if session is not None and _busy(session):
                raise SessionHeld(f"A turn runs in session {id_}. Stop it first (claw.stop).")
            if session is not None:
                await session.leave("other")
                session.log.close()
            await self._archive.delete(id_)
            self.opened.pop(id_, None)
            self._used.pop(id_, None)
            if self.last is session:
                self.last = None

    async def clean_up(self, days: int, now: float) -> tuple[str, ...]:
        """Delete sessions that nobody used for so many days, and none with 0; the ids of those that went. Once a day."""
        return await self._archive.expire(now - days * 86_400.0) if days else ()

    async def trim(self, megabytes: int) -> tuple[str, ...]:
        """Delete what is too much of each project's sessions, and nothing with 0; the ids of those that went. Once a day."""
        return await self._archive.trim(megabytes * 1_000_000) if megabytes else ()

    async def leave(self, reason: str) -> None:
        """Tell the hooks of all sessions that they end here for now, and end what is done beside them."""
        await asyncio.gather(*(it.leave(reason) for it in self.opened.values()))

    def close(self) -> None:
        for session in self.opened.values():
            session.log.close()
        self.opened.clear()

    def let_go(self) -> None:
        """Close the logs of idle sessions but for those used last, so that other processes can open them."""
        idle = [it for id_ in self._used if (it := self.opened[id_]).log.held and not _busy(it)]
        for session in idle[:-HELD]:
            session.log.close()

    async def _open(self, id_: str, known: Session | None) -> Session:
        """The session with its log held. One whose log was let go is the same object, as the log now says."""
        log, entries, partial = await self._archive.open(id_)
        session = known or Session(log)
        session.log = log
        ours = known is not None and await asyncio.to_thread(lambda: tuple(session.entries) == tuple(entries))
        await asyncio.to_thread(session.take, entries)
        for event in (*recover(session.state, Partial(partial), why=CRASHED), *rewind_cut_short(session.state)):
            session.write(event)
        if not ours:
            session.begins = "resume"
            await self._take_back(session)
        return session

    async def _take_back(self, session: Session) -> None:
        """What was allowed by word does not hold in a session that was read from a log."""
        state = session.state
        configured = Mode.DEFAULT
        if laxer(state.mode, configured):
            configured = await self._mode_in(state.roots[0] if state.roots else state.cwd)
        for event in reopened(state, configured):
            session.write(event)

    def _now_last(self, session: Session) -> Session:
        self.last = session
        self._now_used(session)
        return session

    def _now_used(self, session: Session) -> None:
        session.wakes = self.wakes
        self._used.pop(session.id, None)
        self._used[session.id] = None
        self.let_go()


def _busy(session: Session) -> bool:
    return session.state.turn is not None or session.in_turn.locked()
