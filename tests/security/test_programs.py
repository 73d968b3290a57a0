"""Programs that we start by ourselves come from outside the workspace, and nothing of the environment reaches a shell."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
from pathlib import Path

import pytest

import claw_lsp
from claw_lsp.adapters.process.environment import allowed
from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.programs import absolute, found
from claw_lsp.adapters.sandbox.finding import Mechanism
from claw_lsp.facts.fault import ProcessError
from claw_lsp.ports.processes import Ran, ShellLine
from claw_lsp.term.doctor import findings

BASH = shutil.which("bash") or "/bin/bash"
SOURCES = [it for it in Path(claw_lsp.__file__).parent.rglob("*.py") if "testing" not in it.parts]


def planted(folder: Path, *names: str) -> Path:
    """Programs that write `p` beside the folder they lie in; the file that is then there."""
    mark = folder.parent / "p"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!{BASH}\necho {name} >> {mark}\n")
        (folder / name).chmod(0o755)
    return mark


async def ran(environment: dict[str, str], folder: Path, command: str) -> Ran:
    async def tell(line: str) -> None:
        """Nobody listens."""

    processes = ShellProcesses(environment, str(folder.parent / "output"))
    try:
        return await processes.run(ShellLine(command, str(folder), 20, "c1", "s"), tell)
    finally:
        await processes.close()


@pytest.mark.security_case("C21")
async def test_c21_bash_git_and_what_a_free_command_names_are_not_the_workspaces(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    mark = planted(folder, "bash", "ls", "git", "rg", "bwrap")
    environment = {"PATH": os.pathsep.join([".", "", str(folder), "relative/bin", os.environ["PATH"]])}
    answer = await ran({**environment, "HOME": str(tmp_path)}, folder, "echo $BASH")
    assert answer.output.strip() == BASH
    environment["PATH"] = os.pathsep.join([".", "", os.environ["PATH"]])
    answer = await ran(environment, folder, "ls")
    assert answer.output.split() == ["bash", "bwrap", "git", "ls", "rg"]
    assert not mark.exists()


async def test_where_only_the_workspace_has_bash_nothing_is_run(tmp_path: Path) -> None:
    mark = planted(tmp_path / "ws", "bash")
    (tmp_path / "link").symlink_to(tmp_path / "ws")
    for path in (str(tmp_path / "ws"), str(tmp_path / "link"), "."):
        with pytest.raises(ProcessError, match="PATH names no folder outside of this one"):
            await ran({"PATH": path}, tmp_path / "ws", "true")
    assert not mark.exists()


def test_the_doctor_runs_nothing_of_the_folder_it_is_called_in(tmp_path: Path) -> None:
    mark = planted(tmp_path / "ws", "git", "bash")
    environment = {"PATH": f".:{tmp_path}/ws"}
    with contextlib.chdir(tmp_path / "ws"):
        said = findings(environment, str(tmp_path), lambda: "rg", lambda: Mechanism("none"))
    assert [it.grade for it in said if it.what in ("git", "bash")] == ["missing", "missing"]
    assert not mark.exists()


def test_a_program_is_found_behind_what_is_refused_and_absolute_folders_stay_in_order(tmp_path: Path) -> None:
    planted(tmp_path / "ws", "tool")
    planted(tmp_path / "bin", "tool")
    (tmp_path / "sly").mkdir()
    (tmp_path / "sly" / "tool").symlink_to(tmp_path / "ws" / "tool")
    path = os.pathsep.join([".", str(tmp_path / "sly"), str(tmp_path / "ws"), str(tmp_path / "bin")])
    assert found("tool", path, [str(tmp_path / "ws")]) == str(tmp_path / "bin" / "tool")
    assert found("tool", path, []) == str(tmp_path / "sly" / "tool")
    assert found("absent", path, []) is None
    assert absolute(".::/usr/bin:bin:/bin") == ["/usr/bin", "/bin"]
    assert allowed({"PATH": ".:/usr/bin"})["PATH"] == "/usr/bin"


@pytest.mark.security_case("C22")
async def test_c22_what_the_environment_holds_is_never_read_by_a_shell(tmp_path: Path) -> None:
    mark = tmp_path / "p"
    evil = f"x; touch {mark}; $(touch {mark}) `touch {mark}`"
    names = (
        "TERMINAL",
        "EDITOR",
        "SHELL",
        "PAGER",
        "BROWSER",
        "TERM",
        "LANG",
        "USER",
        "HOME",
        "TMPDIR",
        "BASH_ENV",
        "ENV",
    )
    environment = {
        **dict.fromkeys(names, evil),
        "PATH": os.environ["PATH"],
        "BASH_FUNC_ls%%": f"() {{ touch {mark}; }}",
    }
    (tmp_path / "ws").mkdir()
    answer = await ran(environment, tmp_path / "ws", "ls; echo done")
    assert answer.output.strip() == "done"
    assert not mark.exists()


def test_no_part_of_ours_hands_a_text_to_a_shell_but_those_that_are_named_here() -> None:
    """`sh -c` occurs where a person's own words are run: the Bash tool's line, and the helpers for their key and for headers."""
    shells = {
        f"{path.name}: {ast.unparse(node)}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("-c", "/c", "-lc")
    }
    assert {it.split(":")[0] for it in shells} <= {
        "shell.py",
        "git.py",
        "commands.py",
        "attributed.py",
        "credentials.py",
        "finding.py",
        "headers.py",  # headersHelper: a line of the person's, or of an entry that they approved.
        "helper.py",
        "program.py",  # Python's own -c, which starts the warden of an MCP server.
        "supervised.py",
    }
    calls = {
        (path.name, ast.unparse(node.func))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    }
    forbidden = {"os.system", "os.popen", "asyncio.create_subprocess_shell", "subprocess.getoutput"}
    assert {it for it in calls if it[1] in forbidden} == set()
    shells = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) == "True"
    }
    assert shells == set()
