"""The program that starts one MCP server and outlives it by a moment: when we are gone, however, so is all it started.

It hands its own input and output to the server and lets them go. It is the child subreaper of whatever the server starts,
and ends all of it when the server ended, when it is told to (TERM), or when its parent is another one than at first.
Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

from claw_lsp.adapters.process.descendants import below, send

_PR_SET_CHILD_SUBREAPER = 36
EVERY, POLITE, GIVE_UP = 0.3, 0.5, 5.0
"""Seconds between two looks at the parent; between TERM and KILL; until what cannot be killed is left alone."""


def main() -> None:
    """Run the server whose command line stands in ours; `sys.argv` is [-c, the folder of our modules, parent, program, …]."""
    parent, argv = int(sys.argv[2]), sys.argv[3:]
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda it, _: told.append(it))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    server = _started(argv)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    code: int | None = None
    while code is None and not told and os.getppid() == parent:
        code = _reaped(server, EVERY)
    _end_all()
    os._exit(code or 0)


def _started(argv: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]} could not be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _reaped(server: int, seconds: float) -> int | None:
    """Take the ends of children for a while; the server's code once it ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if pid == server:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if pid == 0:
            time.sleep(0.02)
    return None


def _end_all() -> None:
    for number, seconds in ((signal.SIGTERM, POLITE), (signal.SIGKILL, GIVE_UP)):
        end = time.monotonic() + seconds
        first = True
        while (left := below(os.getpid())) and time.monotonic() < end:
            if first or number == signal.SIGKILL:
                for pid in left:
                    send(pid, number)
            first = False
            _reaped(-1, 0.05)
