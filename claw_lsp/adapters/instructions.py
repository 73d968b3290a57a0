"""CLAW.md, CLAUDE.md, AGENTS.md and the files of `rules` folders: which are instructions here, and what they say.

Managed files are not read here.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pathspec import GitIgnoreSpec

from claw_lsp.adapters import frontmatter
from claw_lsp.adapters.settings.files import read_start
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.instructions import Instructions

MAX_FILE, MAX_TOTAL, MAX_FILES, MAX_HOPS = 40_000, 120_000, 60, 4

INSTALLED = frozenset(
    "node_modules bower_components site-packages dist-packages vendor third_party .venv venv .tox .git".split()
)
"""Folders whose files others wrote, and which never instruct."""
_RULES = (".claude/rules", ".claw/rules")
_NAMES = ("CLAUDE.md", ".claude/CLAUDE.md", "CLAW.md", ".claw/CLAW.md")
_LOCAL = ("CLAUDE.local.md", "CLAW.local.md")

Overlay = Callable[[str], str | None]
"""The text of an open, unsaved buffer by its path, or None. It is called from another thread: give it a snapshot."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files in the order in which they are told, the most general first, and what had to be left out."""

    files: tuple[Instructions, ...] = ()
    notices: tuple[str, ...] = ()


async def find(
    *,
    cwd: str,
    home: str,
    claw_home: str,
    roots: tuple[str, ...],
    excludes: tuple[str, ...] = (),
    overlay: Overlay | None = None,
) -> Found:
    """Every instruction file that holds for a working directory; never raises for a file.

    `roots` are the workspace folders: a project's file is followed, and imports, no further than its own folder or the
    workspace folder around it. `excludes` are patterns as in .gitignore, of absolute paths.
    """
    search = _Search(Path(home), roots, GitIgnoreSpec.from_lines(excludes), overlay or (lambda path: None))
    return await asyncio.to_thread(_find, search, Path(cwd), Path(claw_home))


def below(
    folder: str,
    *,
    cwd: str,
    home: str,
    claw_home: str,
    roots: tuple[str, ...],
    excludes: tuple[str, ...] = (),
    overlay: Overlay | None = None,
) -> tuple[Guide, ...]:
    """What holds for files of a folder of the workspace beside what `find` found for the working directory: the files of
    the folders on the way to it, and every rule with `paths`. Nothing for what was installed. Reads the disk."""
    search = _Search(Path(home), roots, GitIgnoreSpec.from_lines(excludes), overlay or (lambda path: None))
    search.always, search.some = False, True
    root = _root_around(Path(folder), roots)
    if root is None or not INSTALLED.isdisjoint(Path(folder).parts):
        return ()
    _take_rules(search, search.home / ".claude" / "rules", _Wanted(Path(root), "user", None))
    _take_rules(search, Path(claw_home) / "rules", _Wanted(Path(root), "user", None))
    here = Path(cwd)
    for each in (*reversed(Path(folder).parents), Path(folder)):
        if not _within(os.path.realpath(each), root):
            continue
        search.always = each != here and each not in here.parents
        if search.always:
            _take_folder(search, each, root)
        for name in _RULES:
            _take_rules(search, each / name, _Wanted(each, "project", root))
    return tuple(search.guides)


@dataclass(frozen=True, slots=True)
class Guide:
    """Instructions, and of which files below `base` they speak: all where `paths` (patterns as in .gitignore) is empty."""

    instructions: Instructions
    base: str
    paths: tuple[str, ...] = ()

    def speaks_of(self, path: str) -> bool:
        """Whether it holds for this file, by its absolute path."""
        if not self.paths:
            return True
        below = self.base.rstrip("/") + "/"
        return path.startswith(below) and _patterns(self.paths).match_file(path.removeprefix(below))


@lru_cache(maxsize=256)
def _patterns(paths: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(paths)


@dataclass(slots=True)
class _Search:
    """One search: what it was asked and what it found so far. `size` counts characters; `seen` are real paths."""

    home: Path
    roots: tuple[str, ...]
    excludes: GitIgnoreSpec
    overlay: Overlay
    files: list[Instructions] = field(default_factory=list[Instructions])
    notices: list[str] = field(default_factory=list[str])
    seen: set[str] = field(default_factory=set[str])
    size: int = 0
    guides: list[Guide] = field(default_factory=list[Guide])
    always: bool = True
    """Whether rules that speak of all files are wanted."""
    some: bool = False
    """Whether rules that speak of some files are wanted."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that may hold instructions. `bound` is the folder it must really lie in, None for the person's own."""

    path: Path
    origin: str
    bound: str | None
    hops: int = 0
    rules_of: Path | None = None
    """The folder whose rule this is; None for what is no rule."""


def _find(search: _Search, cwd: Path, claw_home: Path) -> Found:
    for path in (search.home / ".claude" / "CLAUDE.md", claw_home / "CLAW.md"):
        _take(search, _Wanted(path, "user", None))
    for rules in (search.home / ".claude" / "rules", claw_home / "rules"):
        _take_rules(search, rules, _Wanted(cwd, "user", None))
    for folder in (*reversed(cwd.parents), cwd):
        root = _root_around(folder, search.roots)
        if root is None and not _own(folder):
            _notice_skipped(search, folder)
            continue
        bound = root or os.path.realpath(folder)
        _take_folder(search, folder, bound)
        for name in _RULES:
            _take_rules(search, folder / name, _Wanted(folder, "project", bound))
    return Found(tuple(search.files), tuple(search.notices))


def _take_folder(search: _Search, folder: Path, bound: str) -> None:
    named = [_take(search, _Wanted(folder / name, "project", bound)) for name in _NAMES]
    if not any(named):
        _take(search, _Wanted(folder / "AGENTS.md", "project", bound))
    for name in _LOCAL:
        _take(search, _Wanted(folder / name, "local", bound))


def _take_rules(search: _Search, rules: Path, of: _Wanted) -> None:
    """The rules in a folder; `of` names the folder they speak of."""
    for path in islice(sorted(rules.rglob("*.md")), MAX_FILES) if rules.is_dir() else ():
        _take(search, replace(of, path=path, rules_of=of.path))


def _root_around(folder: Path, roots: tuple[str, ...]) -> str | None:
    """The outermost workspace folder around a folder, or None. Links are followed."""
    real = os.path.realpath(folder)
    return min((root for root in map(os.path.realpath, roots) if _within(real, root)), key=len, default=None)


def _own(folder: Path) -> bool:
    """Above the workspace, only folders of the person's own or of root speak: anybody may write into /tmp."""
    if os.name == "nt":
        return True
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid in (0, os.getuid()) and not status.st_mode & 0o002


def _notice_skipped(search: _Search, folder: Path) -> None:
    for name in (*_NAMES, "AGENTS.md", *_LOCAL):
        if os.path.lexists(folder / name):
            search.notices.append(f"{folder / name} was not read: others than you can write to {folder}.")


def _take(search: _Search, wanted: _Wanted) -> bool:
    """Add the file and what it imports. Answers whether there was such a file, told or not."""
    path = str(wanted.path)
    unsaved = search.overlay(path)
    if unsaved is None and not os.path.lexists(path):
        return False
    real = os.path.realpath(path)
    if real in search.seen:
        return True
    if search.excludes.match_file(path.lstrip("/")):
        return True
    search.seen.add(real)
    text = unsaved if unsaved is not None else _text(search, wanted, real)
    if text is None:
        return True
    paths: tuple[str, ...] = ()
    if wanted.rules_of is not None:
        front, text = frontmatter.split(text)
        paths = frontmatter.texts(front, "paths")
        if not (search.some if paths else search.always):
            return True
    _tell(search, wanted, _without_comments(text).strip(), paths)
    return True


def _text(search: _Search, wanted: _Wanted, real: str) -> str | None:
    """What the file says on disk, cut to its limit; None, and a notice, where it may not or cannot be read."""
    if wanted.bound is not None and not _within(real, wanted.bound):
        search.notices.append(f"{wanted.path} leads out of {wanted.bound}, to {real}, so it was not read.")
        return None
    if wanted.bound is not None and _SECRET.search(Path(real).name):
        search.notices.append(f"{wanted.path} may hold secrets, so it was not read.")
        return None
    try:
        found = read_start(Path(real), MAX_FILE)
    except ClawError as error:
        search.notices.append(str(error))
        return None
    if found is None:
        search.notices.append(f"{wanted.path} is a link to nothing.")
        return None
    if b"\0" in found:
        search.notices.append(f"{wanted.path} is not text, so it was not read.")
        return None
    if len(found) > MAX_FILE:
        found = found[:MAX_FILE].rpartition(b"\n")[0] or found[:MAX_FILE]
        search.notices.append(f"{wanted.path} was cut after {len(found)} bytes; keep instructions short.")
    return found.decode("utf-8-sig", "replace")


def _tell(search: _Search, wanted: _Wanted, text: str, paths: tuple[str, ...] = ()) -> None:
    """Add the text within the limits, then the files it imports."""
    if not text:
        return
    limit = MAX_TOTAL - search.size
    if limit <= 0 or len(search.files) >= MAX_FILES:
        search.notices.append(f"{wanted.path} was left out: there are too many instructions already.")
        return
    if len(text) > limit:
        text = text[:limit].rpartition("\n")[0] or text[:limit]
        search.notices.append(f"{wanted.path} was cut after {len(text)} characters: there are too many instructions.")
    search.size += len(text)
    told = Instructions(str(wanted.path), wanted.origin, text)
    search.files.append(told)
    search.guides.append(Guide(told, str(wanted.rules_of or wanted.path.parent), paths))
    for name in _imports(text):
        _import(search, wanted, name)


def _import(search: _Search, importer: _Wanted, name: str) -> None:
    base, rest = (search.home, name[2:]) if name.startswith("~/") else (importer.path.parent, name)
    path = Path(os.path.normpath(base / rest))
    if importer.hops >= MAX_HOPS:
        search.notices.append(f"{importer.path} imports {name}, which is more than {MAX_HOPS} files deep; left out.")
        return
    there = _take(search, _Wanted(path, importer.origin, importer.bound, importer.hops + 1))
    if not there and (name.endswith(".md") or name.startswith(("./", "../", "~/", "/"))):
        search.notices.append(f"{importer.path} imports {name}, but there is no {path}.")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


_SECRET = re.compile(
    r"(?i)^\.env|^\.netrc$|^\.npmrc$|^\.pypirc$|^\.git-credentials$|^id_(rsa|dsa|ecdsa|ed25519)|"
    r"^credentials(\.|$)|^secrets?\.(json|ya?ml|toml|ini)$|\.(pem|key|p12|pfx|jks|kdbx)$"
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_SPAN_OR_COMMENT = re.compile(f"{_SPAN.pattern}|{_COMMENT.pattern}", re.DOTALL)
_IMPORT = re.compile(r"(?:^|(?<=\s))@((?:\\ |[^\s`@<>\"'])+)", re.MULTILINE)


def _without_comments(text: str) -> str:
    """The text without HTML comments; those in code stay."""
    parts: list[str] = []
    for prose, code in _pieces(text):
        parts += (_SPAN_OR_COMMENT.sub(lambda it: "" if it.group().startswith("<!--") else it.group(), prose), code)
    return "".join(parts)


def _imports(text: str) -> Iterator[str]:
    """The paths after an @ that are not in code."""
    for prose, _ in _pieces(text):
        for match in _IMPORT.finditer(_SPAN.sub("` `", prose)):
            name = match.group(1).replace("\\ ", " ").rstrip(".,;:!?)")
            if name:
                yield name


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Prose and the fenced code after it, in turns; joined they are the text. A fence in a comment is no fence."""
    prose: list[str] = []
    code: list[str] = []
    fence = ""
    commented = False
    for line in text.splitlines(keepends=True):
        match = None if commented else _FENCE.match(line)
        if fence:
            code.append(line)
            if match and match.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                yield "".join(prose), "".join(code)
                prose, code, fence = [], [], ""
        elif match:
            fence = match.group(1)
            code.append(line)
        else:
            prose.append(line)
            for mark in re.findall("<!--|-->", _SPAN.sub("", line)):
                commented = mark == "<!--"
    yield "".join(prose), "".join(code)
