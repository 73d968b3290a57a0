"""The prompt cache over long chains, counted by the scripted server from the real prefix, over real HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from claw_lsp.adapters.claude.client import ClaudeModel
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.adapters.claude.models import resolve
from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.engine.house import House
from claw_lsp.engine.offering import OF_SERVERS
from claw_lsp.engine.session import Session
from claw_lsp.engine.toolbox import spec
from claw_lsp.engine.turn import Hands, run_turn
from claw_lsp.facts.event import SessionStarted, UserSpoke
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.fakes import Doubt, MemoryLog, NoGuidance, NoHooks, NoMemory, PlannedPerson
from claw_lsp.testing.messages_api import MessagesApi, Reply, Scenario, Thinking, ToolUse, script

N_CALLS = 50


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Built before there is a loop, as the command line does."""
    made = build(World({"PATH": "/usr/bin:/bin"}, str(tmp_path), str(tmp_path / ".claw"), str(tmp_path)))
    made.tools(Settings())
    return made


async def play(house: House, folder: Path, scenario: Scenario, *prompts: str) -> MessagesApi:
    """A session of these prompts over the real tools and the real provider adapter."""
    settings = Settings(model="sonnet")
    tools = house.tools(settings)
    session = Session(MemoryLog())
    specs = tuple(spec(it) for name, it in tools.items() if name not in OF_SERVERS)
    model_id = resolve("sonnet", settings).id
    session.write(
        SessionStarted(
            session="s",
            cwd=str(folder),
            roots=(str(folder),),
            model=model_id,
            system=house.prompts.system,
            tools=specs,
            context="You are somewhere.",
        )
    )
    async with MessagesApi(scenario) as api:
        model = ClaudeModel(lambda: Credential("api_key", "sk-ant-scripted"), SystemClock(), base_url=api.url)
        hands = Hands(
            model=model,
            tools=tools,
            workspace=DiskWorkspace(),
            host=PlannedPerson(),
            clock=SystemClock(),
            memory=NoMemory(),
            guidance=NoGuidance(),
            hooks=NoHooks(),
            assessor=Doubt(),
            settings=settings,
            facts_of=lambda name: resolve(name, settings),
            home=str(folder),
        )
        for number, prompt in enumerate(prompts):
            spoken = UserSpoke(
                run=f"r{number}", prompt_id=f"p{number}", text=prompt, blocks=({"type": "text", "text": prompt},)
            )
            ended = await run_turn(session, spoken, hands)
            assert ended.stopped == "done", ended.why
        await model.close()
    assert [it.refusal for it in api.requests if it.refusal] == []
    return api


def files(folder: Path) -> list[ToolUse]:
    reads: list[ToolUse] = []
    for number in range(N_CALLS):
        path = folder / f"file{number}.txt"
        path.write_text(f"line of file {number}\n" * 30)
        reads.append(ToolUse(name="Read", input={"file_path": str(path)}))
    return reads


async def test_over_a_chain_of_50_single_calls_all_that_could_be_read_is_read(house: House, tmp_path: Path) -> None:
    thoughts = Thinking(thinking="One more.")
    chain = [Reply(content=(thoughts, read)) for read in files(tmp_path)]
    api = await play(house, tmp_path, script(*chain, "All read.", "Bye."), "read them all, one by one", "thanks")
    assert len(api.requests) == N_CALLS + 2
    assert api.cache_report().ratio >= 0.99


async def test_after_50_parallel_calls_all_that_could_be_read_is_read(house: House, tmp_path: Path) -> None:
    scenario = script(Reply(content=tuple(files(tmp_path))), "All read.", "Bye.")
    api = await play(house, tmp_path, scenario, "read them all at once", "thanks")
    assert len(api.requests) == 3
    assert api.cache_report().ratio >= 0.99


async def test_system_and_tools_are_small_and_the_first_request_is_known(house: House, tmp_path: Path) -> None:
    api = await play(house, tmp_path, script("Hello."), "hi")
    body = api.requests[0].body
    assert len(json.dumps({"system": body["system"], "tools": body["tools"]}, ensure_ascii=False).encode()) <= 28 * 1024
    assert sorted(body) == snapshot(["max_tokens", "messages", "model", "stream", "system", "thinking", "tools"])
    assert [it["name"] for it in body["tools"]] == snapshot(
        [
            "Read",
            "Write",
            "Edit",
            "NotebookEdit",
            "Glob",
            "Grep",
            "Bash",
            "TaskOutput",
            "TaskStop",
            "WebFetch",
            "WebSearch",
            "TaskCreate",
            "TaskGet",
            "TaskList",
            "TaskUpdate",
            "Remember",
            "AskUserQuestion",
            "EnterPlanMode",
            "ExitPlanMode",
        ]
    )
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "You are somewhere."},
                {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            ],
        }
    ]


@pytest.mark.parametrize("model", ["opus", "sonnet", "haiku", "claude-opus-4-5", "claude-sonnet-4-6"])
async def test_every_kind_of_model_takes_the_request(house: House, tmp_path: Path, model: str) -> None:
    settings = Settings(model=model)
    async with MessagesApi(script("Hello.")) as api:
        provider = ClaudeModel(lambda: Credential("api_key", "sk-ant-scripted"), SystemClock(), base_url=api.url)
        session = Session(MemoryLog())
        tools = house.tools(settings)
        session.write(
            SessionStarted(
                session="s",
                cwd=str(tmp_path),
                roots=(),
                model=resolve(model, settings).id,
                effort="high",
                system="be good",
                tools=tuple(spec(it) for it in tools.values()),
            )
        )
        hands = Hands(
            model=provider,
            tools=tools,
            workspace=DiskWorkspace(),
            host=PlannedPerson(),
            clock=SystemClock(),
            memory=NoMemory(),
            guidance=NoGuidance(),
            hooks=NoHooks(),
            assessor=Doubt(),
            settings=settings,
            facts_of=lambda name: resolve(name, settings),
            home=str(tmp_path),
        )
        spoken = UserSpoke(run="r", prompt_id="p", text="hi", blocks=({"type": "text", "text": "hi"},))
        ended = await run_turn(session, spoken, hands)
        await provider.close()
    assert (ended.stopped, ended.why) == ("done", "")
    assert ended.cost is not None and ended.cost > 0
