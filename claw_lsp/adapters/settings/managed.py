"""Settings that whoever runs the machine made for everybody: the strongest layer, and only what nobody else can write."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MANAGED = ("/etc/claude-code", "/etc/claw-lsp", "/Library/Application Support/ClaudeCode")
"""Where they lie, the weakest first: `managed-settings.json` and `managed-settings.d/*.json`."""


@dataclass(frozen=True, slots=True)
class Managed:
    """The files that count, and those that do not, each with the reason."""

    files: tuple[Path, ...] = ()
    faults: Mapping[Path, str] = field(default_factory=dict[Path, str])


NOBODYS = Managed()


def managed(folders: Sequence[str], owner: int = 0) -> Managed:
    """What lies in these folders. `owner` is who may own it, beside root."""
    faults = {path: fault(path, owner) for folder in folders for path in _files(Path(folder))}
    return Managed(tuple(it for it in faults if not faults[it]), {it: why for it, why in faults.items() if why})


def looked_at(folders: Sequence[str]) -> tuple[str, ...]:
    """What may lie there, the folder of more files among it, for whoever waits for changes."""
    found: list[str] = []
    for folder in folders:
        found += [f"{folder}/managed-settings.json", f"{folder}/managed-settings.d", *map(str, _files(Path(folder)))]
    return tuple(dict.fromkeys(found))


def _files(folder: Path) -> list[Path]:
    first = folder / "managed-settings.json"
    try:
        more = sorted((folder / "managed-settings.d").glob("*.json"))
    except OSError:
        more = []
    return [*([first] if os.path.lexists(first) else []), *more]


def fault(path: Path, owner: int) -> str:
    """Why others than the owner could have written the file; the folders above it count, for who may write there can put
    another in its place."""
    if os.name == "nt":
        return ""
    real = Path(os.path.realpath(path))
    for it in (real, *real.parents):
        try:
            status = it.stat()
        except OSError as error:
            return f"{it} cannot be looked at: {error.strerror}. It is left out."
        shared = status.st_mode & 0o022 and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX)
        if status.st_uid not in (0, owner) or shared:
            return f"Others than root may write to {it}, so what is managed there does not count. Run: chown root {it}; chmod go-w {it}"
    return ""
