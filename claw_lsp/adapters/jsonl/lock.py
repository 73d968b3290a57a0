"""One writer a log: the kernel's lock on the file, and a note beside it that says who has it.

Where a file system knows no locks the note alone decides: it counts as long as the process that wrote it lives, which the
number of a process does not tell, but its number, its start and the machine's start together do.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
from pathlib import Path
from typing import Any, cast

from claw_lsp.adapters.jsonl.files import Files, told_as_log_error
from claw_lsp.facts.fault import SessionHeld

logger = logging.getLogger(__name__)


def take(files: Files, descriptor: int, log: Path) -> None:
    """Hold the open log against every other process. Raises SessionHeld, and LogError where it cannot be said."""
    note = log.with_suffix(".lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise SessionHeld(_held(log, _read(note))) from error
        take_by_note(files, log)
        return
    try:
        _write(files, note, os.O_TRUNC)
    except OSError as error:
        logger.info("%s is held, and it is not said by whom: %s", log, error)


def take_by_note(files: Files, log: Path) -> None:
    """Hold a log where the kernel cannot: whoever makes the note has it. One of a process that is gone is put away."""
    note = log.with_suffix(".lock")
    with told_as_log_error(note):
        for _ in range(2):
            try:
                _write(files, note, os.O_EXCL)
            except FileExistsError:
                holder = _read(note)
                if _lives(holder):
                    raise SessionHeld(_held(log, holder)) from None
                files.remove(note)
            else:
                return
    raise SessionHeld(_held(log, {}))


def let_go(files: Files, descriptor: int, log: Path) -> None:
    """Close the log; the note goes first, since the next one writes its own as soon as the lock is free."""
    with contextlib.suppress(OSError):
        files.remove(log.with_suffix(".lock"))
    files.close(descriptor)


def is_held(log: Path) -> bool:
    """Whether some process holds the log, this one included. Who takes it in the same instant would find it held."""
    with log.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
        except OSError as error:
            return error.errno in (errno.EWOULDBLOCK, errno.EACCES) or _lives(_read(log.with_suffix(".lock")))
    return False


def _write(files: Files, note: Path, how: int) -> None:
    pid = os.getpid()
    holder = json.dumps({"pid": pid, "start": _start_of(pid), "boot": _boot()})
    descriptor = files.open(note, os.O_WRONLY | os.O_CREAT | how)
    try:
        files.write(descriptor, holder.encode())
    finally:
        files.close(descriptor)


def _read(note: Path) -> dict[str, Any]:
    """Who holds the log; empty where that cannot be read."""
    try:
        holder = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", holder) if isinstance(holder, dict) else {}


def _lives(holder: dict[str, Any]) -> bool:
    pid = holder.get("pid")
    return isinstance(pid, int) and holder.get("boot") == _boot() and holder.get("start") == _start_of(pid) != ""


def _held(log: Path, holder: dict[str, Any]) -> str:
    who = f" (process {holder['pid']})" if _lives(holder) else ""
    return (
        f"Session {log.stem} is open in another editor or terminal{who}. Close it there, or start a new session here."
    )


def _start_of(pid: int) -> str:
    """When the process began, in a form of its own; "" for one that is not there."""
    if not os.access("/proc/self/stat", os.R_OK):
        return _start_by_psutil(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    # The name stands in parentheses and may itself hold any character; the start is the 22nd field.
    return stat[stat.rindex(b")") + 2 :].split()[19].decode()


def _start_by_psutil(pid: int) -> str:
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return str(psutil.boot_time())
