"""Files that change on disk, whichever way, with and without notices of the system. Every wait is for a state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from claw_lsp.adapters.watching import FileWatch

PATIENCE = 60.0


class Heard:
    """Every change of the watched files so far."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, ...]] = []
        self.named: set[str] = set()
        self._more = asyncio.Event()

    async def follow(self, changes: AsyncGenerator[tuple[str, ...]]) -> None:
        async for it in changes:
            self.changes.append(it)
            self.named |= {*it}
            self._more.set()

    async def of(self, path: Path) -> None:
        """Until this file changed after what was heard of it last."""
        async with asyncio.timeout(PATIENCE):
            while not any(str(path) in it for it in self.changes):
                self._more.clear()
                await self._more.wait()
        self.changes.clear()


@asynccontextmanager
async def watching(*paths: Path, notices: bool = True) -> AsyncGenerator[Heard]:
    """A watch that looked once: what happens from now on is heard."""
    heard, looked, loop = Heard(), asyncio.Event(), asyncio.get_running_loop()

    def files() -> tuple[str, ...]:
        loop.call_soon_threadsafe(looked.set)
        return tuple(map(str, paths))

    watch = FileWatch(patience=0.5, poll=0.05, notices=notices)
    task = asyncio.create_task(heard.follow(watch.changes(files)))
    await looked.wait()
    # The first look goes on in a thread: until a change of our own is heard, one made now may be part of it.
    async with asyncio.timeout(PATIENCE):
        while not heard.changes:
            paths[0].write_text(f"{asyncio.get_running_loop().time()}")
            await asyncio.sleep(0.05)
    await asyncio.sleep(0)
    heard.changes.clear()
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("notices", [True, False])
async def test_r21_created_changed_replaced_and_deleted_files_are_told_of(tmp_path: Path, notices: bool) -> None:
    known, new = tmp_path / "known.json", tmp_path / ".claw" / "deeper" / "settings.json"
    async with watching(known, new, notices=notices) as heard:
        known.write_text("changed by hand")
        await heard.of(known)
        other = tmp_path / "known.json.tmp"
        other.write_text("put in its place")
        other.replace(known)
        await heard.of(known)
        new.parent.mkdir(parents=True)
        new.write_text("there now")
        await heard.of(new)
        new.write_text("there still")
        await heard.of(new)
        known.unlink()
        await heard.of(known)


async def test_r21_what_a_link_leads_to_is_told_of_and_so_is_another_target(tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    first, second = elsewhere / "one.json", elsewhere / "two.json"
    first.write_text("1")
    second.write_text("22")
    link = tmp_path / "home" / "settings.json"
    link.parent.mkdir()
    link.symlink_to(first)
    async with watching(tmp_path / "home" / "known.json", link) as heard:
        first.write_text("changed")
        await heard.of(link)
        link.unlink()
        link.symlink_to(second)
        await heard.of(link)
        second.write_text("changed, too")
        await heard.of(link)


async def test_r21_a_flood_of_changes_is_told_in_few_words_and_its_end_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    async with watching(file) as heard:
        for n in range(500):
            file.write_text("x" * (n + 1))
        last = tmp_path / "settings.json"
        last.write_text("the end")
        async with asyncio.timeout(PATIENCE):
            while not heard.changes:
                await asyncio.sleep(0.01)
        assert len(heard.changes) < 250
        assert all(it == (str(file),) for it in heard.changes)


async def test_files_that_nobody_named_are_not_told_of(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    async with watching(file) as heard:
        (tmp_path / "other.json").write_text("x")
        file.write_text("and this one")
        await heard.of(file)
        assert heard.named == {str(file)}


@pytest.mark.parametrize("notices", [True, False])
async def test_what_happened_to_a_file_is_told_in_order(tmp_path: Path, *, notices: bool) -> None:
    known, file = tmp_path / "known", tmp_path / "file"
    known.write_text("")
    heard: list[tuple[str, str]] = []

    async def follow() -> None:
        watch = FileWatch(0.1, 0.02, notices=notices)
        async for happened in watch.happenings(lambda: [str(known), str(file)]):
            heard.extend(happened)

    async def told(path: Path, how: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while (str(path), how) not in heard:
                if path == known:
                    known.write_text(known.read_text() + "x")
                await asyncio.sleep(0.02)

    following = asyncio.create_task(follow())
    await told(known, "change")
    file.touch()
    await told(file, "add")
    file.write_text("changed")
    await told(file, "change")
    file.unlink()
    await told(file, "unlink")
    following.cancel()
    await asyncio.wait((following,))
    # A file that is written may be seen empty first, which is a change as well.
    assert list(dict.fromkeys(how for path, how in heard if path == str(file))) == ["add", "change", "unlink"]
