"""Single files of the disk as a checkpoint means them: looked at and put back whole, links never followed."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path

from claw_lsp.facts.checkpoint import Kept


def now(paths: Iterable[str], most: int) -> dict[str, Kept]:
    """What is there, of files up to so many bytes."""
    return {path: kept for path in paths if (kept := _now(path, most)) is not None}


def put(path: str, kept: Kept | None, expected: Kept | None) -> bool:
    """See the port."""
    most = len(expected.data) if expected else 0
    try:
        if os.path.lexists(path) != (expected is not None) or _now(path, most) != expected:
            return False
        if Path(path).parent.resolve() != Path(path).parent:
            return False
        if kept is None:
            Path(path).unlink(missing_ok=True)
            return True
        _put(Path(path), kept)
    except OSError:
        return False
    return True


def tidy(paths: Iterable[str], roots: Iterable[str]) -> None:
    """See the port."""
    for path, root in product(paths, roots):
        for folder in Path(path).parents:
            if not folder.is_relative_to(root) or folder == Path(root) or folder.resolve() != folder:
                break
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                break


def _now(path: str, most: int) -> Kept | None:
    with suppress(OSError):
        about = os.lstat(path)
        if stat.S_ISLNK(about.st_mode):
            return Kept(os.fsencode(os.readlink(path)), "link")  # noqa: PTH115
        if stat.S_ISREG(about.st_mode) and about.st_size <= most:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return Kept(file.read(), "executable" if about.st_mode & stat.S_IXUSR else "file")
    return None


def _put(path: Path, kept: Kept) -> None:
    """Beside it first, then in its place: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".claw-") as place:
        new = Path(place) / "new"
        if kept.mode == "link":
            os.symlink(kept.data, os.fsencode(new))  # noqa: PTH211
        else:
            descriptor = os.open(
                new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777 if kept.mode == "executable" else 0o666
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(kept.data)
                file.flush()
                os.fsync(descriptor)
            _as_before(path, new, kept)
        new.replace(path)


def _as_before(path: Path, new: Path, kept: Kept) -> None:
    """Who may do what stays as it was; whoever may read a program may run it."""
    with suppress(OSError):
        about = os.lstat(path)
        if stat.S_ISREG(about.st_mode):
            plain = stat.S_IMODE(about.st_mode) & 0o666
            new.chmod(plain | (plain & 0o444) >> 2 if kept.mode == "executable" else plain)
