"""Which processes a process started, by parentage (Linux) or by the mark every one of them carries.

Standard library only at import; psutil is imported where there is no /proc.
"""

from __future__ import annotations

import contextlib
import os
import signal

MARK = "CLAW_CALL_ID"
"""The environment variable that names the call a process belongs to."""


def below(root: int) -> dict[int, str]:
    """Every living descendant of a process with its name; zombies are left out."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for pid, parent, name in _table():
        parents[pid] = parent
        names[pid] = name
    found: dict[int, str] = {}
    for pid in parents:
        above = parents[pid]
        while above in parents and above != root:
            above = parents[above]
        if above == root:
            found[pid] = names[pid]
    return found


def marked(call_id: str) -> list[int]:
    """Every living process whose environment carries the mark of this call, wherever it hangs in the tree."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == call_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]


def send(pid: int, number: signal.Signals) -> None:
    """Signal one process; one that is gone, or is not ours to signal, is passed over."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _table() -> list[tuple[int, int, str]]:
    if not os.access("/proc/self/stat", os.R_OK):
        return _table_by_psutil()
    rows: list[tuple[int, int, str]] = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 : Path.iterdir makes an object for each of what may be thousands
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                stat = file.read()
        except OSError:
            continue
        # The name stands in parentheses and may itself hold any character, parentheses too.
        begin, end = stat.index(b"("), stat.rindex(b")")
        state, parent = stat[end + 2 :].split(b" ", 2)[:2]
        if state not in b"ZX":
            rows.append((int(entry), int(parent), stat[begin + 1 : end].decode("utf-8", "replace")))
    return rows


def _table_by_psutil() -> list[tuple[int, int, str]]:
    import psutil

    rows: list[tuple[int, int, str]] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                rows.append((process.pid, process.ppid(), process.name()))
    return rows
