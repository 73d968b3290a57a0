"""CLAW.md, CLAUDE.md, AGENTS.md, the files of `rules` folders and the agent's notes: which hold here, and what they say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pathspec import GitIgnoreSpec

from claw_lsp.adapters import frontmatter
from claw_lsp.adapters.instruction_text import imports, without_comments
from claw_lsp.adapters.settings.files import read_start
from claw_lsp.adapters.settings.managed import MANAGED, fault
from claw_lsp.core import memory
from claw_lsp.core.approvals import item
from claw_lsp.core.policy import notes
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.instructions import Around, FoundInstructions, Instructions, Origin
from claw_lsp.facts.text import digest
from claw_lsp.facts.trust import Item

MAX_FILE, MAX_TOTAL, MAX_FILES, MAX_HOPS = 40_000, 120_000, 60, 4

INSTALLED = frozenset(
    "node_modules bower_components site-packages dist-packages vendor third_party .venv venv .tox .git".split()
)
"""Folders whose files others wrote, and which never instruct."""
_RULES = (".claude/rules", ".claw/rules")
_NAMES = ("CLAUDE.md", ".claude/CLAUDE.md", "CLAW.md", ".claw/CLAW.md")
_LOCAL = ("CLAUDE.local.md", "CLAW.local.md")

Signature = tuple[int, int, int, int] | None
"""What tells that a file or folder is as it was; None for one that is not there."""


def _nothing(folder: str, it: Item) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what holds everywhere lies. `managed` are folders of whoever runs the machine, whose files only root or `owner`
    may be able to write; `approved` says whether the person let a folder's files have this (a file of elsewhere that they
    import)."""

    home: str
    claw_home: str
    managed: tuple[str, ...] = MANAGED
    owner: int = 0
    approved: Callable[[str, Item], bool] = _nothing


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found. It is the same again while `witnesses` (every file that was read and every folder that was looked
    into) are as they were. `outside` are the imports that wait for the person's word."""

    found: FoundInstructions
    guides: tuple[Guide, ...]
    witnesses: dict[str, Signature]
    outside: tuple[Item, ...] = ()


def find(sources: Sources, around: Around) -> Looked:
    """Every instruction file that holds for a session from its beginning, its notes last; never raises for a file.

    A project's file is followed, and imports, no further than its own folder or the workspace folder around it, but for
    what the person approved. Reads the disk.
    """
    search = _search(sources, around)
    for folder in sources.managed:
        _take_managed(search, Path(folder))
    home, claw_home, cwd = Path(sources.home), Path(sources.claw_home), Path(around.folder)
    for path in (home / ".claude" / "CLAUDE.md", claw_home / "CLAW.md"):
        search.witness(path)
        _take(search, _Wanted(path, "user", None))
    for rules in (home / ".claude" / "rules", claw_home / "rules"):
        _take_rules(search, rules, _Wanted(cwd, "user", None))
    for folder in (*reversed(cwd.parents), cwd):
        root = _root_around(folder, around.roots)
        if root is None and not _own(folder):
            _notice_skipped(search, folder)
            continue
        bound = root or os.path.realpath(folder)
        _take_folder(search, folder, bound)
        for name in _RULES:
            _take_rules(search, folder / name, _Wanted(folder, "project", bound))
    if around.settings.auto_memory:
        chosen = around.settings.memory_directory
        for kept in notes.folders(around.folder, sources.home, sources.claw_home, chosen):
            search.witness(Path(kept, memory.FILE))
            _take(search, _Wanted(Path(kept, memory.FILE), "memory", None))
    return search.looked()


def below(folder: str, sources: Sources, around: Around) -> Looked:
    """What holds for files of a folder of the workspace beside what `find` found: the files of the folders on the way to it,
    and every rule with `paths`. Nothing for what was installed. Reads the disk."""
    search = _search(sources, around)
    search.always, search.some = False, True
    root = _root_around(Path(folder), around.roots)
    if root is None or not INSTALLED.isdisjoint(Path(folder).parts) or not Path(folder).is_dir():
        search.witness(Path(folder))
        return search.looked()
    for rules in (Path(sources.home) / ".claude" / "rules", Path(sources.claw_home) / "rules"):
        _take_rules(search, rules, _Wanted(Path(root), "user", None))
    here = Path(around.folder)
    for each in (*reversed(Path(folder).parents), Path(folder)):
        if not _within(os.path.realpath(each), root):
            continue
        search.always = each != here and each not in here.parents
        if search.always:
            _take_folder(search, each, root)
        for name in _RULES:
            _take_rules(search, each / name, _Wanted(each, "project", root))
    return search.looked()


def signature(path: str) -> Signature:
    """What tells of a change of a file or folder. A file that comes or goes changes its folder's."""
    try:
        it = Path(path).stat()
    except OSError:
        return None
    return it.st_mtime_ns, it.st_ctime_ns, it.st_size, it.st_ino


def may_instruct(path: str) -> bool:
    """Whether a file may hold instructions by itself, by its name and place."""
    folder, _, name = path.rpartition("/")
    named = (*_NAMES, *_LOCAL, "AGENTS.md", memory.FILE)
    return name in named or (name.endswith(".md") and "/rules/" in f"{folder}/")


@dataclass(frozen=True, slots=True)
class Guide:
    """Instructions, and of which files below `base` they speak: all where they name no `paths` (as in .gitignore)."""

    instructions: Instructions
    base: str

    def speaks_of(self, path: str) -> bool:
        """Whether it holds for this file, by its absolute path."""
        if not self.instructions.paths:
            return True
        below = self.base.rstrip("/") + "/"
        return path.startswith(below) and _patterns(self.instructions.paths).match_file(path.removeprefix(below))


@lru_cache(maxsize=256)
def _patterns(paths: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(paths)


@dataclass(slots=True)
class _Search:
    """One search: what it was asked and what it found so far. `size` counts characters; `seen` are real paths."""

    sources: Sources
    around: Around
    excludes: GitIgnoreSpec
    files: list[Instructions] = field(default_factory=list[Instructions])
    notices: list[str] = field(default_factory=list[str])
    seen: set[str] = field(default_factory=set[str])
    size: int = 0
    guides: list[Guide] = field(default_factory=list[Guide])
    witnesses: dict[str, Signature] = field(default_factory=dict[str, Signature])
    outside: list[Item] = field(default_factory=list[Item])
    waiting: list[str] = field(default_factory=list[str])
    always: bool = True
    """Whether rules that speak of all files are wanted."""
    some: bool = False
    """Whether rules that speak of some files are wanted."""

    def witness(self, path: Path) -> None:
        """Noted before it is read: what is changed while we read is then seen as a change."""
        self.witnesses.setdefault(str(path), signature(str(path)))

    def looked(self) -> Looked:
        found = FoundInstructions(tuple(self.files), tuple(self.notices), tuple(self.waiting))
        return Looked(found, tuple(self.guides), self.witnesses, tuple(self.outside))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that may hold instructions. `bound` is the folder it must really lie in, None for the person's own."""

    path: Path
    origin: Origin
    bound: str | None
    hops: int = 0
    rules_of: Path | None = None
    """The folder whose rule this is; None for what is no rule."""
    by: str = ""
    """The file that imports it, "" for none."""


def _search(sources: Sources, around: Around) -> _Search:
    return _Search(sources, around, GitIgnoreSpec.from_lines(around.settings.memory_excludes))


def _take_managed(search: _Search, folder: Path) -> None:
    """The files of whoever runs the machine, if nobody else can have written them."""
    for name in ("CLAUDE.md", "CLAW.md"):
        search.witness(folder / name)
        if not os.path.lexists(folder / name):
            continue
        if why := fault(folder / name, search.sources.owner):
            search.notices.append(f"{folder / name} was not read: {why}")
        else:
            _take(search, _Wanted(folder / name, "managed", None))


def _take_folder(search: _Search, folder: Path, bound: str) -> None:
    for each in (folder, folder / ".claude", folder / ".claw"):
        search.witness(each)
    named = [_take(search, _Wanted(folder / name, "project", bound)) for name in _NAMES]
    if not any(named):
        _take(search, _Wanted(folder / "AGENTS.md", "project", bound))
    for name in _LOCAL:
        _take(search, _Wanted(folder / name, "local", bound))


def _take_rules(search: _Search, rules: Path, of: _Wanted) -> None:
    """The rules in a folder; `of` names the folder they speak of."""
    search.witness(rules)
    unsaved = {Path(it) for it in search.around.unsaved if it.endswith(".md") and rules in Path(it).parents}
    if not rules.is_dir() and not unsaved:
        return
    for path in islice(sorted({*rules.rglob("*.md"), *unsaved}), MAX_FILES):
        for folder in path.parents[: len(path.parents) - len(rules.parents) - 1]:
            search.witness(folder)
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
    search.witness(folder)
    for name in (*_NAMES, "AGENTS.md", *_LOCAL):
        if os.path.lexists(folder / name):
            search.notices.append(f"{folder / name} was not read: others than you can write to {folder}.")


def _take(search: _Search, wanted: _Wanted) -> bool:
    """Add the file and what it imports. Answers whether there was such a file, told or not."""
    path = str(wanted.path)
    unsaved = search.around.unsaved.get(path)
    if unsaved is None and not os.path.lexists(path):
        return False
    real = os.path.realpath(path)
    if real in search.seen:
        return True
    if wanted.origin != "managed" and search.excludes.match_file(path.lstrip("/")):
        return True
    search.seen.add(real)
    search.witness(wanted.path)
    if not _may_read(search, wanted, real):
        return True
    unsaved = unsaved if unsaved is not None else search.around.unsaved.get(real)
    text = unsaved if unsaved is not None else _text(search, wanted, real)
    if text is None:
        return True
    named = digest(text)
    text = _cut(search, wanted, text)
    paths: tuple[str, ...] = ()
    if wanted.rules_of is not None:
        front, text = frontmatter.split(text)
        paths = frontmatter.texts(front, "paths")
        if not (search.some if paths else search.always):
            return True
    text = without_comments(text).strip()
    _tell(search, wanted, Instructions(path, wanted.origin, text, named, wanted.by, paths))
    return True


def _may_read(search: _Search, wanted: _Wanted, real: str) -> bool:
    """Whether the file may speak, be it from the disk or from a buffer; else a notice says why not."""
    if wanted.bound is None:
        return True
    inside = _within(real, wanted.bound)
    if not inside and not wanted.by:
        search.notices.append(f"{wanted.path} leads out of {wanted.bound}, to {real}, so it was not read.")
        return False
    if _SECRET.search(Path(real).name):
        search.notices.append(f"{wanted.path} may hold secrets, so it was not read.")
        return False
    return inside or _let_out(search, wanted, real)


def _text(search: _Search, wanted: _Wanted, real: str) -> str | None:
    """What the file says on disk, from its beginning to behind its limit; None, and a notice, where it cannot be read."""
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
    return found.decode("utf-8-sig", "replace")


def _let_out(search: _Search, wanted: _Wanted, real: str) -> bool:
    """Whether a project's file may import what lies elsewhere: if the person said so."""
    search.witness(Path(search.sources.claw_home, "trust.json"))
    asked = item(f"instructions from {real}", real, wanted.by)
    restricted = search.around.settings.restricted
    if not restricted and search.sources.approved(search.around.folder, asked):
        return True
    search.outside.append(asked)
    when = "the editor trusts the workspace and you approve it" if restricted else "you approve it"
    search.waiting.append(
        f"{wanted.by} imports {real}, which lies outside of {wanted.bound}: it was not read, and is once {when} (claw.trust)."
    )
    return False


def _cut(search: _Search, wanted: _Wanted, text: str) -> str:
    """The text within the limit of one file."""
    if wanted.origin == "memory":
        shown = memory.beginning(text)
        if len(shown) < len(text):
            search.notices.append(
                f"{wanted.path} is told to its line {shown.count(chr(10))} only: at most {memory.MOST_LINES} lines and"
                f" {memory.MOST_BYTES} bytes are."
            )
        return shown
    if len(text) <= MAX_FILE and len(text.encode("utf-8", "replace")) <= MAX_FILE:
        return text
    cut = text.encode("utf-8", "replace")[:MAX_FILE]
    cut = cut.rpartition(b"\n")[0] or cut
    search.notices.append(f"{wanted.path} was cut after {len(cut)} bytes; keep instructions short.")
    return cut.decode("utf-8", "ignore")


def _tell(search: _Search, wanted: _Wanted, told: Instructions) -> None:
    """Add the text within the limits, then the files it imports."""
    text = told.text
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
    told = replace(told, text=text)
    search.files.append(told)
    search.guides.append(Guide(told, str(wanted.rules_of or wanted.path.parent)))
    if wanted.origin != "memory":
        _import(search, wanted, imports(text))


def _import(search: _Search, importer: _Wanted, names: Iterable[str]) -> None:
    for name in names:
        base, rest = (Path(search.sources.home), name[2:]) if name.startswith("~/") else (importer.path.parent, name)
        path = Path(os.path.normpath(base / rest))
        if importer.hops >= MAX_HOPS:
            search.notices.append(
                f"{importer.path} imports {name}, which is more than {MAX_HOPS} files deep; left out."
            )
            continue
        search.witness(path)
        hops = importer.hops + 1
        there = _take(search, _Wanted(path, importer.origin, importer.bound, hops, by=str(importer.path)))
        if not there and (name.endswith(".md") or name.startswith(("./", "../", "~/", "/"))):
            search.notices.append(f"{importer.path} imports {name}, but there is no {path}.")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


_SECRET = re.compile(
    r"(?i)^\.env|^\.netrc$|^\.npmrc$|^\.pypirc$|^\.git-credentials$|^id_(rsa|dsa|ecdsa|ed25519)|"
    r"^credentials(\.|$)|^secrets?\.(json|ya?ml|toml|ini)$|\.(pem|key|p12|pfx|jks|kdbx)$"
)
