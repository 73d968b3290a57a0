"""A layout as the arguments of bubblewrap."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from claw_lsp.adapters.sandbox.layout import Layout, Mount
from claw_lsp.core.policy.paths import inside

_ALWAYS = (
    # As root, too: with all of root's powers a child could mount everything anew.
    *("--unshare-user", "--disable-userns", "--cap-drop", "ALL"),
    *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session"),
    *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"),
    # Root owns the kernel's settings in it, powers or not: core_pattern names a program that is run outside (0.8.0 leaves
    # them writable; tests/security/test_sandbox_escape.py).
    *("--remount-ro", "/proc"),
)
_EMPTY = ("/tmp", "/var/tmp", "/run", "/var/run")
"""Folders of their own for each command: other programs' sockets and leftovers lie there."""
_OURS = tuple(
    it
    for it in (str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix)
    if it.startswith(tuple(f"{e}/" for e in _EMPTY))
)
"""What we run ourselves in there, where it is installed in a place that is empty inside."""
_SHOWN_OF_RUN = ("/run/current-system", "/run/opengl-driver", "/run/systemd/resolve")
"""What programs need of /run: a NixOS's programs, and where /etc/resolv.conf may lead."""

_LOADER = ("LD_", "DYLD_", "GCONV_PATH", "GETCONF_DIR", "LOCPATH", "NLSPATH", "MALLOC_")
"""Variables that make a program load what lies elsewhere: bubblewrap itself, which is outside, must not see them."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OUTSIDE = ("SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "TMPDIR", "TMP", "TEMP")
"""Variables that lead to what is not there inside."""


def arguments(program: str, layout: Layout, shown: Sequence[str], seccomp: int | None) -> tuple[str, ...]:
    """Everything before the command's own words. `shown` are paths below the empty folders that are there all the same
    (Unix sockets); `seccomp` is a descriptor with a filter."""
    return (program, *_ALWAYS, *_views(layout, shown), *(("--seccomp", str(seccomp)) if seccomp is not None else ()))


def shows(layout: Layout, path: str) -> bool:
    """Whether a folder of the disk is there inside."""
    within = [it for it in layout.mounts if inside(path, (it.path,))]
    if within:
        return within[-1].kind != "hide" or path == within[-1].path
    return path in _EMPTY or not inside(path, _EMPTY)


def divided(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The environment in two: what only the command may see, and the rest. What leads nowhere inside is left out."""
    loader = {name: value for name, value in environment.items() if name.startswith(_LOADER)}
    left_out = (*_OUTSIDE, *_PROXIES, *loader)
    return loader, {name: it for name, it in environment.items() if not {name, name.upper()} & {*left_out}}


def outer(environment: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments that set inside what bubblewrap itself must not see, and the environment it is started with."""
    hidden, kept = divided(environment)
    return tuple(word for it in {**hidden, "TMPDIR": "/tmp"}.items() for word in ("--setenv", *it)), kept


def _views(layout: Layout, shown: Sequence[str]) -> Iterator[str]:
    for path in _EMPTY:
        if os.path.isdir(path) and not os.path.islink(path):
            yield from ("--tmpfs", path)
    for path in (*_SHOWN_OF_RUN, *_OURS, *shown):
        if os.path.exists(path):
            yield from ("--ro-bind", path, path)
    for mount in layout.mounts:
        yield from _view(mount)
    for it in layout.placeholders:
        yield from ("--ro-bind", it.path, it.path)
    for mount in layout.mounts:
        # Last, since deeper mounts need a folder made in it first.
        if mount.kind == "hide" and os.path.isdir(mount.path):
            yield from ("--remount-ro", mount.path)
    yield from ("--chdir", layout.cwd)


def _view(mount: Mount) -> Iterator[str]:
    match mount.kind:
        case "write":
            yield from ("--bind", mount.path, mount.path)
        case "read":
            yield from ("--ro-bind", mount.path, mount.path)
        case "hide" if os.path.isdir(mount.path):
            yield from ("--tmpfs", mount.path)
        case "hide":
            yield from ("--ro-bind", "/dev/null", mount.path)
