"""`claw-lsp doctor`: what is there and what is missing, in sentences that say what to do."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claw_lsp.adapters.process.environment import allowed
from claw_lsp.adapters.programs import found
from claw_lsp.adapters.sandbox.finding import Mechanism
from claw_lsp.core.mcp.page import WORDS
from claw_lsp.core.words import counted
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import Configured
from claw_lsp.facts.trust import Sought

Grade = Literal["ok", "missing", "broken"]
MARKS: dict[Grade, str] = {"ok": "ok     ", "missing": "missing", "broken": "BROKEN "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `missing` is something one can do without; `broken` must be mended."""

    grade: Grade
    what: str
    said: str

    def __str__(self) -> str:
        return f"{MARKS[self.grade]}  {self.what:<10} {self.said}"


@dataclass(frozen=True, slots=True)
class Provided:
    """Whose model is asked, where, and which; `remark` is what should be heard of the model, "" for nothing. `source` says
    where another provider's credentials come from, None where it wants a key of ours."""

    provider: str
    endpoint: str
    model: str
    remark: str
    source: str | None


def of_model(find: Callable[[], Provided], find_key: Callable[[], str | None], own: str) -> list[Finding]:
    """The provider, its address, the key and the model. `find_key` answers where a key was found (never the key); `own` is
    the address that wants one."""
    try:
        it = find()
    except ClawError as error:
        return [Finding("broken", "provider", str(error))]
    key = Finding("ok", "key", it.source) if it.source is not None else _key(find_key, elsewhere=it.endpoint != own)
    model = Finding("missing" if it.remark else "ok", "model", f"{it.model}. {it.remark}" if it.remark else it.model)
    return [Finding("ok", "provider", it.provider), Finding("ok", "endpoint", it.endpoint), key, model]


def findings(
    environment: Mapping[str, str],
    claw_home: str,
    ripgrep: Callable[[], str],
    sandbox: Callable[[], Mechanism],
) -> list[Finding]:
    """Everything else that is looked at. `ripgrep` answers where it is, `sandbox` what there is."""
    return [
        Finding("ok", "python", f"{platform.python_version()} at {sys.executable}"),
        _program("git", environment, "branch, status and diff are not shown without it"),
        _program("bash", environment, "the Bash tool does not work without it"),
        _ripgrep(ripgrep),
        _sandbox(sandbox()),
        _home(Path(claw_home)),
    ]


def of_trust(sought: Sought) -> Finding:
    """Whether what the folder's own files want is in force."""
    n = len(sought.waiting)
    waits = f"; {n} thing{'' if n == 1 else 's'} in its files: you are asked about that in your editor" if n else ""
    match sought.standing:
        case "trusted":
            return Finding("ok", "trust", f"{sought.folder} is trusted{waits}")
        case "refused":
            return Finding(
                "ok", "trust", f"{sought.folder} is not trusted: nothing that its files allow, run or redirect counts"
            )
        case "unknown":
            return Finding("ok", "trust", f"{sought.folder} is not trusted yet{waits}")


def of_servers(found: Configured) -> Finding:
    """The MCP servers that are configured; none is started for this."""
    if not found.servers and not found.problems:
        return Finding("ok", "mcp", "no MCP server is configured")
    names: dict[str, list[str]] = {}
    for it in found.servers:
        names.setdefault(WORDS[it.standing], []).append(it.config.name)
    said = "; ".join(f"{how}: {', '.join(them)}" for how, them in names.items()) or "none"
    problems = (
        f". {counted(len(found.problems), 'problem')}, the first in {found.problems[0]}" if found.problems else ""
    )
    return Finding("missing" if found.problems else "ok", "mcp", f"{said}{problems}")


def _key(find_key: Callable[[], str | None], *, elsewhere: bool) -> Finding:
    try:
        source = find_key()
    except ClawError as error:
        return Finding("broken", "key", str(error))
    if source is not None:
        return Finding("ok", "key", f"found in {source}")
    if elsewhere:
        return Finding("missing", "key", "none; the endpoint must be one that needs none")
    return Finding("broken", "key", "none: set ANTHROPIC_API_KEY in the environment your editor is started with")


def _program(name: str, environment: Mapping[str, str], without: str) -> Finding:
    program = found(name, environment.get("PATH", ""), (str(Path.cwd()),))
    if program is None:
        return Finding("missing", name, f"not on PATH: {without}")
    try:
        answer = subprocess.run(
            [program, "--version"], env=allowed(environment), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("broken", name, f"{program} does not start: {error}")
    first = (answer.stdout or answer.stderr).strip().split("\n")[0]
    return Finding("ok" if answer.returncode == 0 else "broken", name, f"{first} at {program}")


def _ripgrep(program: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", "ripgrep", program())
    except ClawError as error:
        return Finding("broken", "ripgrep", str(error))


def _sandbox(found: Mechanism) -> Finding:
    """What commands can be confined with, what that does not stop, and what to install."""
    match found.kind:
        case "bubblewrap":
            limits = "What a command leaves in the workspace and you run later is outside of it. `sandbox.enabled` turns it on."
            return Finding("ok", "sandbox", f"{found.said} ({found.version} at {found.program}). {limits}")
        case "landlock" | "seatbelt":
            limits = "Commands in it are asked about as if there were none."
            return Finding("missing", "sandbox", f"{found.said} ({found.version}). {limits} {found.why}".rstrip())
        case "none":
            return Finding("missing", "sandbox", f"none; commands run as you do. {found.why}")


def _home(folder: Path) -> Finding:
    """Whether sessions can be written; tried on the nearest folder that exists, since asking must not create it."""
    there = next((it for it in (folder, *folder.parents) if it.exists()), Path("/"))
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".claw-doctor-"):
            pass
    except OSError as error:
        return Finding("broken", "CLAW_HOME", f"{folder} cannot be written: {error.strerror}. Set CLAW_HOME elsewhere.")
    if os.name == "posix" and folder.exists() and folder.stat().st_mode & 0o022:
        return Finding("broken", "CLAW_HOME", f"others may write to {folder}: chmod go-w {folder}")
    return Finding("ok", "CLAW_HOME", f"{folder}" + ("" if folder.exists() else " (made when it is needed)"))
