"""What Landlock holds where bubblewrap is missing, run for real; and what it does not, which nobody may be told otherwise."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from claw_lsp.adapters.sandbox.finding import find, landlock_abi
from claw_lsp.adapters.sandbox.landlocked import readable
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.facts.settings import Settings
from tests.security.sandbox_desk import PYTHON, SECRET, Desk, sandboxed

pytestmark = pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with sandboxed() as it:
        it.sandbox = SystemSandbox({"PATH": "/nowhere"}, str(it.home / ".claw"))
        yield it


async def test_it_is_found_and_says_what_it_does_not_hold(desk: Desk) -> None:
    walls = await desk.sandbox.walls(desk.sandboxed(), desk.ground)
    assert walls.mechanism.startswith("Landlock: files and ")
    assert "not protected files" in walls.mechanism
    assert not walls.whole
    assert "apt install bubblewrap" in walls.why


@pytest.mark.parametrize(
    "command",
    [
        "echo x > {home}/planted",
        "echo x >> {home}/plain.txt",
        ": > {home}/plain.txt",
        "rm {home}/plain.txt",
        "mv {home}/plain.txt {home}/other",
        "mv {home}/plain.txt .",
        "ln {home}/plain.txt x && echo x >> x",
        "ln -s {home} way; echo x > way/planted",
        "echo x > /proc/self/root{home}/planted",
        "mkdir {home}/planted",
        "sh -c 'setsid sh -c \"echo x > {home}/planted\"'",
    ],
)
async def test_nothing_outside_is_written(desk: Desk, command: str) -> None:
    ran = await desk.run(command.format(home=desk.home))
    assert not (desk.home / "planted").exists()
    assert (desk.home / "plain.txt").read_text() == SECRET
    assert ran.code != 0 or command.startswith("sh -c")


@pytest.mark.parametrize(
    "command",
    ["cat {home}/.ssh/id_ed25519", "cat {home}/.netrc", "cat {home}/.claw/key", "cp -r {home}/.aws x; cat x/*"],
)
async def test_secrets_are_not_read(desk: Desk, command: str) -> None:
    ran = await desk.run(command.format(home=desk.home))
    assert SECRET not in ran.output
    assert SECRET in (await desk.run(f"cat {desk.home}/plain.txt")).output


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_PACKET"])
async def test_no_socket_leads_out(desk: Desk, family: str) -> None:
    ran = await desk.run(f"{PYTHON} -c 'import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)'")
    assert "Operation not permitted" in ran.output


async def test_other_processes_are_neither_read_nor_signalled(desk: Desk) -> None:
    ran = await desk.run(f"cat /proc/{os.getpid()}/environ; grep CapEff /proc/self/status; kill -0 {os.getpid()}")
    assert ran.code == 1
    assert "PATH=" not in ran.output
    assert "CapEff:\t0000000000000000" in ran.output


async def test_work_in_the_workspace_goes_on(desk: Desk) -> None:
    ran = await desk.run(
        "mkdir -p a && echo 1 > a/b && mv a/b c && rm -r a && git add -A && git -c user.name=x -c user.email=x@x commit -qm x"
        " && echo x > $TMPDIR/x && cat < /dev/null > /dev/null && cd src && git log --format=%s"
    )
    assert (ran.code, ran.output, ran.cwd) == (0, "x\n", str(desk.ws / "src"))
    assert list((desk.home / ".claw" / "sandbox").iterdir()) == []


async def test_what_cannot_be_set_up_runs_nothing(desk: Desk) -> None:
    confined = await desk.sandbox.confine(desk.sandboxed(), desk.ground)
    argv, environment = confined.inside(("touch", "planted"), {"LD_LIBRARY_PATH": "/x", "PATH": "/usr/bin"})
    assert "LD_LIBRARY_PATH" not in environment
    await confined.leave()
    assert os.spawnve(os.P_WAIT, argv[0], list(argv), dict(environment)) == 126
    assert not Path("planted").exists()


def test_a_hidden_file_is_left_out_of_what_may_be_read(tmp_path: Path) -> None:
    for name in ("a/b/secret", "a/c", "d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to("a/b/secret")
    found = set(readable(str(tmp_path), {f"{tmp_path}/a/b/secret"}))
    assert found == {f"{tmp_path}/a/c", f"{tmp_path}/d"}
    assert list(readable(str(tmp_path), frozenset())) == [str(tmp_path)]


def test_it_is_taken_only_where_bubblewrap_cannot_be_used(tmp_path: Path) -> None:
    inside = tmp_path / "ws" / "bin" / "bwrap"
    inside.parent.mkdir(parents=True)
    inside.write_text("#!/bin/sh\nexit 0\n")
    inside.chmod(0o755)
    found = find(f"{inside.parent}:relative", [str(tmp_path / "ws")])
    assert found.kind == "landlock"
    assert found.why == f"{inside} lies in the workspace and is not used: whoever writes there would be let out by it."
    assert Settings().sandbox_enabled is False
