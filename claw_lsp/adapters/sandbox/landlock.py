"""Confine this process by Landlock and a filter of system calls, and become the command. Standard library only; run as a file,
without site-packages, where bubblewrap is missing. What holds is inherited and cannot be taken off.

`landlock.py FD [NAME=VALUE…] -- PROGRAM ARGUMENT…`; from FD comes one JSON object: `read`, `write` and `device` paths, `filter`.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import struct
import sys
from collections.abc import Iterable
from typing import Any

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_DROP, _CAPABILITY_VERSION = 24, 0x20080522


def main() -> None:
    """Does not come back: the command, or an exit with 126 and a sentence."""
    split = sys.argv.index("--")
    pairs = (it.partition("=") for it in sys.argv[2:split])
    added: dict[str, str] = {name: value for name, _, value in pairs}
    argv = sys.argv[split + 1 :]
    try:
        with os.fdopen(int(sys.argv[1]), "rb") as file:
            confine(json.load(file))
        os.execvpe(argv[0], argv, {**os.environ, **added})
    except OSError as error:
        sys.stderr.write(f"The sandbox could not be set up, so nothing was run: {error}\n")
        sys.exit(126)


def confine(wanted: dict[str, Any]) -> None:
    """Afterwards this process and all it starts are held. Raises OSError, and then it must not go on."""
    libc = ctypes.CDLL(None, use_errno=True)
    abi = int(libc.syscall(_CREATE, None, 0, 1))
    if abi < 1:
        raise OSError(ctypes.get_errno(), "the kernel has no Landlock")
    handled = (1 << (13, 14, 15, 15, 16)[min(abi, 5) - 1]) - 1
    network, scopes = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    record = struct.pack("=QQQ", handled, network, scopes)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _checked(libc.syscall(_CREATE, record, len(record), 0))
    _allow(libc, ruleset, ["/"], _READ_DIR)
    _allow(libc, ruleset, wanted["read"], _READ & handled)
    _allow(libc, ruleset, wanted["write"], handled)
    _allow(libc, ruleset, wanted["device"], (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
    _checked(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)
    _give_up_powers(libc)
    if wanted["filter"]:
        program = base64.b64decode(wanted["filter"])
        lines = ctypes.create_string_buffer(program, len(program))
        filter_ = struct.pack("@HP", len(program) // 8, ctypes.addressof(lines))
        _checked(libc.prctl(_SECCOMP, _FILTER, filter_, 0, 0))


def _allow(libc: ctypes.CDLL, ruleset: int, paths: Iterable[str], access: int) -> None:
    """Allow this below each path; one that is gone, or not ours to open, stays closed."""
    for path in paths:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        mine = access if os.path.isdir(path) else access & _OF_FILES
        if mine:
            _checked(libc.syscall(_ADD, ruleset, 1, struct.pack("=Qi", mine, fd), 0))
        os.close(fd)


def _give_up_powers(libc: ctypes.CDLL) -> None:
    """As root, too, be nobody special: some powers read the memory of any process, past Landlock (seen on Linux 6.18)."""
    for number in range(64):
        if libc.prctl(_DROP, number, 0, 0, 0) < 0:
            break
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytes(24)
    _checked(libc.capset(header, nothing))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


if __name__ == "__main__":
    main()
