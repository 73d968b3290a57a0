"""Checkpoints as trees of a git repository in CLAW_HOME: every file under its absolute path."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from claw_lsp.adapters.checkpoints.commands import Commands, lines
from claw_lsp.adapters.checkpoints.files import now, put, tidy
from claw_lsp.adapters.checkpoints.listing import LARGEST, Listed, listed
from claw_lsp.adapters.programs import found
from claw_lsp.facts.checkpoint import Kept, Mode, Taken
from claw_lsp.facts.fault import CheckpointError

logger = logging.getLogger(__name__)

MOST = 200
"""Checkpoints of one session: those before and after 100 prompts."""

ABANDONED = 3_600.0
"""Seconds after which nobody is still taking a checkpoint."""

SETTLED = 0.1
"""Seconds after which a file that changes has another time on it."""

_MODES: Mapping[Mode, str] = {"file": "100644", "executable": "100755", "link": "120000"}
_Stamp = tuple[int, int, int, int]
T = TypeVar("T")


class GitCheckpoints:
    """Fills the port Checkpoints.

    `search_path` is where git is looked for, outside of all roots that it was given.
    Invariant: nothing but `store` is written to, apart from what
    `put` is asked to write.
    """

    def __init__(self, store: Path, search_path: str, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._path = search_path
        self._roots: set[str] = set()
        self._alone = asyncio.Lock()
        self._known: dict[str, tuple[_Stamp, str]] = {}
        self._skipped: dict[str, str] = {}

    async def take(
        self, session: str, roots: Iterable[str], texts: Mapping[str, str], apart: Iterable[str] = ()
    ) -> Taken:
        folders = tuple(dict.fromkeys(roots))
        self._roots.update(folders)
        others = (*apart, str(self._store.parent), str(self._store))
        try:
            async with self._alone:
                return await self._work(lambda run: self._take(run, session, folders, texts, others))
        except CheckpointError as error:
            said = f"No checkpoint: {error} Only the agent's own edits can be taken back."
            return Taken(left_out=(said,), unsaved=tuple(texts))

    async def settled(self) -> None:
        async with self._alone:
            return

    async def changed(self, before: str, after: str) -> tuple[str, ...]:
        def differing(run: Commands) -> tuple[str, ...]:
            names = run.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after)
            return tuple(f"/{it}" for it in lines(names))

        return await self._work(differing)

    async def read(self, checkpoint: str, paths: Iterable[str]) -> Mapping[str, Kept]:
        wanted = frozenset(paths)
        return await self._work(lambda run: _read(run, checkpoint, wanted))

    async def now(self, paths: Iterable[str]) -> Mapping[str, Kept]:
        return await asyncio.to_thread(now, tuple(paths), LARGEST)

    async def put(self, path: str, kept: Kept | None, expected: Kept | None) -> bool:
        return await asyncio.to_thread(put, path, kept, expected)

    async def tidy(self, paths: Iterable[str], roots: Iterable[str]) -> None:
        await asyncio.to_thread(tidy, tuple(paths), tuple(roots))

    async def forget(self, sessions: Iterable[str]) -> None:
        if not (gone := tuple(sessions)):
            return
        try:
            await self._work(lambda run: _forget(run, gone))
        except CheckpointError as error:
            logger.info("Checkpoints of deleted sessions are still there: %s", error)

    async def _work(self, do: Callable[[Commands], T]) -> T:
        """Done in a thread; git ends when this is cancelled."""
        run = Commands(self._store, await asyncio.to_thread(found, "git", self._path, tuple(self._roots)))
        try:
            return await asyncio.to_thread(do, run)
        except asyncio.CancelledError:
            run.stop()
            raise

    def _take(
        self, run: Commands, session: str, roots: Sequence[str], texts: Mapping[str, str], apart: tuple[str, ...]
    ) -> Taken:
        run.make_store()
        with tempfile.TemporaryDirectory(dir=self._store, prefix="taking-") as place:
            files: Listed = {}
            left_out: list[str] = []
            for root in roots:
                some, said = self._listed(run, root, Path(place), apart)
                files |= some
                left_out += said
            inside = {path: text for path, text in texts.items() if any(path.startswith(f"{it}/") for it in roots)}
            tree = self._tree(run, files, inside, Path(place))
        run.run("update-ref", f"refs/claw/{UUID(session)}/{time.time_ns():020d}", tree)
        try:
            _prune(run, self._store, session, self._most)
        except (CheckpointError, OSError) as error:
            logger.info("Old checkpoints are still there: %s", error)
        return Taken(checkpoint=tree, left_out=tuple(left_out), unsaved=tuple(inside))

    def _listed(self, run: Commands, root: str, place: Path, apart: tuple[str, ...]) -> tuple[Listed, tuple[str, ...]]:
        """A root that was too much for us once is not listed again, since that takes its time."""
        if root in self._skipped:
            return {}, (self._skipped[root],)
        if not Path(root).is_dir():
            return {}, ()
        try:
            files, said = listed(run, root, place / "nothing", apart)
        except CheckpointError as error:
            files, said = {}, (f"{root} is not covered: {error}",)
        if said and not files:
            self._skipped[root] = said[0]
        return files, said

    def _tree(self, run: Commands, files: Listed, texts: Mapping[str, str], place: Path) -> str:
        """The tree of these files. What git forgot meanwhile is kept anew."""
        for attempt in range(3):
            try:
                entries = [(*it, "100644") for it in self._texts(run, texts, place)]
                over = {path for path, _, _ in entries}
                named = self._named(run, {it: about for it, about in files.items() if it not in over}, place)
                entries += [(path, oid, _mode(files[path])) for path, oid in named.items()]
                given = b"".join(
                    f"{mode} {oid}\t".encode() + os.fsencode(path.lstrip("/")) + b"\0" for path, oid, mode in entries
                )
                index = place / f"index-{attempt}"
                run.run("update-index", "-z", "--index-info", given=given, index=index)
                return run.run("write-tree", index=index).decode().strip()
            except CheckpointError:
                # A file that went away while it was read, or one that we took for kept: look again.
                self._known.clear()
                files = {it: os.lstat(it) for it in files if os.path.lexists(it)}
                if attempt == 2:
                    raise
        raise CheckpointError("the files kept changing.")

    def _texts(self, run: Commands, texts: Mapping[str, str], place: Path) -> list[tuple[str, str]]:
        sources = [_written(place / f"text-{n}", it.encode("utf-8", "replace")) for n, it in enumerate(texts.values())]
        return list(zip(texts, _hashed(run, sources), strict=True))

    def _named(self, run: Commands, files: Listed, place: Path) -> dict[str, str]:
        """The name of each file's content; only what is new or changed is read."""
        stamps = {path: _stamp(about) for path, about in files.items()}
        unread = [path for path in files if self._known.get(path, (None, ""))[0] != stamps[path]]
        began = time.time()
        sources = [
            _written(place / f"link-{n}", os.fsencode(os.readlink(path)))  # noqa: PTH115
            if stat.S_ISLNK(files[path].st_mode)
            else path
            for n, path in enumerate(unread)
        ]
        names = {path: self._known[path][1] for path in files if path in self._known}
        for path, oid in zip(unread, _hashed(run, sources), strict=True):
            names[path] = oid
            with suppress(OSError):
                # What changed while it was read, or so shortly before that its time would stay the same, is read again.
                if _stamp(os.lstat(path)) == stamps[path] and files[path].st_mtime < began - SETTLED:
                    self._known[path] = (stamps[path], oid)
                    continue
            self._known.pop(path, None)
        return names


def _hashed(run: Commands, sources: Sequence[str]) -> list[str]:
    given = b"".join(b'"' + _quoted(os.fsencode(it)) + b'"\n' for it in sources)
    if not sources:
        return []
    return run.run("hash-object", "-w", "--no-filters", "--stdin-paths", given=given).decode().split()


def _quoted(path: bytes) -> bytes:
    return path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def _written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def _stamp(about: os.stat_result) -> _Stamp:
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _mode(about: os.stat_result) -> str:
    if stat.S_ISLNK(about.st_mode):
        return _MODES["link"]
    return _MODES["executable" if about.st_mode & stat.S_IXUSR else "file"]


def _read(run: Commands, checkpoint: str, wanted: frozenset[str]) -> Mapping[str, Kept]:
    entries: list[tuple[str, Mode, str]] = []
    modes: Mapping[str, Mode] = {number: mode for mode, number in _MODES.items()}
    for line in run.run("ls-tree", "-r", "-z", "--full-tree", checkpoint).split(b"\0"):
        about, _, name = line.partition(b"\t")
        if (path := f"/{os.fsdecode(name)}") in wanted:
            number, _, oid = about.decode().split(" ")
            entries.append((path, modes[number], oid))
    if not entries:
        return {}
    output = run.run("cat-file", "--batch", given="".join(f"{oid}\n" for _, _, oid in entries).encode())
    kept: dict[str, Kept] = {}
    at = 0
    for path, mode, _ in entries:
        head = output.index(b"\n", at)
        size = int(output[at:head].rpartition(b" ")[2])
        kept[path] = Kept(output[head + 1 : head + 1 + size], mode)
        at = head + size + 2
    return kept


def _prune(run: Commands, store: Path, session: str, most: int) -> None:
    """The oldest of a session go, and what a crash left; what only they held goes with the next clean-up."""
    for left in store.glob("taking-*"):
        if left.stat().st_mtime < time.time() - ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    refs = _refs(run, session)
    if len(refs) > most:
        _drop(run, refs[:-most])
        run.run("gc", "--auto", "--quiet")


def _forget(run: Commands, sessions: Sequence[str]) -> None:
    if not run.has_store:
        return
    _drop(run, [ref for it in sessions for ref in _refs(run, it)])
    run.run("gc", "--quiet")


def _refs(run: Commands, session: str) -> list[str]:
    return run.run("for-each-ref", "--format=%(refname)", f"refs/claw/{UUID(session)}/").decode().split()


def _drop(run: Commands, refs: Sequence[str]) -> None:
    if refs:
        run.run("update-ref", "--stdin", given="".join(f"delete {it}\n" for it in refs).encode())
