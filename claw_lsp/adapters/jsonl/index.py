"""What lists show of a log, kept beside it so that the log need not be read for that.

The log is the truth: an index that is missing, older than its log, or of another log is made anew, from where it ends if the
log only grew. Nothing is lost by deleting it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from claw_lsp.adapters.jsonl.files import Files
from claw_lsp.adapters.jsonl.reading import entries_in, header_of, read
from claw_lsp.core.summary import Summary, summed
from claw_lsp.facts.fault import LogError

logger = logging.getLogger(__name__)

ENDS = 512
"""Bytes of a log's beginning, and of the end of what was read, by which it is known again."""
FORMAT = 1


class Index(BaseModel):
    """`whole` bytes of the log are added up in `summary`, `size` and `modified` are the file's as it was then, and `digest`
    is of the ends of what was read."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    size: int
    modified: int
    whole: int
    digest: str
    folder: str
    created: float
    summary: Summary


def indexed(files: Files, log: Path) -> Index:
    """The index of a log as it is now, written beside it if it is a new one. Raises LogError."""
    try:
        about = log.stat()
        known = _read(log.with_suffix(".index"))
        if known is not None and (about.st_size < known.whole or _digest(log, known.whole) != known.digest):
            known = None
        if known is not None and (known.size, known.modified) == (about.st_size, about.st_mtime_ns):
            return known
        index = _made(log, about, known)
    except OSError as error:
        raise LogError(f"{log} cannot be read: {error.strerror}.") from error
    _write(files, log.with_suffix(".index"), index)
    return index


def _made(log: Path, about: os.stat_result, known: Index | None) -> Index:
    if known is None:
        entries, whole = read(log)
        header = header_of(log)
        folder, created = str(header.get("folder", "")), float(header.get("created", 0.0))
        summary = summed(entries)
    else:
        with log.open("rb") as file:
            file.seek(known.whole)
            rest = file.read()
        entries, more = entries_in(log, rest, 0, first=known.summary.n_entries + 2)
        folder, created, whole = known.folder, known.created, known.whole + more
        summary = summed(entries, known.summary)
    digest = _digest(log, whole)
    return Index(
        size=about.st_size,
        modified=about.st_mtime_ns,
        whole=whole,
        digest=digest,
        folder=folder,
        created=created,
        summary=summary,
    )


def _digest(log: Path, whole: int) -> str:
    with log.open("rb", buffering=0) as file:
        head = file.read(min(ENDS, whole))
        file.seek(max(0, whole - ENDS))
        tail = file.read(min(ENDS, whole))
    return hashlib.blake2b(head + tail, digest_size=16).hexdigest()


def _read(path: Path) -> Index | None:
    try:
        index = Index.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return index if index.format == FORMAT else None


def _write(files: Files, path: Path, index: Index) -> None:
    """Whole or not at all. Where it cannot be written lists take longer, and that is all."""
    fresh = path.with_suffix(f".index.{os.getpid()}")
    try:
        descriptor = files.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            files.write(descriptor, index.model_dump_json().encode())
        finally:
            files.close(descriptor)
        files.replace(fresh, path)
    except OSError as error:
        logger.info("The index %s is not written: %s", path, error)
        with contextlib.suppress(OSError):
            files.remove(fresh)
