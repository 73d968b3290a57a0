"""Writing files so that nothing is lost: whole or not at all, where it was meant to go, and only over what was read."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.adapters.disk.encoding import encoded
from claw_lsp.adapters.disk.opening import READ_FLAGS, faults_of, refuse_odd, unreal
from claw_lsp.adapters.disk.places import located
from claw_lsp.adapters.disk.reading import EDIT_LIMIT, bytes_of, document_of, measured
from claw_lsp.facts.fault import StaleDocument, ToolError
from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.text import Document

_HELD = os.open in os.supports_dir_fd
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_CREATE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Written:
    """What is on disk now; `notice` is a sentence about a side effect, else empty."""

    document: Document
    notice: str = ""


def write_document(document: Document, text: str) -> Written:
    """Replace the file that `document` was read from. Mode, owner, encoding and mark are kept, links written through.

    Raises StaleDocument when the file no longer holds exactly what was read, ToolError when it cannot be written;
    nothing is written then.
    """
    place = located(document.path)
    data = _fit(place.path, encoded(text, document.encoding))
    with faults_of(place.path), _folder(place, create=False) as folder:
        name = Path(place.target).name
        status = _refuse_changed(place, folder, name, document)
        _replace(folder, name, data, status)
    notice = (
        ""
        if status.st_nlink == 1
        else (f"{place.path} had {status.st_nlink} hard links; the file's other names keep the old text.")
    )
    return Written(document_of(place.path, data), notice)


def create_document(path: str, text: str) -> Written:
    """Create a file that does not exist, and the folders above it. Raises StaleDocument when it exists by now."""
    place = located(path)
    if unreal(place.target):
        raise ToolError(f"{place.path} lies in a file system that the kernel makes up; no file is created there.")
    data = _fit(place.path, encoded(text, "utf-8"))
    with faults_of(place.path), _folder(place, create=True) as folder:
        _create(place, folder, Path(place.target).name, data)
    return Written(document_of(place.path, data))


def _fit(path: str, data: bytes) -> bytes:
    if len(data) > EDIT_LIMIT:
        raise ToolError(f"{path} would have {measured(len(data))}; files over {measured(EDIT_LIMIT)} are not written.")
    return data


@dataclass(frozen=True, slots=True)
class _Folder:
    """A directory that stays the same one whatever happens to its path; without such descriptors, its path."""

    path: str
    descriptor: int | None

    def name(self, name: str) -> str:
        return name if self.descriptor is not None else str(Path(self.path) / name)


@contextmanager
def _folder(place: PlannedPath, *, create: bool) -> Generator[_Folder]:
    """The directory of the target, walked to without following a single link: all of them were followed before, so
    one that is met now was put there since (P06). Raises StaleDocument then."""
    parent = Path(place.target).parent
    if not _HELD:
        if create:
            parent.mkdir(parents=True, exist_ok=True)
        if os.path.realpath(parent) != str(parent):
            raise _moved(place, str(parent))
        yield _Folder(str(parent), None)
        return
    descriptor = os.open(parent.anchor, _FOLDER_FLAGS)
    try:
        for part in parent.parts[1:]:
            below = _step(place, descriptor, part, create=create)
            os.close(descriptor)
            descriptor = below
        yield _Folder(str(parent), descriptor)
    finally:
        os.close(descriptor)


def _step(place: PlannedPath, above: int, part: str, *, create: bool) -> int:
    try:
        return os.open(part, _FOLDER_FLAGS, dir_fd=above)
    except FileNotFoundError:
        if not create:
            raise
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=above)
        return os.open(part, _FOLDER_FLAGS, dir_fd=above)
    except OSError:
        # O_DIRECTORY with O_NOFOLLOW says "not a directory" or "loop" for a link, by system: look which it is.
        if stat.S_ISLNK(os.stat(part, dir_fd=above, follow_symlinks=False).st_mode):
            raise _moved(place, part) from None
        raise


def _moved(place: PlannedPath, part: str) -> StaleDocument:
    return StaleDocument(
        f"{place.path} no longer leads where it did: {part} became a link meanwhile. Nothing was written; "
        "look at the path again before writing."
    )


def _refuse_changed(place: PlannedPath, folder: _Folder, name: str, document: Document) -> os.stat_result:
    """The file's status. Raises StaleDocument unless it holds exactly the text and encoding that were read (R26)."""
    try:
        descriptor = os.open(folder.name(name), READ_FLAGS, dir_fd=folder.descriptor)
    except FileNotFoundError:
        raise StaleDocument(f"{place.path} was deleted since it was read. Nothing was written.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _moved(place, name) from None
        raise
    try:
        status = os.fstat(descriptor)
        refuse_odd(place.path, place.target, status)
        data = bytes_of(descriptor, EDIT_LIMIT)
    finally:
        os.close(descriptor)
    if len(data) > EDIT_LIMIT or data != encoded(document.text, document.encoding):
        raise StaleDocument(f"{place.path} changed since it was read. Nothing was written; read it again.")
    if not status.st_mode & 0o222:
        raise ToolError(
            f"{place.path} is read-only (mode {stat.S_IMODE(status.st_mode):o}). Nothing was written; "
            "ask the person whether it should be writable."
        )
    return status


def _replace(folder: _Folder, name: str, data: bytes, status: os.stat_result) -> None:
    """Put a new file in the place of the old one, with its mode, owner and extended attributes."""
    with _temporary(folder, name, data, 0o600) as (temporary, descriptor):
        _keep_status(descriptor, status, folder, name)
        os.fsync(descriptor)
        os.replace(temporary, folder.name(name), src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
    _sync(folder)


def _create(place: PlannedPath, folder: _Folder, name: str, data: bytes) -> None:
    """A new file that was not there before, appearing whole: linked to its name once it is on the disk."""
    with _temporary(folder, name, data, 0o666) as (temporary, descriptor):
        os.fsync(descriptor)
        try:
            os.link(temporary, folder.name(name), src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
        except FileExistsError:
            raise StaleDocument(
                f"{place.path} exists by now. Nothing was written; read it before changing it."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _create_in_place(folder, name, data)
    _sync(folder)


def _create_in_place(folder: _Folder, name: str, data: bytes) -> None:
    """The same on file systems without hard links, where a crash may leave a part of the file."""
    descriptor = os.open(folder.name(name), _CREATE_FLAGS, 0o666, dir_fd=folder.descriptor)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(folder: _Folder, name: str, data: bytes, mode: int) -> Generator[tuple[str, int]]:
    """A file beside `name` with this content, open; gone afterwards, unless it was renamed."""
    temporary = folder.name(f".{name[:60]}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, _CREATE_FLAGS, mode, dir_fd=folder.descriptor)
    try:
        _write_all(descriptor, data)
        yield temporary, descriptor
    finally:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder.descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _keep_status(descriptor: int, status: os.stat_result, folder: _Folder, name: str) -> None:
    if hasattr(os, "fchown"):
        with suppress(PermissionError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        old = os.open(folder.name(name), READ_FLAGS, dir_fd=folder.descriptor)
        try:
            for attribute in os.listxattr(old):
                with suppress(OSError):
                    os.setxattr(descriptor, attribute, os.getxattr(old, attribute))
        finally:
            os.close(old)


def _sync(folder: _Folder) -> None:
    """Make the new name durable; not every file system can."""
    with suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY, dir_fd=folder.descriptor) if _HELD else None
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
