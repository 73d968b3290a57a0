"""git, asked about a work tree in such a way that nothing the repository brings or configures is run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.adapters.programs import absolute, found, inside
from claw_lsp.facts.fault import ClawError

SUMMARY_SECONDS, DIFF_SECONDS = 2.0, 20.0
MAX_BYTES = 2_000_000
MAX_FILES = 40

_QUIET = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.sshCommand": "false",
    "core.askPass": "",
    "core.gitProxy": "",
    "safe.bareRepository": "explicit",
    "diff.submodule": "short",
    "diff.ignoreSubmodules": "all",
    "status.submoduleSummary": "false",
    "submodule.recurse": "false",
    "credential.helper": "",
    "protocol.allow": "never",
}
"""What the repository's own configuration could use to start a program, switched off."""

_DIFF = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


class Git:
    """Fills the port Versions.

    `search_path` is the PATH in which git is looked for, absolute folders outside the workspace only; `roots` are the
    workspace folders. Invariant: `summary` never raises; `diff` raises nothing but ClawError.
    """

    def __init__(self, *, search_path: str, home: str, roots: tuple[str, ...] = ()) -> None:
        self._search_path = search_path
        self._home = home
        self._roots = roots

    async def summary(self, folder: str) -> str:
        """Branch, distance to its upstream and up to 40 changed files; "" where there is no repository."""
        tree = await asyncio.to_thread(self._work_tree, folder)
        if tree is None:
            return ""
        args = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=all")
        try:
            async with asyncio.timeout(SUMMARY_SECONDS):
                said = await _ask(tree, args)
        except TimeoutError:
            return f"git did not answer within {SUMMARY_SECONDS:g} s, so branch and status are not known here"
        return _summary(said.output) if said.code == 0 else "a repository that git could not read"

    async def ignores(self, path: str) -> bool:
        """Whether git ignores this file, which it does not track; True where git cannot be asked, or says nothing."""
        tree = await asyncio.to_thread(self._work_tree, str(Path(path).parent))
        if tree is None:
            return False
        try:
            async with asyncio.timeout(SUMMARY_SECONDS):
                return (await _ask(tree, ("check-ignore", "--quiet", "--", path))).code != 1
        except TimeoutError:
            return True

    async def diff(self, folder: str, base: str = "HEAD", *, staged: bool = False) -> str:
        """The work tree, or what is `staged`, against a revision (before the first commit: against nothing); "" when
        nothing differs. Raises ClawError where there is no repository, no git or no such revision, and when git fails or
        takes too long."""
        tree = await asyncio.to_thread(self._work_tree, folder)
        if tree is None:
            raise ClawError(
                f"{folder} is in no git repository, or no git was found, so there is nothing to compare with."
            )
        which = ("--cached",) if staged else ()
        try:
            async with asyncio.timeout(DIFF_SECONDS):
                found = await _ask(tree, ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"))
                if found.code != 0 and base != "HEAD":
                    raise ClawError(await _unknown(tree, base))
                if found.code != 0:
                    found = await _ask(tree, ("hash-object", "-t", "tree", os.devnull))
                said = await _ask(tree, ("diff", *_DIFF, *which, found.output.strip(), "--"))
        except TimeoutError as error:
            raise ClawError(
                f"git did not answer within {DIFF_SECONDS:g} s in {folder}. See what keeps it busy, then try again."
            ) from error
        if said.code != 0 and not said.cut:
            raise ClawError(f"git could not compare the files in {folder}. `git status` there says what is wrong.")
        cut = f"\n(The diff is cut after {MAX_BYTES} bytes.)\n" if said.cut else ""
        return said.output + cut

    def _work_tree(self, folder: str) -> _WorkTree | None:
        """The repository that a folder lies in, and the git to ask; None where either is missing."""
        here = Path(os.path.realpath(folder))
        top = next((it for it in (here, *here.parents) if os.path.lexists(it / ".git")), None)
        if top is None:
            return None
        outside = [os.path.realpath(it) for it in (*self._roots, folder)] + [str(top)]
        path = [it for it in absolute(self._search_path) if not inside(it, outside)]
        git = found("git", self._search_path, outside)
        if git is None:
            return None
        return _WorkTree(git, str(top), str(here), _environment(os.pathsep.join(path), self._home, str(top)))


@dataclass(frozen=True, slots=True)
class _WorkTree:
    """`top` holds `.git`; `here` is where git is asked from."""

    git: str
    top: str
    here: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Said:
    """What git printed; `cut` when there was more than MAX_BYTES and it was stopped."""

    code: int | None
    output: str
    cut: bool = False


async def _unknown(tree: _WorkTree, base: str) -> str:
    """Why a revision was not found: in a repository that git cannot read there is none at all."""
    read = await _ask(tree, ("rev-parse", "--git-dir"))
    if read.code != 0:
        return f"git cannot read the repository in {tree.top}. `git status` there says what is wrong."
    return f"There is no revision {base!r} in {tree.top}. Name a branch, a tag or a commit of this repository."


def _environment(path: str, home: str, top: str) -> dict[str, str]:
    """Few variables, and none of ours. The work tree is named, so that `core.worktree` cannot point elsewhere."""
    return {
        "PATH": path,
        "HOME": home,
        "LC_ALL": "C",
        "GIT_WORK_TREE": top,
        "GIT_CEILING_DIRECTORIES": str(Path(top).parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PAGER": "cat",
        "GIT_ATTR_NOSYSTEM": "1",
    }


async def _ask(tree: _WorkTree, args: tuple[str, ...]) -> _Said:
    """One git command with the filters that the repository defines switched off as well; they have names to find out.

    Where they cannot be found out, or one could not be named on a command line, nothing is asked.
    """
    listing = await _run(
        tree, ("config", "--show-scope", "--null", "--name-only", "--get-regexp", r"^filter\."), _QUIET
    )
    names = _filters(listing.output)
    if listing.code not in (0, 1) or any("=" in name for name in names):
        return _Said(None, "")
    quiet = {f"{name}.{use}": "" for name in names for use in ("clean", "smudge", "process")}
    quiet |= {f"{name}.required": "false" for name in names}
    return await _run(tree, args, {**_QUIET, **quiet})


def _filters(listing: str) -> set[str]:
    """The filters that a repository's own configuration has a part in: `filter.NAME`. The person's own may run."""
    words = listing.split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return {key.rpartition(".")[0] for scope, key in pairs if scope not in ("global", "command")}


async def _run(tree: _WorkTree, args: tuple[str, ...], config: Mapping[str, str]) -> _Said:
    """Run git to its end, or to the limit of its output. When cancelled, it and its children are gone."""
    settings = [word for key, value in config.items() for word in ("-c", f"{key}={value}")]
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            tree.git,
            "--no-pager",
            *settings,
            *args,
            cwd=tree.here,
            env=dict(tree.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would end git alone where it is called off half-way, and not what git has started.
        await asyncio.wait([starting])
        if starting.exception() is None:
            await _end(starting.result())
        raise
    except OSError:
        return _Said(None, "")
    try:
        output = await _read(process)
        if len(output) > MAX_BYTES:
            return _Said(None, output[:MAX_BYTES].decode("utf-8", "replace"), cut=True)
        return _Said(await process.wait(), output.decode("utf-8", "replace"))
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _kill(process.pid)
        await asyncio.shield(process.wait())


async def _read(process: asyncio.subprocess.Process) -> bytes:
    """What it prints, and at most one piece beyond the limit."""
    output = bytearray()
    while process.stdout and len(output) <= MAX_BYTES and (piece := await process.stdout.read(65_536)):
        output += piece
    return bytes(output)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def _summary(status: str) -> str:
    """The lines for people and model, from the porcelain form; names are data and stay on one line each."""
    head: dict[str, str] = {}
    changed: list[str] = []
    words = iter(status.split("\0"))
    for word in words:
        kind, _, rest = word.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            head[name] = value
        elif kind == "2":
            fields = rest.split(" ", 8)
            changed.append(f"{fields[0]} {_plain(next(words, ''))} -> {_plain(fields[-1])}")
        elif kind in ("1", "u"):
            fields = rest.split(" ", 7 if kind == "1" else 9)
            changed.append(f"{fields[0]} {_plain(fields[-1])}")
        elif kind == "?":
            changed.append(f"?? {_plain(rest)}")
    lines = [_branch(head), *changed[:MAX_FILES]]
    if len(changed) > MAX_FILES:
        lines.append(f"… and {len(changed) - MAX_FILES} more")
    return "\n".join(lines if changed else [lines[0] + ", nothing changed"])


def _branch(head: Mapping[str, str]) -> str:
    name, commit = head.get("branch.head", ""), head.get("branch.oid", "")
    if name == "(detached)":
        return f"no branch, at commit {commit[:12]}"
    line = f"branch {_plain(name)}"
    if commit == "(initial)":
        return f"{line}, no commit yet"
    ahead, _, behind = head.get("branch.ab", "").partition(" ")
    if upstream := head.get("branch.upstream"):
        away = [f"{n[1:]} {word}" for n, word in ((ahead, "ahead"), (behind, "behind")) if n not in ("", "+0", "-0")]
        line += f", {' and '.join(away)} of {_plain(upstream)}" if away else f", even with {_plain(upstream)}"
    return line


def _plain(text: str) -> str:
    """A name on one line; characters that do not print are shown escaped."""
    return "".join(it if it.isprintable() else it.encode("unicode_escape", "backslashreplace").decode() for it in text)
