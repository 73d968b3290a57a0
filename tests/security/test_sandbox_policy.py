"""What the sandbox means for questions: what needs none, what always does, and what is refused where there is no sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.sandbox.system import SystemSandbox
from claw_lsp.adapters.settings import load
from claw_lsp.app.permissions import checked
from claw_lsp.app.world import World
from claw_lsp.core.policy.judge import judge
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.sandbox import SandboxSettings, Walls
from claw_lsp.facts.scene import Ground, Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.fakes import nothing_below
from claw_lsp.testing.memory_workspace import BufferedWorkspace
from claw_lsp.tools.bash import BashTool
from tests.security.sandbox_desk import Desk, needs_bwrap, sandboxed, unheard

WHOLE = Walls("bubblewrap: files, processes and network", whole=True)
PART = Walls("Landlock: files and network, not protected files", "bubblewrap is not installed")
NONE = Walls(why="bubblewrap is not installed: `apt install bubblewrap`.")
RULES = (Rule(text="Bash(git push *)", behavior="ask"), Rule(text="Bash(curl *)", behavior="deny"))


class Known:
    """Fills `Sandbox` with walls that are known."""

    def __init__(self, walls: Walls) -> None:
        self._walls = walls

    async def walls(self, settings: SandboxSettings, ground: Ground) -> Walls:
        return self._walls

    async def confine(self, settings: SandboxSettings, ground: Ground) -> Any:
        raise AssertionError("nothing is run in these tests")


def scene(mode: Mode = Mode.DEFAULT, **settings: Any) -> Scene:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    believed = Settings.model_validate({"sandbox.enabled": True, **named})
    return Scene("s", "r", "/ws", ("/ws",), "/home/u", mode, {}, (), believed)


async def planned(here: Scene, walls: Walls, **given: Any) -> Plan:
    tool = BashTool(ShellProcesses({}, "/nowhere"), Known(walls), nothing_below)
    return await tool.plan(Call(id="c", name="Bash", input=given), here, BufferedWorkspace())


@pytest.mark.parametrize(
    ("command", "walls", "mode", "decision"),
    [
        ("make test > log.txt", WHOLE, Mode.DEFAULT, "allow"),
        ("for x in *; do ./$x; done", WHOLE, Mode.DEFAULT, "allow"),
        ("python3 -c 'print(1)'", WHOLE, Mode.DONT_ASK, "allow"),
        ("make test", WHOLE, Mode.PLAN, "ask"),
        ("echo x > .git/hooks/pre-commit", WHOLE, Mode.DEFAULT, "allow"),
        ("echo x > .git/hooks/pre-commit", PART, Mode.ACCEPT_EDITS, "ask"),
        ("make test", PART, Mode.DEFAULT, "ask"),
        ("make test", NONE, Mode.DEFAULT, "ask"),
        ("git push origin main", WHOLE, Mode.DEFAULT, "ask"),
        ("curl https://example.com", WHOLE, Mode.DEFAULT, "deny"),
        ("echo $(curl https://example.com)", WHOLE, Mode.DEFAULT, "deny"),
        ("rm -rf /", WHOLE, Mode.DEFAULT, "ask"),
        ("rm -rf ~", WHOLE, Mode.BYPASS, "ask"),
    ],
)
async def test_a_command_in_whole_walls_needs_no_question(
    command: str, walls: Walls, mode: Mode, decision: str
) -> None:
    here = scene(mode)
    verdict = judge(RULES, mode, await planned(here, walls, command=command), here.ground)
    assert verdict.decision == decision
    if command.startswith("make test >"):
        assert verdict.reason == "it runs in a sandbox (bubblewrap: files, processes and network)"


async def test_whoever_wants_to_be_asked_all_the_same_is() -> None:
    here = scene(sandbox_autoAllowBashIfSandboxed=False)
    assert judge((), Mode.DEFAULT, await planned(here, WHOLE, command="make"), here.ground).decision == "ask"


@pytest.mark.parametrize("mode", [Mode.DEFAULT, Mode.ACCEPT_EDITS, Mode.BYPASS])
async def test_leaving_the_sandbox_is_asked_whatever_is_allowed(mode: Mode) -> None:
    here = scene(mode)
    plan = await planned(here, WHOLE, command="ls", dangerouslyDisableSandbox=True)
    verdict = judge((Rule(text="Bash", behavior="allow"),), mode, plan, here.ground)
    assert (verdict.decision, verdict.firm) == ("ask", True)
    assert verdict.reason == "it is to run outside of the sandbox"
    assert plan.detail == "ls\n\n(no sandbox: the model asks to leave it)"


async def test_leaving_the_sandbox_can_be_forbidden() -> None:
    here = scene(sandbox_allowUnsandboxedCommands=False)
    with pytest.raises(ToolError, match="the settings allow no command outside of the sandbox"):
        await planned(here, WHOLE, command="ls", dangerouslyDisableSandbox=True)


@pytest.mark.parametrize(
    ("command", "decision"),
    [
        ("docker build .", "ask"),
        ("cd app && docker build .", "ask"),
        ("docker build . && make", "allow"),
        ("docker build $(cat x)", "allow"),
    ],
)
async def test_an_excluded_command_is_judged_as_if_there_were_no_sandbox(command: str, decision: str) -> None:
    """Anything beside it keeps the whole line inside, where docker will find no socket."""
    here = scene(sandbox_excludedCommands=["docker *"])
    plan = await planned(here, WHOLE, command=command)
    assert judge((), Mode.DEFAULT, plan, here.ground).decision == decision
    assert plan.walls.mechanism == ("" if decision == "ask" else WHOLE.mechanism)


@pytest.mark.parametrize("walls", [PART, NONE])
async def test_walls_that_are_required_and_not_whole_are_refused(walls: Walls) -> None:
    with pytest.raises(ToolError, match=r"not run: the settings want a sandbox .* bubblewrap is not installed"):
        await planned(scene(sandbox_failIfUnavailable=True), walls, command="ls")


@pytest.mark.security_case("C17")
async def test_no_command_runs_where_bubblewrap_is_required_and_missing(tmp_path: Path) -> None:
    processes = ShellProcesses(os.environ, str(tmp_path / "output"))
    tool = BashTool(processes, SystemSandbox({"PATH": str(tmp_path)}, str(tmp_path / ".claw")), nothing_below)
    here = scene(sandbox_failIfUnavailable=True)
    with pytest.raises(ToolError, match="apt install bubblewrap"):
        await tool.plan(Call(id="c", name="Bash", input={"command": "ls"}), here, BufferedWorkspace())
    await processes.close()


async def test_the_question_says_in_what_it_runs() -> None:
    assert (await planned(scene(), WHOLE, command="make")).detail == (
        "make\n\n(runs in a sandbox, bubblewrap: files, processes and network)"
    )
    assert (await planned(scene(), NONE, command="make")).detail == (
        "make\n\n(no sandbox: bubblewrap is not installed: `apt install bubblewrap`.)"
    )


# ---- over a real sandbox -------------------------------------------------------------------------------------------


async def done(desk: Desk, **given: Any) -> Result:
    tool = BashTool(desk.processes, desk.sandbox, nothing_below)
    here = Scene("s", "r", str(desk.ws), (str(desk.ws),), str(desk.home), Mode.DEFAULT, {}, (), desk.sandboxed(), "")
    plan = await tool.plan(Call(id="c", name="Bash", input=given), here, BufferedWorkspace())
    result = await tool.perform(plan, here, BufferedWorkspace(), (), unheard)
    await desk.sandbox.settled()
    return result


@needs_bwrap
@pytest.mark.security_case("C18")
async def test_settings_that_do_not_exist_yet_cannot_be_made() -> None:
    async with sandboxed() as desk:
        (desk.ws / ".claude" / "settings.json").unlink()
        (desk.ws / ".claude").rmdir()
        for folder in (".claude", ".claw"):
            result = await done(desk, command=f"mkdir -p {folder}; echo '{{}}' > {folder}/settings.json")
            assert result.is_error
            assert not (desk.ws / folder).exists()


@needs_bwrap
async def test_the_model_is_told_that_the_walls_may_be_why_it_failed() -> None:
    async with sandboxed() as desk:
        result = await done(desk, command="touch /usr/x")
        assert "It ran in a sandbox (bubblewrap: files, processes and network), which may be why" in str(result.content)
        assert "dangerouslyDisableSandbox, which asks the person" in str(result.content)
        assert "sandbox" not in str((await done(desk, command="echo x; exit 1")).content)


@needs_bwrap
async def test_a_command_in_the_background_is_confined_too() -> None:
    async with sandboxed() as desk:
        await done(desk, command="echo x > .mcp.json; echo done; exec sleep 60", run_in_background=True)
        (task,) = desk.processes.background("s")
        seen = await desk.processes.wait(task.id, 0.3)
        while seen is not None and "done" not in seen.output:
            seen = await desk.processes.wait(task.id, 0.05)
        assert (desk.ws / ".mcp.json").is_dir()
        await desk.processes.stop(task.id)
        await desk.sandbox.settled()
        assert not (desk.ws / ".mcp.json").exists()


@needs_bwrap
def test_permissions_check_says_in_what_a_command_would_run(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "ws"
    folder.mkdir()
    (home / ".claw").mkdir(parents=True)
    (home / ".claw" / "settings.json").write_text(json.dumps({"sandbox": {"enabled": True}}))
    world = World(os.environ, str(home), str(home / ".claw"), str(folder))

    def answer(**given: Any) -> dict[str, Any]:
        return checked(world, "Bash", given, mode=None, folder=str(folder), files=())

    found = answer(command="make x > y")
    assert (found["decision"], found["sandbox"]) == ("allow", "bubblewrap: files, processes and network")
    left = answer(command="make", dangerouslyDisableSandbox=True)
    assert (left["decision"], left["sandbox"]) == ("ask", "none: the model asks to leave it")


# ---- whose word counts ---------------------------------------------------------------------------------------------

LOOSER = {
    "enabled": False,
    "failIfUnavailable": False,
    "autoAllowBashIfSandboxed": True,
    "allowUnsandboxedCommands": True,
    "hideEnvFiles": False,
    "excludedCommands": ["*"],
    "filesystem": {"allowWrite": ["/"], "allowRead": ["~/.ssh"]},
    "network": {
        "allowedDomains": ["*"],
        "allowUnixSockets": ["/var/run/docker.sock"],
        "allowLocalBinding": True,
        "httpProxyPort": 1,
        "socksProxyPort": 1,
    },
}
STRICTER = {
    "enabled": True,
    "failIfUnavailable": True,
    "autoAllowBashIfSandboxed": False,
    "allowUnsandboxedCommands": False,
    "hideEnvFiles": True,
    "filesystem": {"denyWrite": ["gen"], "denyRead": ["data"]},
    "network": {"deniedDomains": ["evil.example"]},
}


def settled(tmp_path: Path, *, own: object = None, project: object = None, editor: object = None) -> dict[str, object]:
    """The settings of the sandbox as they are in force; those of the person, of a checked-in file, of the editor."""
    for path, data in (("home/.claw", own), ("ws/.claw", project), ("ws/.claude", project)):
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
        for name in ("settings.json", "settings.local.json") if path.startswith("ws") else ("settings.json",):
            (tmp_path / path / name).write_text(json.dumps({"sandbox": data or {}}))
    home = str(tmp_path / "home")
    section = cast("dict[str, Any]", {"sandbox": editor or {}})
    loaded = load(home=home, claw_home=f"{home}/.claw", folder=str(tmp_path / "ws"), command_line={}, editor=section)
    assert loaded.problems == ()
    return loaded.settings.model_dump(include=set(SandboxSettings.model_fields))


@pytest.mark.parametrize("source", ["project", "editor"])
def test_neither_a_project_nor_an_editor_makes_the_sandbox_looser(tmp_path: Path, source: str) -> None:
    own = {**STRICTER, "network": {"deniedDomains": ["evil.example"], "allowedDomains": ["good.example"]}}
    assert settled(tmp_path, own=own, **{source: LOOSER}) == settled(tmp_path, own=own)


@pytest.mark.parametrize("source", ["project", "editor"])
def test_a_project_and_an_editor_may_make_it_stricter(tmp_path: Path, source: str) -> None:
    found = settled(tmp_path, own=LOOSER, **{source: STRICTER})
    assert found == settled(tmp_path, own={**LOOSER, **STRICTER}) | {
        "sandbox_write": ("/",),
        "sandbox_read": ("~/.ssh",),
        "sandbox_domains": ("*",),
        "sandbox_sockets": ("/var/run/docker.sock",),
        "sandbox_listens": True,
        "sandbox_http_port": 1,
        "sandbox_socks_port": 1,
    }


@pytest.mark.parametrize(("own", "allows"), [({}, False), ({"enabled": True}, True)])
def test_walls_that_only_a_project_wants_save_no_question(tmp_path: Path, own: object, *, allows: bool) -> None:
    found = settled(tmp_path, own=own, project={"enabled": True, "autoAllowBashIfSandboxed": True})
    assert (found["sandbox_enabled"], found["sandbox_allows"]) == (True, allows)


def test_walls_that_the_command_line_wants_too_are_the_persons(tmp_path: Path) -> None:
    (tmp_path / "ws" / ".claw").mkdir(parents=True)
    (tmp_path / "ws" / ".claw" / "settings.json").write_text(json.dumps({"sandbox": {"enabled": True}}))
    places = {"home": str(tmp_path), "claw_home": str(tmp_path / ".claw"), "folder": str(tmp_path / "ws")}

    def allows(command_line: dict[str, Any]) -> bool:
        return load(**places, command_line=command_line, editor={}).settings.sandbox_allows

    assert not allows({})
    assert allows({"sandbox": {"enabled": True}})
    assert not allows({"sandbox": {"enabled": True, "autoAllowBashIfSandboxed": False}})
