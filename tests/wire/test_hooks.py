"""HookRunner over real processes, a real loopback server and a scripted model: what a hook is given, and what bounds it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from test_mcp_servers import Given, ours

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.adapters.hooks.agent import MOST_TURNS
from claw_lsp.adapters.hooks.mcp_tool import filled
from claw_lsp.adapters.hooks.runner import HookRunner, Means
from claw_lsp.adapters.mcp.servers import McpServers
from claw_lsp.adapters.mcp.tokens import LoginStore, SystemKeyring
from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.ripgrep import Ripgrep, ripgrep_program
from claw_lsp.core.hooks.choosing import Occasion
from claw_lsp.core.hooks.saying import joined, said
from claw_lsp.core.hooks.telling import fact
from claw_lsp.engine.looking import Looking, scene
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.mcp import ServerConfig
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.testing.scripted_model import ScriptedModel, says
from claw_lsp.tools.glob import GlobTool
from claw_lsp.tools.grep import GrepTool
from claw_lsp.tools.read import ReadTool
from claw_lsp.tools.write import WriteTool

SEARCH = Ripgrep(ripgrep_program())
KEY = "sk-ant-canary"
SERVER = {**os.environ, "ANTHROPIC_API_KEY": KEY, "HOOK_TOKEN": "t0ken", "OTHER_TOKEN": "0ther"}


class Hooks:
    """A runner with its folder; `model` answers prompt hooks and agents, `configs` are the MCP servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = ScriptedModel()
        self.processes = ShellProcesses(SERVER, str(folder / "output"))
        self.configs = Given()
        store = LoginStore(str(folder / "claw"), SystemKeyring())
        self.servers = McpServers(self.configs, store, {"PATH": os.environ["PATH"], "HOME": str(folder)}, str(folder))
        means = Means(
            processes=self.processes,
            environment=SERVER,
            servers=self.servers,
            small=lambda _: SmallModel(self.model, ModelFacts(id="small")),
            look=self._look,
            text="Check it.",
            agent_text="Look first.",
            folder=str(folder / "output"),
        )
        self.runner = HookRunner(means)

    async def run(self, given: str = "{}", seconds: float = 20.0, settings: Any = None, **hook: Any) -> HookRan:
        return await self.runner.run(made(**hook), given, seconds, self.place(settings))

    def place(self, settings: Any = None) -> HookPlace:
        read = Settings.model_validate(settings or {})
        folder = str(self.folder)
        return HookPlace(folder, folder, "s1", read, "high", (folder,), read.rules)

    async def close(self) -> None:
        await self.servers.close()
        await self.processes.close()

    def serve(self, *configs: ServerConfig) -> None:
        """These MCP servers are configured from now on."""
        self.configs.configs = configs
        self.servers.configure(str(self.folder), (str(self.folder),), Settings())

    def _look(self, place: HookPlace) -> Looking:
        tools = (ReadTool(DiskWorkspace()), GrepTool(SEARCH), GlobTool(SEARCH), WriteTool())
        return Looking({it.name: it for it in tools}, DiskWorkspace(), scene(place, "/nobody", "/nobody/.claw"))


def made(**hook: Any) -> Hook:
    return Hook.model_validate({"type": "command", "event": "PreToolUse", **hook})


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    it = Hooks(tmp_path)
    yield it
    await it.close()


# ---- programs ---------------------------------------------------------------------------------------------------------


async def test_a_program_reads_the_event_and_its_streams_are_told_apart(hooks: Hooks) -> None:
    ran = await hooks.run('{"tool_name": "Bash"}', command="cat; echo why >&2; exit 2")
    assert (ran.code, ran.output, ran.errors, ran.fault) == (2, '{"tool_name": "Bash"}', "why", "")


async def test_an_event_larger_than_any_pipe_arrives_whole(hooks: Hooks) -> None:
    ran = await hooks.run(json.dumps({"text": "x" * 3_000_000}), command="wc -c")
    assert ran.output.strip() == str(3_000_000 + len('{"text": ""}'))


async def test_a_program_that_reads_nothing_keeps_nobody_waiting(hooks: Hooks) -> None:
    assert (await hooks.run("x" * 1_000_000, command="true")).code == 0


async def test_s01_no_key_of_ours_reaches_a_hook_and_both_families_of_names_do(hooks: Hooks) -> None:
    ran = await hooks.run(command="env", settings={"env": {"NODE_ENV": "test"}})
    names = dict(line.partition("=")[::2] for line in ran.output.splitlines())
    assert KEY not in ran.output
    assert {names[f"{it}_PROJECT_DIR"] for it in ("CLAUDE", "CLAW")} == {str(hooks.folder)}
    assert {names[f"{it}_EFFORT"] for it in ("CLAUDE", "CLAW")} == {"high"}
    assert names["NODE_ENV"] == "test"


async def test_with_arguments_no_shell_reads_them(hooks: Hooks) -> None:
    show = "import sys; print(sys.argv[1:])"
    ran = await hooks.run(command=sys.executable, args=("-c", show, "$(id)", "a b", "${CLAUDE_PROJECT_DIR}/x"))
    assert ran.output.strip() == str(["$(id)", "a b", f"{hooks.folder}/x"])


async def test_a_program_of_the_project_is_named_from_its_folder(hooks: Hooks) -> None:
    program = hooks.folder / "hook.sh"
    program.write_text("#!/bin/sh\necho here $1\n")
    program.chmod(0o755)
    assert (await hooks.run(command="./hook.sh", args=("one",))).output == "here one\n"


async def test_a_missing_program_is_a_sentence(hooks: Hooks) -> None:
    by_name = await hooks.run(command="no-such-program", args=())
    by_path = await hooks.run(command="/no/such/program", args=())
    assert by_name.code is None
    assert by_name.fault.startswith("no-such-program could not be started:")
    assert by_path.fault == "/no/such/program could not be started: No such file or directory."


async def test_a_hook_that_hangs_ends_with_all_it_started(hooks: Hooks) -> None:
    ran = await hooks.run(command="setsid sleep 300 & echo $! > pid; sleep 300", seconds=0.3)
    assert (ran.code, ran.fault) == (None, "it took longer than 0.3 s and was ended")
    pid = int((hooks.folder / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


async def test_what_a_hook_leaves_running_ends_with_it_and_is_not_waited_for(hooks: Hooks) -> None:
    ran = await hooks.run(command="(setsid sleep 300 & echo $! > pid) ; echo '{}'", seconds=60.0)
    assert (ran.code, ran.output.strip(), ran.fault) == (0, "{}", "")
    pid = int((hooks.folder / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


async def test_a_hook_that_floods_is_ended_and_consents_to_nothing(hooks: Hooks) -> None:
    ran = await hooks.run(command='yes \'{"decision": "approve"}\'')
    assert ran.code is None
    assert ran.fault.startswith("it was ended before it was done: [It printed more than may be kept;")
    loud = await hooks.run(command="yes >&2")
    assert loud.code is None
    assert said(made(command="yes"), ran).decision is None


async def test_json_longer_than_commands_may_print_is_read_whole(hooks: Hooks) -> None:
    answer = {"hookSpecificOutput": {"additionalContext": "long " * 30_000}}
    (hooks.folder / "answer.json").write_text(json.dumps(answer))
    for code in (0, 1):
        ran = await hooks.run(command=f"cat answer.json; exit {code}")
        assert json.loads(ran.output) == answer
    assert not list((hooks.folder / "output").iterdir())


async def test_a_hook_exports_through_a_file_of_its_own_that_is_gone_afterwards(hooks: Hooks) -> None:
    line = 'echo STAGE=test >> "$CLAUDE_ENV_FILE"; echo "$CLAW_ENV_FILE"; stat -c %a "$CLAW_ENV_FILE"'
    ran = await hooks.run(command=line, event="SessionStart")
    path, mode = ran.output.split()
    assert (ran.exported, mode) == ("STAGE=test\n", "600")
    assert not Path(path).exists()
    failed = await hooks.run(command=f"{line}; exit 1", event="SessionStart")
    assert failed.exported == ""
    others = await hooks.run(command='echo "[$CLAUDE_ENV_FILE]"')
    assert (others.output.strip(), others.exported) == ("[]", "")


@pytest.mark.parametrize("line", ['rm "$CLAUDE_ENV_FILE"', 'ln -sf /etc/hostname "$CLAUDE_ENV_FILE"'])
async def test_a_hook_that_puts_something_else_in_the_place_of_its_file_exports_nothing(
    hooks: Hooks, line: str
) -> None:
    ran = await hooks.run(command=line, event="CwdChanged")
    assert (ran.code, ran.exported) == (0, "")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("kill -9 $$", None),
        ("kill -SEGV $$", None),
        ("exec 0<&- 1>&- 2>&-; exit 7", 7),
        ('printf \'{"decision": "appr\'', 0),
        ('printf \'{"decision": "approve"} and more\'', 0),
        ("printf '{\\377'", 0),
        ("no-such-program", 127),
    ],
)
async def test_a_hook_that_crashes_or_prints_half_its_answer_consents_to_nothing_and_is_told(
    hooks: Hooks, line: str, code: int | None
) -> None:
    ran = await hooks.run(command=line)
    answer = said(made(command=line), ran)
    assert (ran.code, answer.decision, answer.blocked) == (code, None, None)
    (fault,) = answer.faults
    assert fault.startswith("The hook ")
    must = made(command=line, onFailure="block")
    assert said(must, ran).decision == "deny"


async def test_a_cancelled_hook_leaves_nothing_behind(hooks: Hooks) -> None:
    task = asyncio.create_task(hooks.run(command="echo $$ > pid; sleep 300"))
    while not (hooks.folder / "pid").exists() or not (hooks.folder / "pid").read_text():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{(hooks.folder / 'pid').read_text().strip()}").exists()


async def test_a_hook_for_powershell_says_that_it_is_not_run(hooks: Hooks) -> None:
    ran = await hooks.run(command="dir", shell="powershell")
    assert ran.code is None
    assert "asks for powershell" in ran.fault


async def test_a_text_too_long_to_tell_is_kept_for_its_owner_alone(hooks: Hooks) -> None:
    path = Path(await hooks.runner.keep("x" * 20_000))
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("x" * 20_000, 0o600)


# ---- addresses --------------------------------------------------------------------------------------------------------


class Site:
    """Answers every request with `status` and `body`; `heads` and `bodies` are what it was sent."""

    def __init__(self) -> None:
        self.status, self.body, self.silent = 200, b"{}", False
        self.heads: list[str] = []
        self.bodies: list[str] = []

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(it.split(":")[1]) for it in head.lower().splitlines() if it.startswith("content-length"))
        self.heads.append(head)
        self.bodies.append((await reader.readexactly(length)).decode())
        if self.silent:
            await reader.read()
        lines = [f"HTTP/1.1 {self.status} Said", f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + self.body)
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    it = Site()
    await it.open()
    yield it
    await it.close()


async def test_an_address_is_sent_the_event_and_its_json_decides(hooks: Hooks, site: Site) -> None:
    site.body = b'{"decision": "block", "reason": "not on Fridays"}'
    ran = await hooks.run('{"tool_name": "Bash"}', type="http", url=site.url)
    answer = said(made(type="http", url=site.url), ran)
    assert (site.bodies, answer.decision, answer.reason) == (['{"tool_name": "Bash"}'], "deny", "not on Fridays")


async def test_headers_hold_the_variables_that_both_the_hook_and_the_settings_name(hooks: Hooks, site: Site) -> None:
    names = ["HOOK_TOKEN", "OTHER_TOKEN", "ANTHROPIC_API_KEY"]
    headers = {"X-A": "Bearer $HOOK_TOKEN", "X-B": "<${OTHER_TOKEN}>", "X-C": "<$HOME$ANTHROPIC_API_KEY>"}
    settings = {"httpHookAllowedEnvVars": ["HOOK_TOKEN", "ANTHROPIC_API_KEY"]}
    await hooks.run(type="http", url=site.url, headers=headers, allowedEnvVars=names, settings=settings)
    sent = {name.lower(): value.strip() for name, _, value in (it.partition(":") for it in site.heads[0].splitlines())}
    assert (sent["x-a"], sent["x-b"], sent["x-c"]) == ("Bearer t0ken", "<>", "<>")


async def test_only_listed_addresses_are_reached(hooks: Hooks, site: Site) -> None:
    ran = await hooks.run(type="http", url=site.url, settings={"allowedHttpHookUrls": ["https://ci.example/*"]})
    assert (ran.code, site.heads) == (None, [])
    assert ran.fault.endswith("is none of the addresses that allowedHttpHookUrls lists")
    assert (
        await hooks.run(type="http", url=site.url, settings={"allowedHttpHookUrls": ["http://127.0.0.1:*"]})
    ).code == 0


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [(500, b"{}", "answered 500"), (302, b"{}", "answered 302"), (200, b"x" * 1_000_001, "more than 1000000 bytes")],
)
async def test_any_other_answer_decides_nothing(hooks: Hooks, site: Site, status: int, body: bytes, why: str) -> None:
    site.status, site.body = status, body
    ran = await hooks.run(type="http", url=site.url)
    assert ran.code is None
    assert why in ran.fault


async def test_a_text_is_no_answer(hooks: Hooks, site: Site) -> None:
    site.body = b"fine"
    hook = made(type="http", url=site.url)
    assert said(hook, await hooks.run(type="http", url=site.url)).faults == (
        f"The hook {site.url} (PreToolUse) failed: its answer is no JSON object.",
    )


async def test_silence_and_nobody_there_are_sentences(hooks: Hooks, site: Site) -> None:
    site.silent = True
    assert (await hooks.run(type="http", url=site.url, seconds=0.2)).fault == "127.0.0.1 did not answer within 0.2 s"
    await site.close()
    assert "127.0.0.1 could not be reached" in (await hooks.run(type="http", url=site.url)).fault


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://10.0.0.1/", "http://0.0.0.0:1/", "file:///etc/passwd"]
)
async def test_what_webfetch_may_not_reach_no_hook_reaches(hooks: Hooks, url: str) -> None:
    ran = await hooks.run(type="http", url=url, seconds=2.0)
    assert ran.code is None
    assert "not fetched" in ran.fault or "Only http" in ran.fault


# ---- prompts ----------------------------------------------------------------------------------------------------------


async def test_a_prompt_hook_shows_the_event_and_its_answer_decides(hooks: Hooks) -> None:
    hooks.model = ScriptedModel(says("", ("a1", "Answer", {"ok": False, "reason": "no tests"})))
    wanted: dict[str, Any] = {"type": "prompt", "prompt": "Tested? $ARGUMENTS", "event": "Stop"}
    ran = await hooks.run('{"x": "```"}', **wanted)
    answer = said(made(**wanted), ran)
    assert (answer.decision, answer.reason, answer.halts) == ("deny", "no tests", None)
    assert hooks.model.requests[0].messages[0]["content"][0]["text"] == 'Tested? ````json\n{"x": "```"}\n````'


@pytest.mark.parametrize("event", ["PostToolUse", "PostToolUseFailure", "PostToolBatch"])
async def test_what_a_prompt_refuses_ends_the_turn_or_is_told_where_it_shall_go_on(hooks: Hooks, event: str) -> None:
    no = says("", ("a1", "Answer", {"ok": False, "reason": "no tests"}))
    hooks.model = ScriptedModel(no, no)
    occasion = Occasion(event, "Edit", {})
    for goes_on, halts in ((False, "no tests"), (True, None)):
        hook = made(type="prompt", prompt="Tested?", event=event, continueOnBlock=goes_on)
        ran = await hooks.runner.run(hook, "{}", 20.0, hooks.place())
        became = fact(occasion, joined([said(hook, ran)]), (hook,), (ran,))
        assert became.halts == halts
        assert ("no tests" in became.context) is goes_on


async def test_an_answer_that_is_none_consents_to_nothing(hooks: Hooks) -> None:
    hooks.model = ScriptedModel(says("Looks fine."))
    ran = await hooks.run(type="prompt", prompt="Tested?")
    assert (ran.code, ran.fault) == (None, "the model gave no clear answer")
    assert joined([said(made(type="prompt", prompt="Tested?"), ran)]).decision is None


# ---- agents -----------------------------------------------------------------------------------------------------------

AGENT: dict[str, Any] = {"type": "agent", "prompt": "Is it tested? $ARGUMENTS", "event": "Stop"}


def results(hooks: Hooks) -> list[tuple[str, bool]]:
    """What the last request to the agent tells of its calls: each text, and whether it was refused or failed."""
    blocks = [it for message in hooks.model.requests[-1].messages for it in message["content"]]
    return [(it["content"], "is_error" in it) for it in blocks if it["type"] == "tool_result"]


async def test_an_agent_looks_before_it_answers_and_what_it_took_is_counted(hooks: Hooks) -> None:
    (hooks.folder / "test_a.py").write_text("def test_a(): ...\n")
    hooks.model = ScriptedModel(
        says(
            "", ("c1", "Grep", {"pattern": "def test", "output_mode": "content"}), ("c2", "Glob", {"pattern": "*.py"})
        ),
        says("", ("c3", "Read", {"file_path": "test_a.py"})),
        says("", ("c4", "Answer", {"ok": False, "reason": "the test is empty"})),
    )
    ran = await hooks.run('{"x": 1}', **AGENT)
    answer = said(made(**AGENT), ran)
    assert (answer.decision, answer.reason) == ("deny", "the test is empty")
    (grep, _), (glob, _), (read, _) = results(hooks)
    assert ("def test_a" in grep, "test_a.py" in glob, "1\tdef test_a" in read) == (True, True, True)
    assert ran.usage["small"]["input_tokens"] == 300
    assert [it["name"] for it in hooks.model.requests[0].tools] == ["Read", "Grep", "Glob", "Answer"]


async def test_an_agent_writes_nothing_and_reads_nothing_that_would_be_asked_about(hooks: Hooks) -> None:
    (hooks.folder / ".env").write_text("KEY=canary\n")
    (hooks.folder / "plans.txt").write_text("canary\n")
    hooks.model = ScriptedModel(
        says(
            "",
            ("c1", "Write", {"file_path": "new.txt", "content": "x"}),
            ("c2", "Bash", {"command": "touch new.txt"}),
            ("c3", "Read", {"file_path": ".env"}),
            ("c4", "Read", {"file_path": "/etc/hostname"}),
            ("c5", "Read", {"file_path": "plans.txt"}),
            ("c6", "Read", {}),
        ),
        says("", ("c7", "Answer", {"ok": True})),
    )
    denied: dict[str, Any] = {"rules": [{"text": "Read(plans.txt)", "behavior": "deny", "source": "user"}]}
    ran = await hooks.run(settings=denied, **AGENT)
    seen = results(hooks)
    assert (ran.code, ran.output) == (0, "{}")
    assert all(failed for _, failed in seen)
    assert "canary" not in str(seen)
    assert [text.split(":")[0].split(" ")[0] for text, _ in seen] == ["There", "There", "Not", "Not", "Not", "The"]
    assert not (hooks.folder / "new.txt").exists()


async def test_an_agent_has_so_many_requests_and_no_more(hooks: Hooks) -> None:
    hooks.model = ScriptedModel(*(says("Hm.") for _ in range(MOST_TURNS)))
    ran = await hooks.run(**AGENT)
    assert (ran.code, ran.fault) == (None, "the model gave no clear answer")
    assert [it.tool_choice is not None for it in hooks.model.requests] == [False] * (MOST_TURNS - 1) + [True]
    assert said(made(**AGENT), ran).decision is None


# ---- tools of MCP servers -----------------------------------------------------------------------------------------------


async def test_a_tool_of_a_server_is_given_the_event_and_its_text_decides(hooks: Hooks) -> None:
    hooks.serve(ours())
    event = {"tool_input": {"left": 40, "name": "TOKEN"}, "cwd": "/p"}
    numbers = {"a": "${tool_input.left}", "b": 2}
    ran = await hooks.run(json.dumps(event), 60.0, type="mcp_tool", server="tests", tool="add", input=numbers)
    assert (ran.code, ran.output) == (0, "42")
    words = {"name": "${tool_input.name}_${tool_input.none}"}
    ran = await hooks.run(json.dumps(event), 60.0, type="mcp_tool", server="tests", tool="variable", input=words)
    assert (ran.code, ran.output) == (0, "(not set)")


def test_a_placeholder_alone_keeps_its_type_and_among_words_is_a_text() -> None:
    event = {"tool_input": {"n": 3, "list": ["a", {"b": True}], "none": None}, "cwd": "/p"}
    given = {
        "all": "${tool_input}",
        "deep": ["${tool_input.list.1.b}", {"x": "${tool_input.none}"}],
        "text": "in ${cwd}: ${tool_input.n} ${tool_input.list} ${nothing.there} $cwd",
        "n": 5,
    }
    assert filled(given, event) == {
        "all": event["tool_input"],
        "deep": [True, {"x": None}],
        "text": 'in /p: 3 ["a", {"b": true}]  $cwd',
        "n": 5,
    }


@pytest.mark.parametrize(
    ("server", "tool", "why"),
    [
        ("other", "add", "there is no MCP server named other; configured here: tests, dead"),
        ("tests", "divide", "the MCP server tests has no tool divide; it has: "),
        ("dead", "add", "the MCP server dead is not connected ("),
        ("tests", "wrong", "the tool wrong of tests failed: "),
        ("tests", "die", "went away during the call"),
    ],
)
async def test_a_tool_that_cannot_answer_is_a_sentence(hooks: Hooks, server: str, tool: str, why: str) -> None:
    hooks.serve(ours(), ServerConfig(name="dead", scope="user", transport="stdio", command="/no/such/program"))
    ran = await hooks.run("{}", 60.0, type="mcp_tool", server=server, tool=tool)
    assert ran.code is None
    assert why in ran.fault
    assert said(made(type="mcp_tool", server=server, tool=tool), ran).decision is None


async def test_a_tool_that_is_slow_is_given_up(hooks: Hooks) -> None:
    hooks.serve(ours())
    await hooks.servers.settled(str(hooks.folder), (), 60.0)
    ran = await hooks.run("{}", 0.5, type="mcp_tool", server="tests", tool="slow")
    assert (ran.code, ran.fault) == (None, "the MCP server tests did not answer within 0.5 s")
