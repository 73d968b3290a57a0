"""What a confined command finds on the disk: what it may write, what it only reads, what is hidden, what may not come to be.

Looked up anew for each command, since files come and go. The order of the mounts is by depth: the most specific path wins.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from claw_lsp.adapters.sandbox.names import (
    CALLED,
    ENV_FILE,
    FREE,
    GIT,
    MADE_OF_GIT,
    PROTECTED_FILES,
    PROTECTED_FOLDERS,
    SECRETS,
    SYSTEM,
)
from claw_lsp.core.policy.paths import inside, protected
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.sandbox import SandboxSettings
from claw_lsp.facts.scene import Ground

Kind = Literal["write", "read", "hide"]
_STRICT = ("write", "read", "hide")
_DEPTH, _N_FOLDERS, _N_MATCHES, _LONGEST = 3, 300, 200, 1 << 18


@dataclass(frozen=True, slots=True)
class Mount:
    """What happens to one path, links followed; below it, too, but for what a deeper mount says."""

    path: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands, for as long as the command runs, where something protected does not exist: an empty folder, or a file with
    a text that says nothing."""

    path: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The mounts in the order they are made, what must be made on the disk before, and where the command starts. `known` are
    the protected paths that there were before."""

    cwd: str
    roots: tuple[str, ...]
    mounts: tuple[Mount, ...]
    placeholders: tuple[Placeholder, ...] = ()
    known: frozenset[str] = frozenset()


def lay_out(settings: SandboxSettings, ground: Ground, claw_home: str, own: Iterable[str]) -> Layout:
    """The layout for one command; `own` are folders of this program, which nobody may write. Reads the disk.

    Raises ToolError where the workspace is such that no walls could hold.
    """
    roots = _roots(ground)
    written = [*roots, *(it for it in _opened(settings.sandbox_write, ground) if os.path.exists(it))]
    forbidden = _paths(settings.sandbox_no_write, ground)
    opened = [it for it in written if not any(inside(it, (no,)) for no in forbidden)]
    mounts = [Mount(it, "write") for it in opened]
    mounts += [Mount(it, "read") for it in forbidden if os.path.exists(it)]
    mounts += [Mount(it, "read") for it in map(os.path.realpath, own) if inside(it, opened)]
    placeholders: list[Placeholder] = []
    allowed = set(_paths(settings.sandbox_write, ground, follow=False))
    known: set[str] = set()
    for root in roots:
        below = list(_below(root))
        known |= {it for it in below if _named_so(it)}
        for it in _guarded(root, allowed, below):
            match it:
                case Mount():
                    mounts.append(it)
                case Placeholder():
                    placeholders.append(it)
        if settings.sandbox_hides_env:
            mounts += [Mount(os.path.realpath(it), "hide") for it in below if ENV_FILE.search(it)]
    for it in _notes(ground, opened):
        mounts += [it] if isinstance(it, Mount) else []
        placeholders += [it] if isinstance(it, Placeholder) else []
    mounts += _hidden(settings, ground, claw_home, opened)
    ordered = sorted(dict.fromkeys(mounts), key=lambda it: (_depth(it.path), it.path, _STRICT.index(it.kind)))
    return Layout(os.path.realpath(ground.here), roots, tuple(ordered), tuple(placeholders), frozenset(known))


def planted(layout: Layout) -> tuple[str, ...]:
    """Protected paths that are there now and were not before: what other programs run or obey. Where they were missing below
    the top of the workspace nothing kept a command from making them."""
    stand_in = {it.path for it in layout.placeholders}
    found = {it for root in layout.roots for it in _below(root) if _named_so(it)}
    return tuple(sorted(found - layout.known - stand_in))


def _named_so(path: str) -> bool:
    return protected(path[path.rindex("/") :])


def _roots(ground: Ground) -> tuple[str, ...]:
    """The folders that may be written. Raises ToolError for one so wide that nothing would be left to hold."""
    home = os.path.realpath(ground.home) if ground.home else ""
    if led := next((it for it in ground.roots if _astray(it, ground)), None):
        raise ToolError(f"{led} leads by a link to {os.path.realpath(led)}, out of a folder where commands make links.")
    roots = tuple(dict.fromkeys(os.path.realpath(it) for it in ground.roots if os.path.isdir(it)))
    for root in roots:
        if (home and inside(home, (root,))) or root in SYSTEM or inside(root, ("/proc", "/sys", "/dev", "/etc")):
            raise ToolError(
                f"The workspace folder {root} is too wide for a sandbox: it holds your home or the system itself. "
                "Open the folder of one project."
            )
    return roots


def _astray(path: str, ground: Ground) -> bool:
    """Whether a path lies in a folder which commands may write and leads out of it by a link: a command may have made that
    link, so that the next one could write or read there."""
    holders = {it for root in ground.roots for it in (root, os.path.realpath(root))}
    real = os.path.realpath(path)
    return any(inside(path, (it,)) and not inside(real, (os.path.realpath(it),)) for it in holders)


def _opened(named: Iterable[str], ground: Ground) -> list[str]:
    """Where the paths lead that settings open; those that a command may have led elsewhere are left out."""
    return [os.path.realpath(it) for it in _paths(named, ground, follow=False) if not _astray(it, ground)]


def _guarded(root: str, allowed: set[str], below: list[str]) -> Iterator[Mount | Placeholder]:
    """What of a root is protected, whether or not it exists; the paths that the person allows by name are left out."""
    for name in (*PROTECTED_FOLDERS, *PROTECTED_FILES):
        path = f"{root}/{name}"
        if path in allowed:
            continue
        if os.path.islink(path):
            raise ToolError(
                f"{path} is a link, which a sandbox cannot hold in place. Make it a file or folder of its own, or name "
                "it in sandbox.filesystem.allowWrite if commands may change it."
            )
        # A folder in a file's place, too: git passes empty folders by, in `status` as in `add`.
        if absent(missing := Placeholder(path)):
            yield missing
        elif name == ".git" and os.path.isdir(path):
            yield from _git(path)
        else:
            yield Mount(path, "read")
    yield from (Mount(f"{root}/{it}", "write") for it in FREE if os.path.isdir(f"{root}/{it}"))
    for path in below:
        folder, _, name = path.rpartition("/")
        known = folder == root and name in (*PROTECTED_FOLDERS, *PROTECTED_FILES)
        if known or path in allowed or os.path.islink(path) or not _named_so(path):
            continue
        if path.endswith("/.git") and os.path.isdir(path):
            yield from _git(path)
        else:
            yield Mount(path, "read")


def _git(folder: str) -> Iterator[Mount | Placeholder]:
    """A repository's own folder: a mount of itself, so that it cannot be moved away, and in it what git runs."""
    parts = [f"{folder}/{it}" for it in GIT]
    if any(map(os.path.islink, parts)):
        yield Mount(folder, "read")
        return
    yield Mount(folder, "write")
    for path in parts:
        name = os.path.basename(path)
        if name in MADE_OF_GIT and absent(missing := Placeholder(path, MADE_OF_GIT[name])):
            yield missing
        elif os.path.exists(path):
            yield Mount(path, "read")
    yield from _called(folder)


def _called(folder: str) -> Iterator[Mount | Placeholder]:
    """What of the work tree a repository's configuration makes git run or read as configuration."""
    try:
        with open(f"{folder}/config", encoding="utf-8", errors="replace") as file:
            text = file.read(_LONGEST)
    except OSError:
        return
    tree = os.path.dirname(folder)
    for key, value in CALLED.findall(text):
        for path in (os.path.normpath(os.path.join(it, value.strip())) for it in (tree, folder)):
            if inside(path, (tree,)) and path not in (tree, folder) and not os.path.islink(path):
                if os.path.exists(path):
                    yield Mount(path, "read")
                elif key.lower() == "hookspath" and not inside(path, (folder,)):
                    yield Placeholder(path)


def absent(it: Placeholder) -> bool:
    """Whether nothing is there, or what stands in for nothing: another command's placeholder."""
    if not os.path.lexists(it.path):
        return True
    if os.path.islink(it.path) or os.path.isdir(it.path) != (it.text is None):
        return False
    if it.text is None:
        return not os.listdir(it.path)
    with open(it.path, encoding="utf-8", errors="replace") as file:
        return file.read(64) == it.text


def _notes(ground: Ground, opened: list[str]) -> Iterator[Mount | Placeholder]:
    """The folder of the agent's notes where it lies in what may be written: no command writes there."""
    path = os.path.realpath(ground.notes) if ground.notes else ""
    if not path or not inside(path, opened):
        return
    while not os.path.isdir(os.path.dirname(path)):
        path = os.path.dirname(path)
    yield Mount(path, "read") if os.path.lexists(path) else Placeholder(path)


def _hidden(settings: SandboxSettings, ground: Ground, claw_home: str, opened: list[str]) -> Iterator[Mount]:
    """Keys, credentials and what the person hides; and what is shown again below that."""
    shown = _opened(settings.sandbox_read, ground)
    known = [it.replace("~", ground.home, 1) if it.startswith("~") else it for it in SECRETS]
    for path in {os.path.realpath(it) for it in (*known, claw_home)} - set(shown):
        if os.path.exists(path):
            yield Mount(path, "hide")
    for path in _paths(settings.sandbox_no_read, ground):
        if os.path.exists(path):
            yield Mount(path, "hide")
    # What a command printed beyond its limit is kept there, and the model is told to look.
    for path in (*shown, os.path.realpath(f"{claw_home}/output")):
        if os.path.exists(path):
            yield Mount(path, "write" if inside(path, opened) else "read")


def _below(root: str) -> Iterator[str]:
    """Entries that are protected or may be `.env` files, in the upper folders of a root; what is very large is not
    looked at whole."""
    folders, n_left = [(root, 0)], _N_FOLDERS
    while folders and n_left:
        folder, depth = folders.pop(0)
        n_left -= 1
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for it in entries:
            if protected(f"/{it.name}") or ENV_FILE.search(it.path):
                yield it.path
            elif depth < _DEPTH and it.name != "node_modules" and it.is_dir(follow_symlinks=False):
                folders.append((it.path, depth + 1))


def _paths(named: Iterable[str], ground: Ground, *, follow: bool = True) -> list[str]:
    """Absolute paths of what settings name, patterns filled in from the disk."""
    base = ground.roots[0] if ground.roots else ground.here
    found: list[str] = []
    for name in named:
        if name == "~" or name.startswith("~/"):
            name = ground.home + name[1:]
        path = os.path.normpath("/" + name.lstrip("/") if name.startswith("/") else os.path.join(base, name))
        found += glob.glob(path)[:_N_MATCHES] if glob.has_magic(path) else [path]
    return [os.path.realpath(it) for it in found] if follow else found


def _depth(path: str) -> int:
    return 0 if path == "/" else path.count("/")
