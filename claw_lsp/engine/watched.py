"""Files that hooks want watched: what happens to them is told to FileChanged hooks; and folders that the editor adds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing

from claw_lsp.core.hooks import occasions
from claw_lsp.core.hooks.choosing import Occasion, watched_names
from claw_lsp.engine.hooking import Alone, fire
from claw_lsp.engine.session import Session
from claw_lsp.engine.sessions import Sessions
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.settings import Settings

logger = logging.getLogger(__name__)

Happenings = Callable[[tuple[str, ...]], AsyncGenerator[tuple[tuple[str, str], ...]]]
"""What happens to these files, each with change, add or unlink."""


class Watched:
    """One watcher for all sessions, and none while no hook wants one. `wired` is what hooks of a session are run with.

    Invariant: after `look` exactly the files are watched that the open sessions want.
    """

    def __init__(
        self, happenings: Happenings, sessions: Sessions, wired: Callable[[Session], Awaitable[Alone]]
    ) -> None:
        self._happenings = happenings
        self._sessions = sessions
        self.wired = wired
        self._names: dict[str, tuple[str, ...]] = {}
        self._paths: tuple[str, ...] = ()
        self._following: asyncio.Task[None] | None = None

    def take(self, session: Session, settings: Settings) -> None:
        """Watch what the hooks in force of a session name, in its folder."""
        self._names[session.id] = watched_names(settings)
        self.look()

    def look(self) -> None:
        """Watch what is wanted now."""
        paths = tuple(sorted({it for session in self._sessions.opened.values() for it in self._of(session)}))
        if paths == self._paths:
            return
        self._paths = paths
        if self._following is not None:
            self._following.cancel()
        self._following = asyncio.create_task(self._follow(paths), name="watching files for hooks") if paths else None

    async def added(self, folder: str) -> None:
        """Tell the session used last of a folder that was added."""
        if (last := self._sessions.last) is not None:
            await self._tell(last, occasions.folder_added(folder))

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait((self._following,))

    async def _follow(self, paths: tuple[str, ...]) -> None:
        async with aclosing(self._happenings(paths)) as happenings:
            async for happened in happenings:
                for path, how in happened:
                    for session in [it for it in self._sessions.opened.values() if path in self._of(it)]:
                        # Told in a task of its own: a hook that names other files to watch ends this one.
                        session.beside(self._tell(session, occasions.file_changed(path, how)))

    async def _tell(self, session: Session, occasion: Occasion) -> None:
        try:
            session = await self._sessions.look(session.id)
            await fire(occasion, session, await self.wired(session))
        except ClawError as error:
            logger.info("No hook could be told of %s: %s", occasion.event, error)

    def _of(self, session: Session) -> Iterable[str]:
        state = session.state
        home = state.roots[0] if state.roots else state.cwd
        named = (*self._names.get(session.id, ()), *session.watches)
        return [it if it.startswith("/") else f"{home.rstrip('/')}/{it}" for it in named]
