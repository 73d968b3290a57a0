"""Every check in one session, in the environment that runs it: `nox`. pytest comes last, its closing line is ours."""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

PATHS = ("claw_lsp", "tests", "benchmarks", "noxfile.py")
PARALLEL = ("-n", "2", "--dist", "worksteal")
"""Most tests wait for processes and sockets; more than two at once made timed ones late."""


@nox.session
def check(session: nox.Session) -> None:
    """Style, types, floors, sizes, generated documents, and the tests."""
    session.run(_tool("ruff"), "check", "--output-format", "concise", *PATHS)
    session.run(_tool("ruff"), "format", "--check", "--quiet", *PATHS)
    session.run(_tool("basedpyright"))
    session.run(_tool("lint-imports"), "--no-cache")
    session.run(sys.executable, "tests/checks/sizes.py")
    session.run(sys.executable, "-m", "claw_lsp.testing.docs", "--check")
    session.run(_tool("pytest"), "-q", *PARALLEL, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/commands.md, docs/tools.md and docs/settings.md anew."""
    session.run(sys.executable, "-m", "claw_lsp.testing.docs")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests alone, one after the other; what follows -- goes to pytest."""
    session.run(_tool("pytest"), *session.posargs)


def _tool(name: str) -> str:
    """A program of the environment that runs this, which need not be the active one."""
    return str(Path(sys.executable).parent / name)
