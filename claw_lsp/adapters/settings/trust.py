"""What the person said of folders: `trust.json` in CLAW_HOME, by the real path of the folder that was opened.

Nothing inside a folder can speak for it: neither where its `.git` leads nor what its files say.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from claw_lsp.adapters.settings.files import aside, locked, read_text, write_whole
from claw_lsp.adapters.settings.seeking import Folder
from claw_lsp.core import approvals
from claw_lsp.core.approvals import NOTHING, REFUSED, Approvals
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.trust import Item, Sought

Seek = Callable[[str], Folder]
"""What the settings files of a folder ask for."""


class Trusted(BaseModel):
    """What was said of one folder, when, and of what, by digest."""

    model_config = ConfigDict(frozen=True)

    trusted: bool
    at: str
    approved: dict[str, str] = {}
    refused: dict[str, str] = {}


_RECORDS: TypeAdapter[dict[str, Trusted]] = TypeAdapter(dict[str, Trusted])


class TrustRecord:
    """Fills the port Trust. `home` and `claw_home` are the person's folders; `now` tells Unix seconds."""

    def __init__(self, home: str, claw_home: str, seek: Seek, now: Callable[[], float]) -> None:
        self._home = home
        self._claw_home = Path(claw_home)
        self._seek = seek
        self._now = now
        self._lock = Lock()

    async def sought(self, folder: str) -> Sought:
        return await asyncio.to_thread(self._sought, folder)

    async def trust(self, folder: str, items: Iterable[Item]) -> None:
        await asyncio.to_thread(self._update, folder, lambda it: approvals.trusting(it, items))

    async def refuse(self, folder: str, items: Iterable[Item]) -> None:
        await asyncio.to_thread(self._update, folder, lambda it: approvals.refusing(it, items))

    async def distrust(self, folder: str) -> None:
        await asyncio.to_thread(self._update, folder, lambda _: REFUSED)

    def _sought(self, folder: str) -> Sought:
        if never := whole(folder, self._home):
            return Sought(folder, never=(never,))
        found = self._seek(folder)
        found.beside(folder)
        return approvals.sought(folder, found.items, found.approvals, tuple(dict.fromkeys(found.never)))

    def _update(self, folder: str, after: Callable[[Approvals], Approvals]) -> None:
        if never := whole(folder, self._home):
            raise ClawError(never)
        path = self._claw_home / "trust.json"
        with self._lock, locked(self._claw_home, "trust.lock"):
            try:
                records = _records(path)
            except ClawError:
                aside(path)
                records = {}
            now = after(_of(records, os.path.realpath(folder)))
            at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
            records[os.path.realpath(folder)] = Trusted(
                trusted=now.standing == "trusted", at=at, approved=dict(now.approved), refused=dict(now.refused)
            )
            data = {name: it.model_dump() for name, it in sorted(records.items())}
            write_whole(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n", 0o600)


def approvals_of(claw_home: Path, folder: str, home: str) -> Approvals:
    """What the person approved of a folder. Raises ClawError for a record that is broken."""
    return NOTHING if whole(folder, home) else _of(_records(claw_home / "trust.json"), os.path.realpath(folder))


def whole(folder: str, home: str) -> str:
    """Why a folder is never trusted, "" where it may be: what holds everything is nothing that one can know."""
    real = os.path.realpath(folder)
    if real == Path(real).anchor or os.path.realpath(home).startswith(real.rstrip(os.sep) + os.sep):
        return f"{folder} is never trusted as a whole: open the folder of a project instead."
    if real == os.path.realpath(home):
        return f"{folder} is your home folder, which is never trusted as a whole: open the folder of a project instead."
    return ""


def _of(records: dict[str, Trusted], real: str) -> Approvals:
    """What was said of this folder; else whether it stands inside one of which something was said. A repository of its own
    is asked about by itself, and what was approved of a file is approved of no other."""
    said = records.get(real)
    if said is not None:
        return Approvals("trusted" if said.trusted else "refused", said.approved, said.refused)
    for folder in (Path(real), *Path(real).parents):
        if around := records.get(str(folder)):
            return Approvals("trusted" if around.trusted else "refused")
        if os.path.lexists(folder / ".git"):
            break
    return NOTHING


def _records(path: Path) -> dict[str, Trusted]:
    text = read_text(path)
    if text is None or not text.strip():
        return {}
    try:
        return _RECORDS.validate_python(json.loads(text), strict=True)
    except (ValidationError, ValueError, RecursionError) as error:
        raise ClawError(
            "Expected an object of folders, each with what was said of it. Until it is mended or removed, no folder is"
            " trusted."
        ) from error
