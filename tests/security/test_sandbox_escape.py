"""What a command tries in order to get out of bubblewrap, each of it run for real; and what it must still be able to do."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.facts.fault import FolderGone, ProcessError
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import ShellLine
from tests.security.sandbox_desk import PYTHON, SECRET, Desk, needs_bwrap, sandboxed, unheard

pytestmark = needs_bwrap


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with sandboxed() as it:
        yield it


WRITES = {
    "outside": "echo x > {outside}/planted",
    "delete outside": "rm -f {outside}/kept",
    "append outside": "echo x >> {outside}/kept",
    "truncate outside": ": > {outside}/kept",
    "chmod outside": "chmod 777 {outside}/kept",
    "rename outside": "mv {outside}/kept {outside}/other",
    "by a link": "ln -s {outside} way; echo x > way/planted",
    "by a hard link": "ln {outside}/kept hard && echo x >> hard",
    "by /proc/self/root": "echo x > /proc/self/root{outside}/planted",
    "by the parent's root": "for p in /proc/[0-9]*; do echo x > $p/root{outside}/planted; done",
    "by the parent's folder": "for p in /proc/[0-9]*; do echo x > $p/cwd/../outside/planted; done",
    "mounted anew": "mount -o remount,rw / ; mount -o remount,rw,bind / ; echo x > {outside}/planted",
    "unmounted": "umount -l {outside} ; umount -l / ; echo x > {outside}/planted",
    "in a namespace of its own": "unshare -Urm sh -c 'mount -o remount,rw / ; echo x > {outside}/planted'",
    "in the mount namespace of another": "nsenter -t 1 -m sh -c 'echo x > {outside}/planted'",
    "with chroot": "chroot /proc/1/root sh -c 'echo x > {outside}/planted'",
    "in the home": "echo x > {home}/.bashrc; mkdir -p {home}/.config/autostart/x",
    "in our own folder": "echo x > {home}/.claw/settings.json; echo x > {home}/.claw/output/planted",
}

PROTECTED = {
    "a hook": "echo x > .git/hooks/pre-commit",
    "a hook by a link": "ln -s .git/hooks h; echo x > h/pre-commit",
    "the configuration of git": "git config core.fsmonitor 'touch x'; echo x >> .git/config",
    "the configuration by another name": "cp .git/config c; mv c .git/config",
    "another configuration": "mkdir -p evil && echo ../evil > .git/commondir; rm .git/commondir",
    "the work tree's configuration": "echo x > .git/config.worktree",
    ".git moved away": "mv .git .git2 && mkdir -p .git/hooks && echo x > .git/hooks/pre-commit",
    ".git deleted": "rm -rf .git/config .git/hooks; rmdir .git; rm -rf .git/hooks",
    "an exchange of .git": f'{PYTHON} -c \'import os; os.mkdir("n"); os.rename(".git", "n/g")\'',
    "the workspace moved away": 'mv "$PWD" "$PWD.2"; mv ../"wörk space" ../away',
    "servers that are run": "echo '{{}}' > .mcp.json; mkdir .mcp.json; rmdir .mcp.json; mv src .mcp.json",
    "servers by a link": "ln -sf src .mcp.json",
    "rules of the agent": "echo '{{}}' > .claude/settings.json; rm -rf .claude; mv .claude x",
    "rules of the agent, new": "mkdir -p .claw; echo '{{}}' > .claw/settings.json; rmdir .claw; mv src .claw",
    "tasks of the editor": "echo '{{}}' > .vscode/tasks.json; mv .vscode v; rm -rf .vscode",
    "tasks of another editor": "mkdir -p .idea/x; echo x > .idea/workspace.xml; mkdir -p .devcontainer/x",
    "a hard link": "ln .claude/settings.json h && echo x >> h; ln .vscode/settings.json src/h && echo x >> src/h",
    "husky, direnv, npm": "mkdir -p .husky/_; echo x > .husky/pre-commit; echo x > .envrc; echo x > .npmrc",
    "a virtual environment": "mkdir -p .venv/bin; echo x > .venv/bin/python; mkdir -p venv/bin",
}


@pytest.mark.parametrize("how", WRITES)
async def test_nothing_outside_is_changed(desk: Desk, how: str) -> None:
    outside = desk.root / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    before = {it: it.stat().st_mode for it in (desk.home.rglob("*"))}
    await desk.run(WRITES[how].format(outside=outside, home=desk.home))
    assert {it.name: it.read_text() for it in outside.iterdir()} == {"kept": "kept"}
    assert (outside / "kept").stat().st_mode & 0o777 == 0o644
    after = {it: it.stat().st_mode for it in (desk.home.rglob("*")) if "sandbox" not in it.parts}
    assert after == before


@pytest.mark.parametrize("how", PROTECTED)
async def test_what_others_run_cannot_be_planted(desk: Desk, how: str) -> None:
    before = desk.files()
    await desk.run(PROTECTED[how].format())
    kept = {name: text for name, text in desk.files().items() if name.startswith(".") and name in before}
    assert kept == {name: text for name, text in before.items() if name.startswith(".")}
    assert {it for it in desk.files() if it.startswith(".")} == {it for it in before if it.startswith(".")}


SECRETS = {
    "the key of ssh": "cat {home}/.ssh/id_ed25519",
    "by the root of a process": "cat /proc/self/root{home}/.ssh/id_ed25519 /proc/1/root{home}/.ssh/id_ed25519",
    "credentials": "cat {home}/.aws/credentials {home}/.netrc {home}/.config/gh/hosts.yml",
    "our own": "cat {home}/.claw/key; ls -a {home}/.claw; cp -r {home}/.claw x; cat x/*",
    "by a link": "ln -s {home}/.ssh s; cat s/*",
    "of other processes": "cat /proc/[0-9]*/environ | tr '\\0' '\\n'",
}


@pytest.mark.parametrize("how", SECRETS)
async def test_secrets_are_hidden(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    async with sandboxed() as desk:
        ran = await desk.run(SECRETS[how].format(home=desk.home))
        assert SECRET not in ran.output
        assert SECRET.encode() not in b"".join(desk.files().values())
        assert SECRET in (await desk.run(f"cat '{desk.home}/plain.txt'")).output


async def test_processes_outside_are_neither_seen_nor_signalled(desk: Desk) -> None:
    name = f"{10_000_000 + secrets.randbelow(80_000_000)}"
    other = await asyncio.create_subprocess_exec("sleep", name)
    try:
        said = await desk.run(
            f"cat /proc/*/cmdline | tr '\\0' ' '; kill -9 {other.pid}; kill -9 -1; "
            f"{PYTHON} -c 'import ctypes; print(ctypes.CDLL(None).ptrace(16, {other.pid}, 0, 0))'"
        )
        assert f"sleep {name}" not in said.output
        assert other.returncode is None
        assert psutil.Process(other.pid).status() == psutil.STATUS_SLEEPING
    finally:
        other.kill()
        await other.wait()


NETWORK = {
    "TCP": "exec 3<>/dev/tcp/{host}/{port}",
    "UDP": "echo x > /dev/udp/{host}/{port}",
    "a name": "getent hosts example.com",
    "a raw socket": f"{PYTHON} -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'",
    "a Unix socket": f"{PYTHON} -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{{path}}\")'",
    "an abstract socket": f"{PYTHON} -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"\\0{{name}}\")'",
    "a machine's own socket": f"{PYTHON} -c 'import socket; socket.socket(40, socket.SOCK_STREAM)'",
    "the packets": f"{PYTHON} -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
}


@pytest.mark.parametrize("how", NETWORK)
async def test_nothing_is_reached_over_sockets(desk: Desk, how: str) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")
        writer.close()

    name = secrets.token_hex(8)
    path = desk.ws / "s"
    servers = [
        await asyncio.start_server(hear, "127.0.0.1", 0),
        await asyncio.start_unix_server(hear, str(path)),
        await asyncio.start_unix_server(hear, f"\0{name}"),
    ]
    port = servers[0].sockets[0].getsockname()[1]
    ran = await desk.run(NETWORK[how].format(host="127.0.0.1", port=port, path=path, name=name))
    for it in servers:
        it.close()
    assert heard == []
    assert ran.code != 0 or how == "UDP"


async def test_what_leaves_the_session_ends_with_the_command(desk: Desk) -> None:
    name = f"{10_000_000 + secrets.randbelow(80_000_000)}"
    command = f"setsid nohup sleep {name} & (setsid sh -c 'sleep {name} & exit' &) ; sleep {name}"
    running = asyncio.create_task(desk.run(command))
    while _sleeping(name) < 3:
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert _sleeping(name) == 0
    await desk.sandbox.settled()
    assert "sandbox" not in " ".join(desk.files())


def _sleeping(name: str) -> int:
    found = 0
    for process in psutil.process_iter():
        try:
            found += process.cmdline() == ["sleep", name]
        except psutil.Error:
            continue
    return found


async def test_a_terminal_is_not_there_and_nothing_is_typed_into_ours(desk: Desk) -> None:
    program = "import fcntl, sys; fcntl.ioctl(0, 0x5412, b'x')"
    ran = await desk.run(f'cat < /dev/tty; ls /dev/pts /dev/mem /dev/sda; {PYTHON} -c "{program}"')
    assert ran.code == 1
    assert "No such device or address" in ran.output
    assert "Operation not permitted" in ran.output


async def test_no_descriptor_of_ours_is_handed_down(desk: Desk) -> None:
    ran = await desk.run("for f in /proc/self/fd/*; do echo ${f##*/} $(readlink $f); done")
    numbers = {line.split()[0]: line.split()[-1] for line in ran.output.splitlines() if "/proc/" not in line}
    # The shell's own, and the pipe on which it says in which folder it stands.
    assert {it for it in numbers if it not in ("0", "1", "2", "199")} <= {"3", "255"}
    assert numbers["0"] == "/dev/null"


async def test_powers_are_gone_and_namespaces_cannot_be_made(desk: Desk) -> None:
    ran = await desk.run("grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; unshare -U true; echo $?")
    assert ran.output.split("\n")[0].endswith("0000000000000000")
    assert "NoNewPrivs:\t1" in ran.output
    assert "Seccomp:\t2" in ran.output
    assert ran.output.rstrip().endswith("1")


async def test_the_kernels_settings_are_only_read_even_as_their_owner(desk: Desk) -> None:
    """Each file is opened for writing and nothing is written: what it would do, nobody wants to see."""
    owned = "find /proc/sys /sys /proc/sysrq-trigger /proc/acpi /proc/scsi -xdev -type f -perm /222 2>/dev/null"
    ran = await desk.run(f"{owned} | while read f; do ( : >> $f ) 2>/dev/null && echo $f; done; {owned} | wc -l")
    assert int(ran.output) > 0


async def test_shared_memory_and_control_groups_are_its_own_or_read_only(desk: Desk) -> None:
    name = secrets.token_hex(6)
    ran = await desk.run(f"echo x > /dev/shm/{name}; echo $?; mkdir /sys/fs/cgroup/{name}; ipcs -m | wc -l")
    assert ran.output.startswith("0\n")
    assert not Path(f"/dev/shm/{name}").exists()
    assert not Path(f"/sys/fs/cgroup/{name}").exists()


# ---- what must still work ------------------------------------------------------------------------------------------


async def test_work_in_the_workspace_goes_on_as_always(desk: Desk) -> None:
    ran = await desk.run(
        "echo 1 > new && mkdir -p a/b && mv new a/b/ && rm -r a && echo $TMPDIR > /tmp/kept && cat /tmp/kept && cd src && "
        "git add -A . && git -c user.name=x -c user.email=x@x commit -qm first && git status --short && git log --format=%s"
    )
    assert (ran.code, ran.cwd) == (0, str(desk.ws / "src"))
    assert ran.output == "/tmp\n?? ../.claude/\n?? ../.env\n?? ../.vscode/\nfirst\n"


async def test_exit_codes_and_time_limits_come_through(desk: Desk) -> None:
    assert (await desk.run("exit 7")).code == 7
    assert (await desk.run("kill -9 $$")).code == 137
    late = await desk.run("trap 'echo ended politely; exit 3' TERM; sleep 60 & wait", timeout=0.5)
    assert late.timed_out
    assert "ended politely" in late.output


async def test_long_output_is_kept_and_can_be_read_inside(desk: Desk) -> None:
    ran = await desk.run("seq 1 20000")
    assert ran.output_path
    again = await desk.run(f"tail -n 1 '{ran.output_path}'; echo x >> '{ran.output_path}'")
    assert again.output.startswith("20000\n")
    assert "Read-only file system" in again.output


async def test_what_is_planted_further_down_is_said(desk: Desk) -> None:
    ran = await desk.run("mkdir -p src/lib/.git/hooks && echo x > lefthook.yml && echo done")
    assert ran.output == (
        "done\n[It made lefthook.yml, src/lib/.git: other programs run or obey what stands there. "
        "Tell the person that it is new.]"
    )
    assert (await desk.run("echo x > src/lib/.git/config; echo x >> lefthook.yml")).output.count("Read-only") == 2
    assert (await desk.run("true")).output == ""


async def test_a_workspace_inside_a_repository_still_belongs_to_it(desk: Desk) -> None:
    inner = desk.ws / "src"
    ground = Ground((str(inner),), str(inner), str(desk.home))
    confined = await desk.sandbox.confine(desk.sandboxed(), ground)
    line = ShellLine("git status --short; touch ../x; ls -a ..", str(inner), 20, "c", "s", {}, confined)
    ran = await desk.processes.run(line, unheard)
    assert "?? ./\n" in ran.output
    assert "touch: cannot touch '../x': Read-only file system" in ran.output


async def test_a_folder_that_is_not_there_inside_is_said_to_be_gone(desk: Desk) -> None:
    assert (await desk.run("cd /tmp && pwd", cwd=Path("/tmp"))).output == "/tmp\n"
    for folder in (desk.home / ".ssh" / "x", Path("/tmp/not-inside")):
        with pytest.raises(FolderGone, match="is not there in the sandbox"):
            await desk.line("true", cwd=folder)


async def test_the_end_of_what_watches_over_a_command_is_its_own(desk: Desk) -> None:
    name = f"{10_000_000 + secrets.randbelow(80_000_000)}"
    running = asyncio.create_task(desk.run(f"setsid sleep {name} & sleep {name}"))
    while _sleeping(name) < 2:
        await asyncio.sleep(0.01)
    running_now = psutil.process_iter(["name", "cmdline"])
    bwrap = next(it for it in running_now if it.info["name"] == "bwrap" and name in " ".join(it.info["cmdline"] or ()))
    supervisor = next(it for it in bwrap.parents() if it.name() != "bwrap")
    supervisor.kill()
    with pytest.raises(ProcessError, match="was killed"):
        await running
    while _sleeping(name):
        await asyncio.sleep(0.01)
    await desk.sandbox.settled()
    assert not (desk.ws / ".claw").exists()


# ---- as somebody without powers ------------------------------------------------------------------------------------


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else; everything above is run as this user"
)
@pytest.mark.parametrize(
    "command",
    [
        "echo x > /srv/planted; echo x > /var/tmp/../planted; id -u",
        "echo x > .git/hooks/pre-commit; mv .git .git2; echo x >> .git/config; id -u",
        "echo x > .mcp.json; mkdir -p .claw/x .claude/x .vscode/x; id -u",
        "unshare -Urm sh -c 'mount -o remount,rw /'; id -u",
        "cat ../keys/.ssh/id_ed25519; id -u",
        "setsid sleep 60 & id -u",
    ],
)
async def test_a_plain_user_is_held_the_same(command: str) -> None:
    root = Path(tempfile.mkdtemp(prefix="claw-sandbox-", dir="/srv"))
    try:
        root.chmod(0o755)
        subprocess.run(["git", "init", "-q", str(root / "ws")], check=True)
        (root / "keys" / ".ssh").mkdir(parents=True)
        (root / "keys" / ".ssh" / "id_ed25519").write_text(SECRET)
        for path in (root / "ws", root / "keys", *(root / "keys").rglob("*"), *(root / "ws").rglob("*")):
            os.chown(path, 65_534, 65_534)
        sandbox = SystemSandbox(os.environ, f"{root}/claw")
        ground = Ground((f"{root}/ws",), f"{root}/ws", f"{root}/keys")
        before = sorted(str(it) for it in (root / "ws").rglob("*") if ".git/" not in str(it))
        confined = await sandbox.confine(Settings.model_validate({"sandbox.enabled": True}), ground)
        argv, environment = confined.inside(("bash", "-c", command), {"PATH": os.environ["PATH"]})
        become = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        process = await asyncio.create_subprocess_exec(
            *become, *argv, env=environment, pass_fds=confined.fds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await process.communicate()
        await confined.leave()
        await sandbox.settled()
        assert out.decode().splitlines()[-1] == "65534"
        assert SECRET not in out.decode()
        assert process.returncode == 0
        assert sorted(str(it) for it in (root / "ws").rglob("*") if ".git/" not in str(it)) == before
        assert not (root / "ws" / ".git" / "hooks" / "pre-commit").exists()
        assert not Path("/srv/planted").exists()
    finally:
        shutil.rmtree(root)
