"""The sessions of one process: those open here, and those on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from claw_lsp.core.recover import CRASHED, recover
from claw_lsp.engine.opening import Home
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import Entry, SessionStarted
from claw_lsp.facts.rule import Mode
from claw_lsp.ports import Archive, SessionSummary

Opening = Callable[[str, Home, Mode | None, str | None], Awaitable[SessionStarted]]
"""(session, home, mode, model) -> the fact a session begins with; None means as the settings say."""


class Sessions:
    """Invariant: a session is open once, in `opened`, and its log is held while it is there."""

    def __init__(self, archive: Archive, opening: Opening) -> None:
        self._archive = archive
        self._opening = opening
        self.opened: dict[str, Session] = {}
        self.last: Session | None = None

    async def start(self, home: Home, *, mode: Mode | None = None, model: str | None = None) -> Session:
        """A new session with its first fact written. Raises LogError."""
        id_ = str(uuid4())
        started = await self._opening(id_, home, mode, model)
        session = Session(await self._archive.create(id_, home.folder))
        session.write(started)
        return self._keep(session)

    async def resume(self, id_: str) -> Session:
        """The session as it was left; what a crash left open is closed. Raises LogError."""
        if id_ in self.opened:
            return self._keep(self.opened[id_])
        log, entries, partial = await self._archive.open(id_)
        session = Session(log, entries)
        for event in recover(session.state, partial, why=CRASHED):
            session.write(event)
        return self._keep(session)

    async def begin_anew(self, session: Session) -> Entry:
        """Forget what was said: from here on a new prefix. The log keeps everything. Not while a turn runs."""
        state = session.state
        home = Home(state.roots[0] if state.roots else state.cwd, state.roots)
        return session.write(await self._opening(session.id, home, state.mode, state.model))

    async def entries(self, id_: str) -> Sequence[Entry]:
        """Everything in a session's log, open here or not. Raises LogError."""
        if id_ in self.opened:
            return tuple(self.opened[id_].entries)
        return await self._archive.read(id_)

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        """Newest first."""
        return await self._archive.list(folder)

    def close(self) -> None:
        for session in self.opened.values():
            session.log.close()
        self.opened.clear()

    def _keep(self, session: Session) -> Session:
        self.opened[session.id] = session
        self.last = session
        return session
