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

from claw_lsp.adapters.hooks.runner import HookRunner
from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.core.hooks.saying import joined, said
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.ports.hooks import HookPlace
from claw_lsp.testing.scripted_model import ScriptedModel, says

KEY = "sk-ant-canary"
SERVER = {**os.environ, "ANTHROPIC_API_KEY": KEY, "HOOK_TOKEN": "t0ken", "OTHER_TOKEN": "0ther"}


class Hooks:
    """A runner with its folder; `model` answers prompt hooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = ScriptedModel()
        self.processes = ShellProcesses(SERVER, str(folder / "output"))
        small = SmallModel(self.model, ModelFacts(id="small"))
        self.runner = HookRunner(self.processes, SERVER, lambda _: small, "Check it.", str(folder / "output"))

    async def run(self, given: str = "{}", seconds: float = 20.0, settings: Any = None, **hook: Any) -> HookRan:
        place = HookPlace(str(self.folder), str(self.folder), "s1", Settings.model_validate(settings or {}), "high")
        return await self.runner.run(made(**hook), given, seconds, place)


def made(**hook: Any) -> Hook:
    return Hook.model_validate({"type": "command", "event": "PreToolUse", **hook})


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    it = Hooks(tmp_path)
    yield it
    await it.processes.close()


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


async def test_a_cancelled_hook_leaves_nothing_behind(hooks: Hooks) -> None:
    task = asyncio.create_task(hooks.run(command="echo $$ > pid; sleep 300"))
    while not (hooks.folder / "pid").exists() or not (hooks.folder / "pid").read_text():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{(hooks.folder / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"command": "dir", "shell": "powershell"}, "asks for powershell"),
        ({"type": "agent", "prompt": "look"}, "does not run hooks of type agent yet"),
        ({"type": "mcp_tool", "server": "s", "tool": "t"}, "does not run hooks of type mcp_tool yet"),
    ],
)
async def test_what_is_not_there_yet_says_so(hooks: Hooks, hook: dict[str, Any], why: str) -> None:
    ran = await hooks.run(**hook)
    assert ran.code is None
    assert why in ran.fault


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
    small = SmallModel(hooks.model, ModelFacts(id="small"))
    runner = HookRunner(hooks.processes, SERVER, lambda _: small, "Check it.", str(hooks.folder))
    hook = made(type="prompt", prompt="Tested? $ARGUMENTS", event="Stop")
    ran = await runner.run(hook, '{"x": "```"}', 5.0, HookPlace("/", "/", "s", Settings()))
    answer = said(hook, ran)
    assert (answer.decision, answer.reason, answer.halts) == ("deny", "no tests", None)
    assert hooks.model.requests[0].messages[0]["content"][0]["text"] == 'Tested? ````json\n{"x": "```"}\n````'


async def test_an_answer_that_is_none_consents_to_nothing(hooks: Hooks) -> None:
    small = SmallModel(ScriptedModel(says("Looks fine.")), ModelFacts(id="small"))
    runner = HookRunner(hooks.processes, SERVER, lambda _: small, "Check it.", str(hooks.folder))
    hook = made(type="prompt", prompt="Tested?")
    ran = await runner.run(hook, "{}", 5.0, HookPlace("/", "/", "s", Settings()))
    assert (ran.code, ran.fault) == (None, "the model gave no clear answer")
    assert joined([said(hook, ran)]).decision is None
