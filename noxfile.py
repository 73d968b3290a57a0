"""Every check in one session, in the environment that runs it: `nox`. pytest comes last, its closing line is ours."""

from __future__ import annotations

import os

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

PATHS = ("claw_lsp", "tests", "benchmarks", "noxfile.py")
PARALLEL = ("-n", "2", "--dist", "worksteal")
"""Most tests wait for processes and sockets; more than two at once made timed ones late."""


@nox.session
def check(session: nox.Session) -> None:
    """Style, types, floors, sizes, generated documents, and the tests."""
    session.run("ruff", "check", "--output-format", "concise", *PATHS)
    session.run("ruff", "format", "--check", "--quiet", *PATHS)
    session.run("basedpyright")
    session.run("lint-imports", "--no-cache")
    session.run("python", "tests/checks/sizes.py")
    session.run("python", "-m", "claw_lsp.testing.docs", "--check")
    session.run("pytest", "-q", *PARALLEL, *session.posargs, env={"PYTHONHASHSEED": "0", "COLUMNS": "120"})


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/commands.md, docs/tools.md and docs/settings.md anew."""
    session.run("python", "-m", "claw_lsp.testing.docs")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests alone; what follows -- goes to pytest."""
    session.run("pytest", *session.posargs, env=dict(os.environ))
