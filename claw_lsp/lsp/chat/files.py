"""Chat documents on disk: where they go, made without overwriting, replaced whole, found by the session they name.

Everything here blocks, and is called in a thread.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.core.chat import marks

IGNORED = ("chats/", "settings.local.json")
_HEAD = 4096
"""Bytes of a file in which its session is looked for."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_SLUG = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for chats. `ignoring` is the folder whose `.gitignore` leaves them out; None where none is written.
    `inside` is what the folder must not lead out of, links followed."""

    folder: str
    ignoring: str | None = None
    inside: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    path: str
    session: str
    changed_at: float


def places(home: str, folders: Sequence[str], configured: str | None, claw_home: str) -> tuple[Place, ...]:
    """Where a session's chats go, the best place first: the setting, the open folder it lives in, else CLAW_HOME."""
    last = Place(str(Path(claw_home) / "chats"))
    if configured:
        return (Place(str(Path(home) / Path(configured).expanduser())), last)
    if home in folders:
        ours = Path(home) / ".claw"
        return (Place(str(ours / "chats"), ignoring=str(ours), inside=home), last)
    return (last,)


def create(candidates: Sequence[Place], stem: str, text: str) -> str:
    """A new file with this text, 0600, in the first place that can be written; its path. Raises OSError."""
    fault: OSError | None = None
    for place in candidates:
        try:
            return _create_in(place, stem, text)
        except OSError as error:
            fault = error
    raise fault or OSError("there is no place for chats")


def replace(path: str, text: str) -> None:
    """Put a new text in the place of the old, whole or not at all. Raises FileNotFoundError where there is no file."""
    target = Path(path).resolve(strict=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        _write_new(temporary, text)
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def read(path: str) -> str | None:
    """The text of a file, line ends as they are; None where there is none, or it cannot be read."""
    try:
        return Path(path).read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:
        return None


def chats_in(folders: Sequence[str]) -> list[Found]:
    """The chats that name their session, the latest first."""
    found: list[Found] = []
    for folder in folders:
        with suppress(OSError):
            for path in Path(folder).iterdir():
                if path.suffix == ".md" and path.is_file() and (session := _session_in(path)):
                    found.append(Found(str(path), session, path.stat().st_mtime))
    return sorted(found, key=lambda it: it.changed_at, reverse=True)


def stem(date: str, words: str, key: str) -> str:
    """The name of a chat: its date and what it is about, or the key of its markers."""
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower())[:_SLUG].strip("-")
    return f"{date}-{slug or key}"


def _create_in(place: Place, name: str, text: str) -> str:
    folder = Path(place.folder)
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if place.inside is not None and not folder.resolve().is_relative_to(Path(place.inside).resolve()):
        raise PermissionError(f"{folder} leads out of {place.inside}")
    if place.ignoring is not None:
        _ignore(Path(place.ignoring) / ".gitignore")
    for n in range(1, 1000):
        path = folder / (f"{name}.md" if n == 1 else f"{name}-{n}.md")
        with suppress(FileExistsError):
            _write_new(path, text)
            return str(path)
    raise FileExistsError(f"{folder} has too many chats named {name}")


def _ignore(path: Path) -> None:
    """Our lines in a .gitignore; what stands in it already stays."""
    if path.is_symlink():
        return
    there = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    lacking = [it for it in IGNORED if it not in there.split("\n")]
    if lacking:
        gap = "" if not there or there.endswith("\n") else "\n"
        with path.open("a", encoding="utf-8") as file:
            file.write(gap + "".join(f"{it}\n" for it in lacking))


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, _NEW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())


def _session_in(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return None
    return marks.session_in(head)
