"""A filter of system calls, as the program that the kernel runs: Unix and other side sockets, keyrings, and what goes around
such filters. Not a list of everything dangerous: namespaces hold the rest."""

from __future__ import annotations

import platform
import struct
from typing import Final

_LOAD, _EQUAL, _AT_LEAST, _RETURN, _AND = 0x20, 0x15, 0x35, 0x06, 0x54
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
_NUMBER, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24
"""Offsets in the record that the kernel shows the filter; of an argument, its lower half."""

_MACHINES: Final[dict[str, tuple[int, dict[str, int]]]] = {
    "x86_64": (
        0xC000003E,
        {"socket": 41, "ioctl": 16, "ptrace": 101, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321},
    ),
    "aarch64": (
        0xC00000B7,
        {"socket": 198, "ioctl": 29, "ptrace": 117, "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280},
    ),
}
_IO_URING_SETUP = 425
_X32 = 0x40000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16


def program(*, unix: bool, internet: bool = True) -> bytes | None:
    """The filter, or None for a machine whose numbers are not known here. Of sockets only the internet's, netlink's and,
    with `unix`, those of files are let through."""
    if platform.machine() not in _MACHINES:
        return None
    arch, numbers = _MACHINES[platform.machine()]
    families = [_NETLINK, *([_INET, _INET6] if internet else []), *([_UNIX] if unix else [])]
    lines = [
        _line(_LOAD, _ARCH),
        _line(_EQUAL, arch, 1, 0),
        _line(_RETURN, _ENOSYS),
        _line(_LOAD, _NUMBER),
        # A second numbering of the same calls, which nothing uses any more.
        _line(_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, _ENOSYS),
    ]
    for number in (numbers["add_key"], numbers["request_key"], numbers["keyctl"], numbers["bpf"]):
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, _EPERM)]
    # Its sockets are made by the kernel itself, which no filter sees.
    lines += [_line(_EQUAL, _IO_URING_SETUP, 0, 1), _line(_RETURN, _ENOSYS)]
    lines += [_line(_EQUAL, numbers["ioctl"], 0, 5), _line(_LOAD, _ARG1)]
    lines += [_line(_EQUAL, _TIOCSTI, 1, 0), _line(_EQUAL, _TIOCLINUX, 0, 1), _line(_RETURN, _EPERM)]
    lines += [_line(_RETURN, _ALLOW)]
    checks = [_line(_EQUAL, it, len(families) - n, 0) for n, it in enumerate(families)]
    lines += [_line(_EQUAL, numbers["socket"], 0, 2 + len(families)), _line(_LOAD, _ARG0), *checks]
    lines += [_line(_RETURN, _EPERM), _line(_RETURN, _ALLOW)]
    return b"".join(lines)


def _line(code: int, value: int, on_true: int = 0, on_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, on_true, on_false, value)
