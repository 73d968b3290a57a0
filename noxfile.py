"""Every check in one session, in the environment that runs it: `nox`. pytest comes last, its closing line is ours."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

PATHS = ("claw_lsp", "tests", "benchmarks", "noxfile.py")
PARALLEL = ("-n", "2", "--dist", "loadgroup", "--inline-snapshot=disable")
"""Most tests wait for processes and sockets; more than two at once made timed ones late."""


CHECKS = {
    "ruff check": ("ruff", "check", "--output-format", "concise", *PATHS),
    "ruff format": ("ruff", "format", "--check", "--quiet", *PATHS),
    "types": ("basedpyright",),
    "floors": ("lint-imports", "--no-cache"),
    "sizes": ("python", "tests/checks/sizes.py"),
    "documents": ("python", "-m", "claw_lsp.testing.docs", "--check"),
}


@nox.session
def check(session: nox.Session) -> None:
    """Style, types, floors, sizes, generated documents, and the tests; all of them, even if one fails."""
    failed: list[str] = []
    for name, (program, *args) in CHECKS.items():
        try:
            session.run(_tool(program), *args)
        except CommandFailed:
            failed.append(name)
    session.log(f"These checks failed: {', '.join(failed)}." if failed else "All checks passed; now the tests.")
    # Nothing is said after pytest's closing line; how it all went is the exit code.
    logging.getLogger("nox").setLevel(logging.CRITICAL + 1)
    session.run(_tool("pytest"), "-q", *PARALLEL, *session.posargs)
    if failed:
        session.error()


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/commands.md, events.md, tools.md and settings.md anew."""
    session.run(_tool("python"), "-m", "claw_lsp.testing.docs")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests alone, one after the other; what follows -- goes to pytest."""
    session.run(_tool("pytest"), *session.posargs)


def _tool(name: str) -> str:
    """A program of the environment that runs this, which need not be the active one."""
    return str(Path(sys.executable).parent / name)
