"""git over real repositories: what it says, and what it never runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from claw_lsp.adapters.git import Git
from claw_lsp.facts.fault import ClawError

GIT = shutil.which("git") or ""
pytestmark = pytest.mark.skipif(not GIT, reason="git is not installed")


class Repository:
    """A folder with a repository in it, made with an empty home."""

    def __init__(self, root: Path, name: str = "work") -> None:
        self.home, self.folder, self.planted = root / "home", root / name, root / "planted"
        self.home.mkdir(exist_ok=True)
        self.folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *args: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C"}
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        command = [GIT, *who, *args]
        return subprocess.run(
            command, cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x", "--no-verify")

    def plant(self, name: str) -> str:
        """A program that leaves a trace when it runs; its path."""
        program = self.planted.parent / name
        program.write_text(f"#!/bin/sh\ntouch {self.planted}\ncat\n")
        program.chmod(0o755)
        return str(program)

    def ask(self, search_path: str | None = None) -> Git:
        return Git(search_path=search_path or os.environ["PATH"], home=str(self.home), roots=(str(self.folder),))


@pytest.fixture
def work(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


async def test_branch_and_changes_are_told(work: Repository) -> None:
    work.commit(a="1\n", b="2\n", c="3\n")
    (work.folder / "a").write_text("11\n")
    (work.folder / "new file").write_text("")
    work.git("mv", "b", "moved to")
    work.git("rm", "-q", "c")
    expected = "branch main\nD. c\nR. b -> moved to\n.M a\n?? new file"
    said = await work.ask().summary(str(work.folder))
    assert (said.splitlines()[0], set(said.splitlines())) == ("branch main", set(expected.splitlines()))


async def test_a_folder_below_speaks_for_its_repository(work: Repository) -> None:
    work.commit(a="1\n")
    (work.folder / "sub").mkdir()
    assert await work.ask().summary(str(work.folder / "sub")) == "branch main, nothing changed"


async def test_the_distance_to_the_upstream_is_told(work: Repository) -> None:
    work.commit(a="1\n")
    work.git("branch", "base")
    work.git("branch", "-q", "--set-upstream-to=base")
    assert await work.ask().summary(str(work.folder)) == "branch main, even with base, nothing changed"
    work.commit(a="2\n")
    assert await work.ask().summary(str(work.folder)) == "branch main, 1 ahead of base, nothing changed"


async def test_a_detached_head_and_a_repository_without_commits(work: Repository) -> None:
    assert await work.ask().summary(str(work.folder)) == "branch main, no commit yet, nothing changed"
    work.commit(a="1\n")
    work.git("checkout", "-q", "--detach")
    commit = work.git("rev-parse", "HEAD")[:12]
    assert await work.ask().summary(str(work.folder)) == f"no branch, at commit {commit}, nothing changed"


async def test_a_linked_work_tree_is_a_repository_too(work: Repository) -> None:
    work.commit(a="1\n")
    other = work.folder.parent / "other"
    work.git("worktree", "add", "-q", "-b", "side", str(other))
    (other / "a").write_text("2\n")
    assert await work.ask().summary(str(other)) == "branch side\n.M a"


async def test_a_great_many_changes_are_counted(work: Repository) -> None:
    for n in range(50):
        (work.folder / f"f{n}").write_text("")
    lines = (await work.ask().summary(str(work.folder))).splitlines()
    assert len(lines) == 42
    assert lines[-1] == "… and 10 more"


async def test_the_diff_is_that_of_the_work_tree_against_head(work: Repository) -> None:
    work.commit(a="1\n", b="1\n")
    (work.folder / "a").write_text("2\n")
    (work.folder / "b").write_text("2\n")
    work.git("add", "b")
    work.git("config", "diff.noprefix", "true")
    said = await work.ask().diff(str(work.folder))
    assert [line for line in said.splitlines() if line[0] in "+-"] == [
        *("--- a/a", "+++ b/a", "-1", "+2"),
        *("--- a/b", "+++ b/b", "-1", "+2"),
    ]


async def test_the_diff_before_the_first_commit_is_against_nothing(work: Repository) -> None:
    (work.folder / "a").write_text("1\n")
    work.git("add", "a")
    assert "+++ b/a\n@@ -0,0 +1 @@\n+1\n" in await work.ask().diff(str(work.folder))


async def test_a_huge_diff_is_cut_and_says_so(work: Repository) -> None:
    work.commit(a="")
    (work.folder / "a").write_text("line\n" * 600_000)
    said = await work.ask().diff(str(work.folder))
    assert said.endswith("\n(The diff is cut after 2000000 bytes.)\n")
    assert len(said) < 2_001_000


async def test_no_repository_and_no_git_are_nothing_to_tell(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    nothing = work.ask(search_path=str(tmp_path / "empty"))
    assert await nothing.summary(str(work.folder)) == ""
    assert await work.ask().summary(str(tmp_path)) == ""


async def test_a_difference_that_cannot_be_told_says_why(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    for git, folder in (
        (work.ask(search_path=str(tmp_path / "empty")), work.folder),
        (work.ask(), tmp_path / "missing"),
    ):
        with pytest.raises(ClawError, match=f"{folder} is in no git repository, or no git was found"):
            await git.diff(str(folder))
    with pytest.raises(ClawError, match=r"There is no revision 'nosuch' in .*Name a branch, a tag or a commit"):
        await work.ask().diff(str(work.folder), "nosuch")
    assert await work.ask().diff(str(work.folder)) == ""


async def test_what_git_leaves_out_is_known_file_by_file(work: Repository, tmp_path: Path) -> None:
    work.commit(**{".gitignore": "*.log\nout/\n", "a": "1\n"})
    (work.folder / "tracked.log").write_text("")
    work.git("add", "-f", "tracked.log")
    git = work.ask()
    names = ("a", "new", "b.log", "out/x", "tracked.log", "missing/c.log")
    assert [await git.ignores(str(work.folder / it)) for it in names] == [False, False, True, True, False, True]
    assert not await git.ignores(str(tmp_path / "b.log"))
    (work.folder / ".git" / "HEAD").write_text("nonsense")
    assert await git.ignores(str(work.folder / "a"))


async def test_a_broken_repository_is_told_and_raises_nothing(work: Repository) -> None:
    (work.folder / ".git" / "HEAD").write_text("nonsense")
    assert await work.ask().summary(str(work.folder)) == "a repository that git could not read"
    with pytest.raises(ClawError, match=r"git could not compare|git cannot read"):
        await work.ask().diff(str(work.folder))
    with pytest.raises(ClawError, match="git cannot read the repository"):
        await work.ask().diff(str(work.folder), "v1")


async def ask_everything(work: Repository) -> tuple[str, str]:
    """All questions after the file was touched, so that git has to look into it; in place of a diff why there is none."""
    os.utime(work.folder / "a", (1, 1))
    git = work.ask()
    summary = await git.summary(str(work.folder))
    await git.ignores(str(work.folder / "a"))
    try:
        return summary, await git.diff(str(work.folder))
    except ClawError as error:
        return summary, str(error)


PLANTS = ["fsmonitor", "hooks", "clean filter", "process filter", "textconv", "external diff", "diff driver", "pager"]


def set_trap(work: Repository, kind: str) -> None:
    program = work.plant("trap")
    attributes = work.folder / ".gitattributes"
    match kind:
        case "fsmonitor":
            work.git("config", "core.fsmonitor", program)
        case "hooks":
            folder = work.folder.parent / "hooks"
            folder.mkdir()
            for hook in ("post-index-change", "fsmonitor-watchman", "post-checkout", "reference-transaction"):
                shutil.copy(program, folder / hook)
            work.git("config", "core.hooksPath", str(folder))
        case "clean filter" | "process filter":
            attributes.write_text("a filter=x.y\n")
            work.git("config", f"filter.x.y.{kind.split()[0]}", program)
            work.git("config", "filter.x.y.required", "true")
        case "textconv" | "diff driver":
            attributes.write_text("a diff=x\n")
            work.git("config", "diff.x.textconv" if kind == "textconv" else "diff.x.command", program)
        case "external diff":
            work.git("config", "diff.external", program)
        case "pager":
            work.git("config", "core.pager", program)
            work.git("config", "pager.status", "true")
            work.git("config", "pager.diff", "true")


@pytest.mark.security_case("C07")
@pytest.mark.parametrize("kind", PLANTS)
async def test_c05_c07_nothing_the_repository_configures_is_run(work: Repository, kind: str) -> None:
    work.commit(a="1\n", b="1\n")
    (work.folder / "b").write_text("2\n")
    set_trap(work, kind)
    summary, diff = await ask_everything(work)
    assert not work.planted.exists()
    assert ".M b" in summary
    assert "-1\n+2" in diff


async def test_the_traps_of_these_tests_do_run_in_an_ordinary_git(work: Repository) -> None:
    work.commit(a="1\n")
    set_trap(work, "clean filter")
    os.utime(work.folder / "a", (1, 1))
    (work.folder / "a").write_text("2\n")
    work.git("status")
    assert work.planted.exists()


async def test_a_filter_that_cannot_be_switched_off_by_name_means_that_nothing_is_asked(work: Repository) -> None:
    work.commit(a="1\n")
    (work.folder / ".gitattributes").write_text("a filter=x=y\n")
    work.git("config", "filter.x=y.clean", work.plant("trap"))
    assert (await ask_everything(work))[0] == "a repository that git could not read"
    assert not work.planted.exists()


async def test_the_persons_own_filter_still_works(work: Repository) -> None:
    work.git("config", "--global", "filter.upper.clean", "tr a-z A-Z")
    (work.folder / ".gitattributes").write_text("a filter=upper\n")
    work.commit(a="x\n")
    assert (await ask_everything(work))[0] == "branch main, nothing changed"


async def test_core_worktree_does_not_lead_elsewhere(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private").write_text("")
    work.git("config", "core.worktree", str(elsewhere))
    assert await work.ask().summary(str(work.folder)) == "branch main, nothing changed"


async def test_c21_a_git_that_the_workspace_brings_is_not_used(work: Repository) -> None:
    work.commit(a="1\n")
    shutil.copy(work.plant("trap"), work.folder / "git")
    link = work.folder.parent / "bin"
    link.mkdir()
    (link / "git").symlink_to(work.folder / "git")
    search_path = os.pathsep.join([".", "", str(work.folder), str(link), str(Path(GIT).parent)])
    assert await work.ask(search_path).summary(str(work.folder)) == "branch main\n?? git"
    assert not work.planted.exists()


@pytest.mark.security_case("C24")
async def test_c24_a_branch_name_is_data(work: Repository) -> None:
    work.commit(a="1\n")
    work.git("checkout", "-q", "-b", f"$(touch${{IFS}}{work.planted})")
    (work.folder / "evil\n\x1b[31mname\u202e").write_text("")
    said = await work.ask().summary(str(work.folder))
    assert said.splitlines() == [
        f"branch $(touch${{IFS}}{work.planted})",
        "?? evil\\n\\x1b[31mname\\u202e",
    ]
    assert not work.planted.exists()


def slow_git(folder: Path) -> str:
    """A folder with a git that never ends and starts a child; both write their id."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {folder}/child\necho $$ > {folder}/self\nwait\n")
    (folder / "git").chmod(0o755)
    return os.pathsep.join([str(folder), "/usr/bin", "/bin"])


def gone(path: Path) -> bool:
    try:
        return Path(f"/proc/{path.read_text().strip()}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


async def all_gone(folder: Path) -> None:
    async with asyncio.timeout(60):
        while not (gone(folder / "self") and gone(folder / "child")):
            await asyncio.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
async def test_a_git_that_hangs_is_given_up_after_two_seconds(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    said = await work.ask(slow_git(tmp_path / "slow")).summary(str(work.folder))
    assert said == "git did not answer within 2 s, so branch and status are not known here"
    await all_gone(tmp_path / "slow")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
async def test_a_cancelled_question_leaves_no_process(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    asking = asyncio.create_task(work.ask(slow_git(tmp_path / "slow")).diff(str(work.folder)))
    while not (tmp_path / "slow" / "self").exists():
        await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await all_gone(tmp_path / "slow")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
async def test_a_question_cancelled_while_git_starts_leaves_no_process(work: Repository, tmp_path: Path) -> None:
    work.commit(a="1\n")
    slow = tmp_path / "slow"
    asking = asyncio.create_task(work.ask(slow_git(slow)).diff(str(work.folder)))
    while not any(str(slow) in " ".join(it.cmdline()) for it in psutil.Process().children()):
        await asyncio.sleep(0)
    # The loop stands still from here on: git has begun, and nobody has heard of it yet.
    while not (slow / "self").exists() or not (slow / "self").read_text():
        time.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await all_gone(slow)
