"""What this machine has for a sandbox, tried out; and what to do where it has nothing."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from claw_lsp.adapters.sandbox import bubblewrap, seccomp
from claw_lsp.adapters.sandbox.layout import Layout
from claw_lsp.core.policy.paths import inside

Kind = Literal["bubblewrap", "landlock", "seatbelt", "none"]
LANDLOCK_CREATE_RULESET = 444
SANDBOX_EXEC = "/usr/bin/sandbox-exec"

_PATIENCE = 10.0
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_TOO_OLD = (0, 8, 0)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One way to confine commands. `said` names it for people, with what it holds and what not; `why` is why nothing better
    was taken, with what to do, "" where there is nothing to better."""

    kind: Kind
    program: str = ""
    version: str = ""
    said: str = ""
    why: str = ""


def find(search_path: str, roots: Sequence[str]) -> Mechanism:
    """The best that works here; each is tried, so this takes some ten milliseconds and blocks."""
    if sys.platform == "darwin":
        return _seatbelt()
    if sys.platform != "linux":
        return Mechanism(
            "none", why="There is no sandbox for commands on this system; run the server in WSL to have one."
        )
    program, why = _program(search_path, roots)
    version = ""
    if program and not why:
        version, why = _tried(program)
    if program and not why:
        filtered = seccomp.program(unix=False) is not None
        left = "" if filtered else f", Unix sockets not ({platform.machine()})"
        return Mechanism("bubblewrap", program, version, f"bubblewrap: files, processes and network{left}")
    abi = landlock_abi()
    if abi < 1:
        return Mechanism("none", why=why)
    filtered = seccomp.program(unix=False) is not None
    network = "network" if filtered else "TCP" if abi >= 4 else "no network"
    outside = "not protected files" + ("" if filtered else ", UDP and DNS")
    return Mechanism("landlock", "", f"ABI {abi}", f"Landlock: files and {network}, {outside}", why)


def landlock_abi() -> int:
    """The version of Landlock that the kernel speaks; 0 where it does not, or where it is turned off."""
    if sys.platform != "linux":
        return 0
    found = ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    return max(0, int(found))


def _program(search_path: str, roots: Sequence[str]) -> tuple[str, str]:
    """bubblewrap, of a folder that the agent cannot write to; else why not."""
    refused = ""
    for folder in search_path.split(":"):
        path = os.path.join(folder, "bwrap")
        if not os.path.isabs(folder) or not os.access(path, os.X_OK):
            continue
        real = os.path.realpath(path)
        if any(inside(it, [os.path.realpath(root) for root in roots]) for it in (path, real)):
            refused = f"{path} lies in the workspace and is not used: whoever writes there would be let out by it."
        elif os.stat(real).st_mode & 0o6000:
            refused = f"{real} is setuid root, which later versions gave up as unsafe; install one that is not."
        else:
            return real, ""
    missing = (
        "bubblewrap is not installed: `apt install bubblewrap`, `dnf install bubblewrap` or `pacman -S bubblewrap`."
    )
    return "", refused or missing


def _tried(program: str) -> tuple[str, str]:
    """Its version, and why it does not work here."""
    try:
        version = _run(program, "--version").stdout.strip()
        found = tuple(map(int, re.findall(r"\d+", version)[:3]))
        if found < _TOO_OLD:
            return version, f"{program} is {version}; 0.8.0 or later is needed."
        layout = Layout("/", (), ())
        done = _run(*bubblewrap.arguments(program, layout, (), None), "--", "/bin/sh", "-c", "exit 0")
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{program} does not start: {error}."
    return version, "" if done.returncode == 0 else _explained(program, done.stderr.strip())


def _run(*argv: str) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=plain)


def _explained(program: str, said: str) -> str:
    """What bubblewrap's complaint means, and what to do."""
    last = said.splitlines()[-1] if said else "it said nothing"
    if _apparmor_restricts() and re.search(r"(?i)permission denied|not permitted", said):
        return (
            f"AppArmor keeps {program} from making namespaces ({last}). Give it a profile that allows `userns`: a file "
            f"/etc/apparmor.d/bwrap with `profile bwrap {program} flags=(unconfined) {{ userns, }}`, then "
            "`sudo systemctl reload apparmor`."
        )
    if re.search(r"(?i)namespace|uid map|clone|unshare", said):
        return (
            f"{program} may not make namespaces here ({last}). Inside a container allow user namespaces for it; else "
            "`sysctl user.max_user_namespaces` must not be 0."
        )
    return f"{program} does not work here: {last}."


def _apparmor_restricts() -> bool:
    try:
        with open(_APPARMOR) as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _seatbelt() -> Mechanism:
    if not os.access(SANDBOX_EXEC, os.X_OK):
        return Mechanism("none", why=f"{SANDBOX_EXEC} is missing, which is part of macOS.")
    return Mechanism("seatbelt", SANDBOX_EXEC, platform.mac_ver()[0], "Seatbelt: files and network, not tried out")
