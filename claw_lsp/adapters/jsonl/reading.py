"""What stands in a log: bytes to entries and back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from claw_lsp.facts.event import FORMAT, Entry, ModelSpoke
from claw_lsp.facts.fault import LogError

logger = logging.getLogger(__name__)


def read(path: Path) -> tuple[tuple[Entry, ...], int]:
    """Every entry, and how many bytes of the file they and the header take: a torn last line is not counted. Raises
    LogError."""
    data = _bytes(path)
    if b"\n" not in data:
        raise LogError(f"{path} has no header line: it is no session log, or was cut short before anything happened.")
    start = data.index(b"\n") + 1
    check_header(path, data[: start - 1])
    return entries_in(path, data, start)


def entries_in(path: Path, data: bytes, start: int, first: int = 2) -> tuple[tuple[Entry, ...], int]:
    """The entries from an offset on, and the offset behind the last; `first` is the number of that line. Raises
    LogError."""
    entries: list[Entry] = []
    whole = start
    for number, (line, end) in enumerate(_lines(data, start), first):
        try:
            entries.append(entry_of(line))
        except (ValueError, ValidationError) as error:
            if end == len(data):
                logger.warning("The last line of %s is torn and left out", path)
                break
            raise LogError(f"Line {number} of {path} cannot be read. Move the file away to be rid of it.") from error
        whole = end
    return tuple(entries), whole


def header_of(path: Path) -> dict[str, Any]:
    """Raises LogError."""
    try:
        with path.open("rb") as file:
            return check_header(path, file.readline())
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}.") from error


def check_header(path: Path, line: bytes) -> dict[str, Any]:
    """Raises LogError for what is no log, and for one of a later format."""
    try:
        header: dict[str, Any] = json.loads(line)
        number = int(header["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(f"{path} does not begin with a header line; it is no session log.") from error
    if number > FORMAT:
        raise LogError(
            f"{path} was written by a newer claw-lsp (format {number}, this one reads up to {FORMAT}). Update it."
        )
    return header


def line_of(entry: Entry) -> str:
    try:
        return entry.model_dump_json()
    except ValueError:
        # A lone surrogate in text: JSON can carry it escaped, which pydantic's own writer refuses.
        return json.dumps(entry.model_dump(mode="python"))


def entry_of(line: bytes) -> Entry:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return Entry.model_validate(json.loads(line))


def partial_text(path: Path, entries: Sequence[Entry]) -> str:
    """The text that was shown and has no fact; "" when a reply was written behind it after all. Other facts may stand
    there: the person spoke, or kept a hunk, while it was streamed."""
    try:
        number, _, text = path.read_bytes().partition(b"\n")
        first = int(number)
    except (OSError, ValueError):
        return ""
    said = any(isinstance(it.event, ModelSpoke) for it in entries[max(0, first - 1) :])
    return "" if said or first > len(entries) + 1 else text.decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}.") from error


def _lines(data: bytes, start: int) -> Iterator[tuple[bytes, int]]:
    """Each line that ends in a newline, and the offset behind it."""
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end], end + 1
        start = end + 1
