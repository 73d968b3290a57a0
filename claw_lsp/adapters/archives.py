"""Archives that come from elsewhere, unpacked into a new folder: all of it, or nothing where an entry leads out."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from claw_lsp.facts.fault import ClawError

MOST_ENTRIES, MOST_BYTES = 10_000, 200_000_000
"""What one archive may hold when it is unpacked."""
_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or folder of an archive; `open` opens the file, None for a folder."""

    name: str
    size: int
    open: Callable[[], IO[bytes]] | None
    executable: bool = False


def unpack(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Unpack a zip or tar file into `folder`, which is not there yet. Files only: no links, devices, or names that are
    absolute, climb (`..`) or have a backslash. Raises ClawError, and then there is no folder. Blocking."""
    if os.path.lexists(folder):
        raise ClawError(f"{folder} is there already. Remove it first, or choose another place.")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = Path(mkdtemp(dir=folder.parent, prefix=".unpacking-"))
    try:
        with closing(_entries(archive)) as entries:
            _unpack(entries, place, most_bytes)
        place.rename(folder)
    except (*_UNREADABLE, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise ClawError(
            f"{archive.name} could not be unpacked: {error}. Get it anew, or ask where it came from."
        ) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _unpack(entries: Iterable[_Entry], place: Path, most_bytes: int) -> None:
    n_bytes = 0
    for n, entry in enumerate(entries, 1):
        path = place.joinpath(*_parts(entry.name))
        n_bytes += entry.size
        if n > MOST_ENTRIES or n_bytes > most_bytes:
            raise ClawError(
                f"The archive holds more than {MOST_ENTRIES} files or {most_bytes} bytes. Nothing was unpacked."
            )
        if entry.open is None:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        mode = 0o700 if entry.executable else 0o600
        with entry.open() as packed, os.fdopen(os.open(path, flags, mode), "wb") as file:
            # No more than the archive says of it: a file may claim to be small.
            content = packed.read(entry.size + 1)
            if len(content) > entry.size:
                raise ClawError(f"{entry.name!r} is larger than the archive says. Nothing was unpacked.")
            file.write(content)


def _parts(name: str) -> list[str]:
    """The pieces of an entry's name. Raises ClawError for one that could lead out of the folder, anywhere at all."""
    parts = name.rstrip("/").split("/")
    bad = {"", ".", ".."} & set(parts[0 if parts[0] != "." else 1 :])
    if name.startswith("/") or bad or "\\" in name or "\0" in name or ":" in parts[0] or not name.isprintable():
        raise ClawError(
            f"The archive has an entry {name[:200]!r}, which leads out of its folder. Nothing was unpacked."
        )
    return parts


def _entries(archive: Path) -> Generator[_Entry]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for it in opened.infolist():
                mode = it.external_attr >> 16
                kind = stat.S_IFMT(mode)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _no_file(it.filename)
                yield _Entry(
                    it.filename, it.file_size, None if it.is_dir() else partial(opened.open, it), bool(mode & 0o100)
                )
        return
    with tarfile.open(archive) as tar:
        for it in tar:
            if not (it.isreg() or it.isdir()):
                raise _no_file(it.name)
            yield _Entry(it.name, it.size, None if it.isdir() else partial(_opened, tar, it), bool(it.mode & 0o100))


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    if file is None:
        raise _no_file(member.name)
    return file


def _no_file(name: str) -> ClawError:
    return ClawError(f"The archive has a link or a device, {name[:200]!r}. Nothing was unpacked.")
