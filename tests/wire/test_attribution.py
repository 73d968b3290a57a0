"""Commits that the agent makes say so, over a real git: the line is asked for before anything runs."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.core.briefing import TRAILER
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Attribution, Settings
from claw_lsp.testing.fakes import nothing_below
from claw_lsp.testing.memory_workspace import BufferedWorkspace
from claw_lsp.tools.attributed import attributed
from claw_lsp.tools.bash import BashTool

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
WHO = {f"GIT_{who}_{what}": "Ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Repository:
    """A work tree with one staged file, and Bash in it."""

    def __init__(self, folder: Path, processes: ShellProcesses) -> None:
        self.folder = folder
        self._bash = BashTool(processes, SystemSandbox({}, "/nowhere"), nothing_below)
        self.git("init", "-q", "-b", "main")
        (folder / "a.txt").write_text("a\n")
        self.git("add", "a.txt")

    def git(self, *words: str) -> str:
        environment = {"PATH": "/usr/bin:/bin", **GIT, **WHO}
        done = subprocess.run(["git", *words], cwd=self.folder, env=environment, check=True, capture_output=True)
        return done.stdout.decode()

    async def bash(self, command: str, settings: Settings | None = None) -> Result:
        scene = Scene(
            "s",
            "r",
            str(self.folder),
            (str(self.folder),),
            "/",
            Mode.DEFAULT,
            {},
            (),
            settings or Settings(env={**GIT, **WHO}),
        )
        call = Call(id="c1", name="Bash", input={"command": command})
        plan = await self._bash.plan(call, scene, BufferedWorkspace())
        return await self._bash.perform(plan, scene, BufferedWorkspace(), (), unheard)


async def unheard(line: str) -> None:
    """Progress is not looked at."""


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    processes = ShellProcesses({"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, str(tmp_path / "output"))
    (tmp_path / "ws").mkdir()
    yield Repository(tmp_path / "ws", processes)
    await processes.close()


async def test_a_commit_without_the_line_is_not_made_and_the_model_is_told_how_to(repository: Repository) -> None:
    with pytest.raises(ToolError) as told:
        await repository.bash("git commit -qm 'Add a'")
    assert f"--trailer '{TRAILER}'" in str(told.value)
    assert "`attribution`" in str(told.value)
    assert repository.git("rev-list", "--all") == ""


@pytest.mark.parametrize(
    "command",
    [
        f"git commit -qm 'Add a' -m '{TRAILER}'",
        f"git commit -qm 'Add a' --trailer '{TRAILER}'",
        "git commit -qm 'Add a' --trailer 'Co-authored-by=Claude <noreply@anthropic.com>'",
        f"git commit -q -F - <<'EOF'\nAdd a\n\n{TRAILER}\nEOF",
        f"git commit -qm \"$(cat <<'EOF'\nAdd a\n\n{TRAILER}\nEOF\n)\"",
    ],
)
async def test_however_the_line_is_given_git_reads_it_as_the_commits_trailer(
    repository: Repository, command: str
) -> None:
    done = await repository.bash(command)
    assert not done.is_error, done.content
    found = repository.git("log", "-1", "--format=%(trailers:key=Co-Authored-By,valueonly)")
    assert found.strip() == "Claude <noreply@anthropic.com>"


async def test_where_the_person_took_the_line_out_nothing_is_asked_for(repository: Repository) -> None:
    done = await repository.bash("git commit -qm 'Add a'", Settings(env={**GIT, **WHO}, attribution=False))
    assert not done.is_error, done.content
    assert repository.git("log", "-1", "--format=%B").strip() == "Add a"


@pytest.mark.parametrize(
    "command",
    [
        "git commit -am x",
        "git -C sub -c user.name=x commit",
        "git add . && git commit --amend --no-edit && git push",
        "bash -c 'git commit -m x'",
        "timeout 5 /usr/bin/git commit -m x",
        "for f in a b; do git commit -m $f; done",
    ],
)
def test_a_commit_is_found_wherever_it_stands(command: str) -> None:
    with pytest.raises(ToolError, match="Helped-by: me"):
        attributed(command, Settings(attribution=Attribution(commit="Helped-by: me")))
    attributed(f"{command} # Helped-by: me", Settings(attribution="Helped-by: me"))
    attributed(command, Settings(attribution=Attribution(commit="")))


@pytest.mark.parametrize(
    "command",
    ["git log --grep commit", "git commit --dry-run", "echo git commit", "git show commit", "git commit-tree x", "ls"],
)
def test_what_makes_no_commit_is_left_alone(command: str) -> None:
    attributed(command, Settings())
