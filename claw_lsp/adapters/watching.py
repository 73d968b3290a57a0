"""Files that change: which of a few did, wherever they lie, also those that are not there yet.

What a file is now is told by looking at it; notices of the system only say when to look. So links, files that are replaced
by others of the same name, and folders on other machines, which tell nothing, are no different from any other.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

DEBOUNCE = 100
"""Milliseconds for which changes are gathered, from the first one on."""
PATIENCE = 5.0
"""Seconds after which one looks without a notice: network disks give none."""
POLL = 2.0
"""The same where the system has no notices at all."""

Files = Callable[[], Iterable[str]]
"""The files that are looked at, absolute; asked anew for every look, in a thread."""
_Look = dict[str, tuple[int, ...] | None]


class FileWatch:
    """Fills the port Watch. Nothing is imported before the first file is watched, and nothing is left behind the last."""

    def __init__(self, patience: float = PATIENCE, poll: float = POLL, *, notices: bool = True) -> None:
        self._patience = patience
        self._poll = poll
        self._notices = notices

    async def changes(self, files: Files) -> AsyncGenerator[tuple[str, ...]]:
        """First the files that are there, then those that changed, came or went since the look before, for ever; never none."""
        known = await asyncio.to_thread(_look, files)
        if there := tuple(path for path, it in known.items() if it is not None):
            yield there
        async with aclosing(self._moments(files)) as moments:
            async for _ in moments:
                now = await asyncio.to_thread(_look, files)
                changed = tuple(path for path, it in now.items() if path in known and known[path] != it)
                known = now
                if changed:
                    yield changed

    async def happenings(self, files: Files) -> AsyncGenerator[tuple[tuple[str, str], ...]]:
        """What happened to the files since this began, for ever; never none: each with change, add or unlink."""
        known = await asyncio.to_thread(_look, files)
        async with aclosing(self._moments(files)) as moments:
            async for _ in moments:
                now = await asyncio.to_thread(_look, files)
                changed = [it for it in now if it in known and known[it] != now[it]]
                before, known = known, now
                if changed:
                    yield tuple((it, _how(before[it], now[it])) for it in changed)

    async def _moments(self, files: Files) -> AsyncGenerator[None]:
        """When to look: soon after something happened near the files, and now and then without."""
        while self._notices:
            # The Rust part of watchfiles raises exceptions of several kinds.
            try:
                async with aclosing(self._told(files)) as told:
                    async for _ in told:
                        yield
            except Exception as error:
                logger.info(
                    "Settings files are looked at every %s s, since the system does not tell: %s", self._poll, error
                )
                break
        while True:
            await asyncio.sleep(self._poll)
            yield

    async def _told(self, files: Files) -> AsyncGenerator[None]:
        """Ends when other folders must be watched than at its beginning."""
        watchfiles = await asyncio.to_thread(_imported)
        folders, named = await asyncio.to_thread(_around, files)
        if not folders:
            raise OSError("none of their folders is there")

        def near(_: object, path: str) -> bool:
            return path in named

        told = watchfiles.awatch(
            *folders,
            watch_filter=near,
            debounce=DEBOUNCE,
            rust_timeout=int(1000 * self._patience),
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        async with aclosing(told):
            yield  # What happened before these folders were watched is seen now.
            async for _ in told:
                yield
                if await asyncio.to_thread(_around, files) != (folders, named):
                    return


def _imported() -> Any:
    """The library, with what it would import in the loop when it begins: that takes 60 ms."""
    with suppress(ImportError):
        import_module("anyio._backends._asyncio")
    return import_module("watchfiles")


def _look(files: Files) -> _Look:
    """What tells one state of a file from another; None where there is none."""
    return {it: _state(it) for it in files()}


def _how(before: tuple[int, ...] | None, now: tuple[int, ...] | None) -> str:
    return "add" if before is None else "unlink" if now is None else "change"


def _state(path: str) -> tuple[int, ...] | None:
    try:
        it = Path(path).stat()
    except (OSError, ValueError):
        return None
    return it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns, it.st_mode


def _around(files: Files) -> tuple[tuple[str, ...], frozenset[str]]:
    """The folders to watch, each without what is below it: those that the files lie in, else the nearest one that is there;
    those of a link's target, too. And the names in them that mean something."""
    folders: dict[str, None] = {}
    named: set[str] = set()
    for path in files():
        for it in {path, os.path.realpath(path)}:
            here = Path(it)
            named.add(it)
            while not here.parent.is_dir() and here.parent != here:
                here = here.parent
                named.add(str(here))
            folders[str(here.parent)] = None
    return tuple(sorted(folders)), frozenset(named)
