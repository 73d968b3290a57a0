"""Which sandbox is taken, and what people are told: of one that cannot be used, and of folders that none could hold."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from claw_lsp.adapters.sandbox.finding import Mechanism, find
from claw_lsp.adapters.sandbox.layout import Layout, Mount, Placeholder, lay_out
from claw_lsp.adapters.sandbox.placeholders import Placeholders
from claw_lsp.adapters.sandbox.seatbelt import Seatbelted, profile
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.term.doctor import findings
from tests.security.sandbox_desk import Desk, needs_bwrap, sandboxed


def program(folder: Path, script: str, mode: int = 0o755) -> Path:
    """A `bwrap` that does what the script says."""
    folder.mkdir(exist_ok=True)
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\nif [ $1 = --version ]; then echo 'bubblewrap 0.9.0'; exit 0; fi\n{script}\n")
    path.chmod(mode)
    return path


@needs_bwrap
def test_bubblewrap_is_found_and_tried() -> None:
    found = find(os.environ["PATH"], ["/nowhere"])
    assert (found.kind, found.why) == ("bubblewrap", "")
    assert found.said.startswith("bubblewrap: files, processes and network")
    assert found.version.startswith("bubblewrap 0.")


@pytest.mark.parametrize(
    ("script", "mode", "why"),
    [
        ("exit 0", 0o4755, "is setuid root"),
        ("echo 'setting up uid map: Permission denied' >&2; exit 1", 0o755, "may not make namespaces here"),
        ("echo 'No permissions to create new namespace' >&2; exit 1", 0o755, "allow user namespaces for it"),
        ("echo 'Unknown option --disable-userns' >&2; exit 1", 0o755, "does not work here: Unknown option"),
    ],
)
def test_one_that_cannot_be_used_is_explained(tmp_path: Path, script: str, mode: int, why: str) -> None:
    path = program(tmp_path / "bin", script, mode)
    found = find(str(path.parent), [str(tmp_path / "ws")])
    assert found.kind != "bubblewrap"
    assert why in found.why
    assert str(path) in found.why


def test_a_version_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "exit 0")
    path.write_text("#!/bin/sh\necho bubblewrap 0.4.1\n")
    assert find(str(path.parent), []).why == f"{path} is bubblewrap 0.4.1; 0.8.0 or later is needed."


def test_one_in_the_workspace_is_not_even_started(tmp_path: Path) -> None:
    real = program(tmp_path / "ws", f"touch {tmp_path}/started")
    real.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    links = tmp_path / "bin"
    links.mkdir()
    (links / "bwrap").symlink_to(real)
    for folder in (real.parent, links):
        assert "is not used: whoever writes there" in find(str(folder), [str(tmp_path / "ws")]).why
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            Mechanism("bubblewrap", "/usr/bin/bwrap", "bubblewrap 0.8.0", "bubblewrap: files, processes and network"),
            "ok       sandbox    bubblewrap: files, processes and network (bubblewrap 0.8.0 at /usr/bin/bwrap). "
            "What a command leaves in the workspace and you run later is outside of it. `sandbox.enabled` turns it on.",
        ),
        (
            Mechanism("landlock", "", "ABI 7", "Landlock: files and network, not protected files", "Install bwrap."),
            "missing  sandbox    Landlock: files and network, not protected files (ABI 7). "
            "Commands in it are asked about as if there were none. Install bwrap.",
        ),
        (
            Mechanism("none", why="Install bwrap."),
            "missing  sandbox    none; commands run as you do. Install bwrap.",
        ),
    ],
)
def test_doctor_says_what_there_is_and_what_to_do(tmp_path: Path, found: Mechanism, said: str) -> None:
    lines = [str(it) for it in findings({}, str(tmp_path), lambda: "rg", lambda: found)]
    assert said in lines


# ---- the layout ----------------------------------------------------------------------------------------------------


def laid_out(root: Path, **settings: object) -> Layout:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    ground = Ground((str(root / "ws"),), str(root / "ws"), str(root / "home"))
    return lay_out(Settings.model_validate(named), ground, str(root / "home" / ".claw"), ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ws/src", "ws/gen", "home/.ssh", "home/.cache", "data"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def kinds(layout: Layout, root: Path) -> dict[str, str]:
    """What the last mount of each path says; the order of mounts is from the top down."""
    paths = [it.path for it in layout.mounts]
    assert paths == sorted(paths, key=lambda it: (it.count("/"), it))
    return {it.path.removeprefix(f"{root}/"): it.kind for it in layout.mounts if it.path.startswith(f"{root}/")}


def test_the_most_specific_path_wins_and_of_one_path_the_stricter(root: Path) -> None:
    layout = laid_out(
        root,
        sandbox__filesystem__allowWrite=["~/.cache", "gen/out", str(root / "data")],
        sandbox__filesystem__denyWrite=["gen", str(root / "data")],
        sandbox__filesystem__denyRead=["~/", "src"],
        sandbox__filesystem__allowRead=[".", "~/.cache"],
    )
    assert kinds(layout, root) == {
        "ws": "write",
        "ws/gen": "read",
        "ws/src": "hide",
        "data": "read",
        "home": "hide",
        "home/.cache": "write",
        "home/.ssh": "hide",
    }


def test_a_link_is_followed_to_what_it_hides(root: Path) -> None:
    (root / "data" / "keys").mkdir()
    (root / "home" / ".aws").symlink_to(root / "data" / "keys")
    assert kinds(laid_out(root), root) == {"ws": "write", "home/.ssh": "hide", "data/keys": "hide"}


def test_env_files_are_hidden_where_that_is_wanted(root: Path) -> None:
    for name in (".env", "src/.env.local", "src/.env.example", ".envrc"):
        (root / "ws" / name).write_text("")
    found = kinds(laid_out(root, sandbox__hideEnvFiles=True), root)
    assert {name for name, kind in found.items() if kind == "hide"} == {"ws/.env", "ws/src/.env.local", "home/.ssh"}
    assert {name for name, kind in kinds(laid_out(root), root).items() if kind == "hide"} == {"home/.ssh"}


def test_what_is_protected_further_down_is_held_too(root: Path) -> None:
    for name in ("ws/src/.vscode/x", "ws/src/lib/.git/hooks", "ws/node_modules/a/.npmrc", "ws/.claw/worktrees/one"):
        (root / name).mkdir(parents=True)
    layout = laid_out(root)
    assert kinds(layout, root) == {
        "ws": "write",
        "home/.ssh": "hide",
        "ws/.claw": "read",
        "ws/.claw/worktrees": "write",
        "ws/src/.vscode": "read",
        "ws/src/lib/.git": "write",
    }
    # An empty folder may be another command's placeholder.
    assert Placeholder(f"{root}/ws/src/lib/.git/hooks") in layout.placeholders


@pytest.mark.parametrize("wide", ["", "home", "/", "/usr", "/etc/ssl", "/proc", "/root"])
def test_a_folder_that_is_too_wide_is_refused(root: Path, wide: str) -> None:
    folder = wide if wide.startswith("/") else str(root / wide)
    with pytest.raises(ToolError, match="too wide for a sandbox"):
        lay_out(Settings(), Ground((folder,), folder, str(root / "home")), str(root / ".claw"), ())


@pytest.mark.parametrize("name", [".git", ".claude", ".venv", ".mcp.json"])
def test_a_protected_name_that_is_a_link_cannot_be_held(root: Path, name: str) -> None:
    (root / "ws" / name).symlink_to(root / "data")
    with pytest.raises(ToolError, match="is a link, which a sandbox cannot hold in place"):
        laid_out(root)
    assert laid_out(root, sandbox__filesystem__allowWrite=[name]).placeholders != ()


def test_a_link_that_a_command_made_opens_nothing_for_the_next_one(root: Path) -> None:
    for name in ("gen", "notes"):
        shutil.rmtree(root / "ws" / name, ignore_errors=True)
        (root / "ws" / name).symlink_to(root / "home")
    more = {"sandbox__filesystem__allowWrite": ["gen"], "sandbox__filesystem__allowRead": ["notes/.ssh"]}
    assert kinds(laid_out(root, **more), root) == {"ws": "write", "home/.ssh": "hide"}
    folders = Ground((f"{root}/ws", f"{root}/ws/gen"), f"{root}/ws", "/nowhere")
    with pytest.raises(ToolError, match="leads by a link to"):
        lay_out(Settings(), folders, f"{root}/.claw", ())


def test_what_the_configuration_of_git_runs_is_held(root: Path) -> None:
    (root / "ws" / ".git").mkdir()
    (root / "ws" / ".git" / "config").write_text(
        '[core]\n\thooksPath = .githooks\n\tfsmonitor = "tools/watch"\n[include]\n\tpath = ../.gitsettings ; ours\n'
    )
    for name in ("tools/watch", ".gitsettings"):
        (root / "ws" / name).parent.mkdir(exist_ok=True)
        (root / "ws" / name).write_text("")
    layout = laid_out(root)
    found = kinds(layout, root)
    assert (found["ws/tools/watch"], found["ws/.gitsettings"]) == ("read", "read")
    assert Placeholder(f"{root}/ws/.githooks") in layout.placeholders


def test_a_repository_whose_hooks_lie_elsewhere_is_only_read(root: Path) -> None:
    (root / "ws" / ".git").mkdir()
    (root / "ws" / ".git" / "config").write_text("x")
    (root / "ws" / ".git" / "hooks").symlink_to(root / "data")
    assert kinds(laid_out(root), root) == {"ws": "write", "ws/.git": "read", "home/.ssh": "hide"}


# ---- placeholders --------------------------------------------------------------------------------------------------


def test_the_last_of_several_commands_removes_what_stood_in(tmp_path: Path) -> None:
    wanted = [Placeholder(f"{tmp_path}/.vscode"), Placeholder(f"{tmp_path}/commondir", ".\n")]
    first, second = Placeholders(f"{tmp_path}/locks", ["/ws"]), Placeholders(f"{tmp_path}/locks", ["/ws"])
    assert first.make(wanted) == second.make(wanted) == tuple(wanted)
    first.leave()
    assert (tmp_path / "commondir").read_text() == ".\n"
    second.leave()
    assert [it.name for it in tmp_path.iterdir()] == ["locks"]


def test_what_somebody_wrote_or_had_before_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".idea").mkdir()
    wanted = [Placeholder(f"{tmp_path}/{it}") for it in (".vscode", ".idea", ".husky")]
    wanted.append(Placeholder(f"{tmp_path}/config", ""))
    held = Placeholders(f"{tmp_path}/locks", ["/ws"])
    assert [it.path.rpartition("/")[2] for it in held.make(wanted)] == [".vscode", ".husky", "config"]
    (tmp_path / ".vscode" / "settings.json").write_text("{}")
    (tmp_path / "config").write_text("theirs")
    held.leave()
    assert sorted(it.name for it in tmp_path.iterdir()) == [".idea", ".vscode", "config", "locks"]
    assert (tmp_path / "config").read_text() == "theirs"


def test_after_a_crash_the_next_command_removes_them(tmp_path: Path) -> None:
    lost = Placeholders(f"{tmp_path}/locks", ["/ws"])
    lost.make([Placeholder(f"{tmp_path}/.vscode")])
    os.close(lost._users)  # pyright: ignore[reportPrivateUsage]  # As the kernel does when a process is killed.
    after = Placeholders(f"{tmp_path}/locks", ["/ws"])
    after.make([])
    after.leave()
    assert [it.name for it in tmp_path.iterdir()] == ["locks"]


@needs_bwrap
async def test_two_commands_at_once_are_both_held_until_the_end() -> None:
    async with sandboxed() as desk:
        await _together(desk)


async def _together(desk: Desk) -> None:
    long = await desk.processes.start(
        await desk.line("until [ -e go ]; do sleep 0.02; done; echo x > .idea/x; mkdir .idea")
    )
    await desk.run("true")
    assert (desk.ws / ".idea").is_dir()
    (desk.ws / "go").touch()
    ended = await desk.processes.wait(long.id, 15)
    assert ended is not None
    assert ended.code == 1
    assert "Read-only file system" in ended.output
    await desk.sandbox.settled()
    assert not (desk.ws / ".idea").exists()


@needs_bwrap
async def test_a_file_of_the_persons_made_meanwhile_stays_and_is_held() -> None:
    async with sandboxed() as desk:
        long = await desk.processes.start(await desk.line("until [ -e go ]; do sleep 0.02; done"))
        (desk.ws / ".idea" / "mine.xml").write_text("mine")
        ran = await desk.run("echo x > .idea/mine.xml; rm -rf .idea")
        assert "Read-only file system" in ran.output
        (desk.ws / "go").touch()
        await desk.processes.wait(long.id, 15)
        assert (desk.ws / ".idea" / "mine.xml").read_text() == "mine"


# ---- macOS: the text only ------------------------------------------------------------------------------------------

MAC = Layout(
    "/Users/u/ws",
    ("/Users/u/ws",),
    (
        Mount("/Users/u/ws", "write"),
        Mount("/Users/u/.ssh", "hide"),
        Mount("/Users/u/ws/.git", "write"),
        Mount("/Users/u/ws/.git/hooks", "read"),
    ),
    (Placeholder('/Users/u/ws/a"b'),),
)


def test_the_profile_for_seatbelt_says_the_same_not_run_here() -> None:
    settings = Settings.model_validate(
        {"sandbox.network.httpProxyPort": 3128, "sandbox.network.allowUnixSockets": ["/tmp/s"]}
    )
    assert profile(settings, MAC).splitlines() == [
        "(version 1)",
        "(allow default)",
        "(deny file-write*)",
        '(allow file-write* (subpath "/private/tmp") (subpath "/private/var/tmp") (subpath "/private/var/folders") '
        '(subpath "/dev/fd"))',
        '(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom") '
        '(literal "/dev/tty"))',
        '(allow file-read* file-write* (subpath "/Users/u/ws"))',
        '(deny file-read* file-write* (subpath "/Users/u/.ssh"))',
        '(allow file-read* file-write* (subpath "/Users/u/ws/.git"))',
        '(allow file-read* (subpath "/Users/u/ws/.git/hooks"))',
        '(deny file-write* (subpath "/Users/u/ws/.git/hooks"))',
        '(deny file-write* (subpath "/Users/u/ws/a\\"b"))',
        '(deny file-write-unlink (literal "/Users/u/ws"))',
        '(deny file-write-unlink (literal "/Users/u/.ssh"))',
        '(deny file-write-unlink (literal "/Users/u/ws/.git"))',
        '(deny file-write-unlink (literal "/Users/u/ws/.git/hooks"))',
        "(deny network*)",
        '(allow network-outbound (remote ip "localhost:3128"))',
        '(allow network* (remote unix-socket (path-literal "/tmp/s")))',
        "(deny signal (target others))",
        '(deny mach-lookup (global-name "com.apple.SecurityServer"))',
        "(deny appleevent-send)",
    ]
    argv, environment = Seatbelted(settings, MAC).inside(
        ("bash", "-c", "x"), {"DYLD_X": "y", "LD_PRELOAD": "z", "A": "b"}
    )
    assert argv[:2] == ("/usr/bin/sandbox-exec", "-p")
    assert argv[3:] == ("/usr/bin/env", "DYLD_X=y", "LD_PRELOAD=z", "bash", "-c", "x")
    assert environment["HTTPS_PROXY"] == environment["http_proxy"] == "http://127.0.0.1:3128"
    assert {"DYLD_X", "LD_PRELOAD"}.isdisjoint(environment)


# ---- what is around a command --------------------------------------------------------------------------------------


@needs_bwrap
async def test_what_makes_programs_load_others_is_set_inside_only() -> None:
    async with sandboxed() as desk:
        confined = await desk.sandbox.confine(desk.sandboxed(), desk.ground)
        argv, environment = confined.inside(("env",), {"LD_PRELOAD": "./evil.so", "A": "b", "SSH_AUTH_SOCK": "/tmp/a"})
        await confined.leave()
        assert environment == {"A": "b"}
        assert json.dumps(["--setenv", "LD_PRELOAD", "./evil.so"])[1:-1] in json.dumps(argv)


def test_this_program_is_not_written_where_it_lies_in_the_workspace(root: Path) -> None:
    ground = Ground((f"{root}/ws",), f"{root}/ws", f"{root}/home")
    own = (f"{root}/ws/src", f"{root}/data")
    layout = lay_out(Settings(), ground, f"{root}/home/.claw", own)
    assert kinds(layout, root) == {"ws": "write", "ws/src": "read", "home/.ssh": "hide"}


def test_no_command_writes_notes_that_the_person_keeps_in_the_workspace(root: Path) -> None:
    notes = root / "ws" / "docs" / "notes"
    ground = Ground((f"{root}/ws",), f"{root}/ws", f"{root}/home", notes=str(notes))
    missing = lay_out(Settings.model_validate({}), ground, f"{root}/home/.claw", ())
    assert Placeholder(f"{root}/ws/docs") in missing.placeholders
    notes.mkdir(parents=True)
    there = lay_out(Settings.model_validate({}), ground, f"{root}/home/.claw", ())
    assert Mount(str(notes), "read") in there.mounts
