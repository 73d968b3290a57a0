"""Which model answers: what is picked, what the settings allow, what stands in, and what each of them is asked for."""

import json
from pathlib import Path

import pytest
from claude_line import CANARY, line
from door_desk import visiting

from claw_lsp.adapters.claude.models import TABLE, names, resolve, within
from claw_lsp.core.models import nearest_effort
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.event import ModelChanged
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.testing.messages_api import LocalServer, MessagesApi, Reply, Status, Text, Thinking, ToolUse, script
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import WireError

OVERLOADED = Reply(faults=(Status(status=529, message="Overloaded", retry_after_ms=1),))


def write_settings(tmp_path: Path, **settings: object) -> None:
    """In the person's own file."""
    file = tmp_path / "home" / "claw" / "settings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings))


@pytest.mark.parametrize(
    ("wanted", "known", "nearest"),
    [
        ("max", ("low", "medium", "high"), "high"),
        ("xhigh", ("low", "medium", "high", "max"), "high"),
        ("low", ("low", "medium"), "low"),
        ("medium", ("low", "high"), "low"),
        ("high", (), None),
        (None, ("low",), None),
    ],
)
def test_an_effort_that_a_model_lacks_is_the_nearest_it_has(
    wanted: str | None, known: tuple[str, ...], nearest: str | None
) -> None:
    assert nearest_effort(wanted, ModelFacts(id="m", efforts=known)) == nearest


def test_the_settings_stand_over_the_table_field_by_field() -> None:
    settings = Settings(models={"claude-opus-5-5": ModelFacts(id="claude-opus-5-5", context=400_000)})
    facts = resolve("opus", settings)
    assert (facts.context, facts.price) == (400_000, TABLE["claude-opus-5-5"].price)
    assert resolve("mine", Settings(models={"mine": ModelFacts(id="mine", context=32_768)})).max_output == 8_192


def test_default_is_what_the_settings_say() -> None:
    assert resolve("default", Settings(model="sonnet")).id == "claude-sonnet-5-5"
    assert resolve("default", Settings(model="default")).id == "claude-opus-5-5"


def test_what_may_be_used_holds_for_what_nobody_picked_and_for_what_stands_in() -> None:
    given = Settings(model="opus", available_models=("sonnet",), fallback_models=("haiku", "sonnet"))
    settings = within(given)
    assert (settings.model, settings.small_model) == ("claude-sonnet-5-5", "claude-sonnet-5-5")
    assert (settings.available_models, settings.fallback_models) == (("claude-sonnet-5-5",), ("claude-sonnet-5-5",))
    assert names(settings) == ("sonnet", "claude-sonnet-5-5")
    assert within(Settings()) == Settings()


async def test_a_model_that_the_settings_do_not_allow_is_refused_wherever_it_is_named(tmp_path: Path) -> None:
    write_settings(tmp_path, model="opus", availableModels=["haiku"])
    async with visiting(tmp_path, says("Hello.")) as visit:
        for command, more in (("claw.model", {}), ("claw.ask", {"prompt": "hello"})):
            with pytest.raises(WireError, match=r"claude-opus-5-5 is not among .*availableModels.*claude-haiku-5-5"):
                await visit.command(command, model="opus", **more)
        one = await visit.turn("claw.ask", prompt="hello")
        assert visit.model.requests[0].model == "claude-haiku-5-5"
        write_settings(tmp_path, availableModels=["sonnet"])
        two = await visit.turn("claw.ask", prompt="hello", session=one["session"])
        assert (two["stopped"], len(visit.model.requests)) == ("failed", 1)
        assert "claude-haiku-5-5 is not among" in two["why"]


async def test_an_effort_that_the_model_lacks_is_said_and_the_nearest_is_sent(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), says("Hello.")) as visit:
        one = await visit.turn("claw.ask", prompt="hello", model="claude-opus-4-5")
        answer = await visit.command("claw.effort", effort="max")
        assert "claude-opus-4-5 does not know the effort max: it is asked for high" in answer["text"]
        await visit.turn("claw.ask", prompt="hello", session=one["session"])
        assert visit.model.requests[1].effort == "high"
        switched = await visit.command("claw.model", model="claude-haiku-4-5")
        assert "claude-haiku-4-5 takes no effort" in switched["text"]
        assert "text" not in await visit.command("claw.model", model="opus")
        assert "text" not in await visit.command("claw.effort", effort="max")


async def test_another_model_stands_in_over_http_and_the_first_is_back_for_the_next_turn(tmp_path: Path) -> None:
    """The server refuses thinking of another model or prefix, doubled calls and calls without their result."""
    write_settings(tmp_path, model="opus", fallbackModel=["sonnet"], sessionTitles=False)
    look = ToolUse(name="Glob", input={"pattern": "*.py"})
    scenario = script(
        Reply(content=(Thinking(thinking="Look first."), Text(text="Looking."), look)),
        *[OVERLOADED] * 10,
        Reply(content=(Thinking(thinking="So."), Text(text="Nothing there."))),
        Reply(content=(Thinking(thinking="Polite."), Text(text="You are welcome."))),
        "Bye.",
    )
    async with MessagesApi(scenario) as api:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-scripted", "ANTHROPIC_BASE_URL": api.url}
        async with visiting(tmp_path, environment=environment) as visit:
            one = await visit.turn("claw.ask", prompt="what is there?")
            assert (one["stopped"], one["text"]) == ("done", "Nothing there.")
            for prompt in ("thanks", "bye"):
                assert (await visit.turn("claw.ask", prompt=prompt, session=one["session"]))["stopped"] == "done"
            changed = [it.event for it in visit.log(one["session"]) if isinstance(it.event, ModelChanged)]
        answered = [str(it.body["model"]) for it in api.requests if it.status == 200]
        assert answered == ["claude-opus-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-opus-5-5"]
        assert [it.why for it in changed] == ["claude-opus-5-5 is overloaded"]
        assert not [it.refusal for it in api.requests if it.status == 400]
        assert not api.leftover()


async def test_whole_turns_and_titles_on_a_server_of_ones_own(tmp_path: Path) -> None:
    """It has one model, wants no key, and takes neither cache marks nor anything else that not every server has."""
    own = {"qwen3-coder": {"context": 65_536, "max_output": 4_096, "thinking": ["adaptive"], "efforts": ["high"]}}
    write_settings(tmp_path, model="qwen3-coder", models=own, effortLevel="high", fallbackModel=["other"])
    look = ToolUse(name="Glob", input={"pattern": "*.py"})
    scenario = script(Reply(content=(Text(text="Looking."), look)), "Nothing there.", "Still nothing.")
    local = LocalServer(("qwen3-coder",), ("cache_control", "thinking", "output_config"))
    async with MessagesApi(scenario, local=local) as api:
        async with visiting(tmp_path, environment={"ANTHROPIC_BASE_URL": api.url}) as visit:
            one = await visit.turn("claw.ask", prompt="what is there?")
            assert (one["stopped"], one["text"], one["cost"]) == ("done", "Nothing there.", None)
            two = await visit.turn("claw.ask", prompt="and now?", session=one["session"])
            assert (two["stopped"], two["text"]) == ("done", "Still nothing.")
            status = await visit.command("claw.status")
            assert (status["context"]["size"], status["cost"]) == (65_536, None)
        assert [it.status for it in api.requests] == [400, 400, 400, 200, 200, 200]
        assert {it.body["max_tokens"] for it in api.requests} == {4_096}
        assert not api.leftover()


@pytest.mark.parametrize("name", ["opus", "sonnet", "haiku", "claude-opus-4-8"])
async def test_any_model_may_be_the_small_one_that_must_call_a_tool(name: str) -> None:
    """The server refuses to force a model that always thinks."""
    tool = {"name": "Answer", "description": "The answer.", "input_schema": {"type": "object", "properties": {}}}
    reply = Reply(content=(ToolUse(name="Answer", input={"ok": True}),))
    async with MessagesApi(script(reply)) as api, line(api.url, find=lambda: CANARY) as model:
        facts = resolve(name, Settings())
        answer = await SmallModel(model, facts).ask("Judge it.", "a call", (tool,), must="Answer")
    assert [it["name"] for it in answer.blocks] == ["Answer"]
    (asked,) = api.requests
    told = "Answer by a call of the tool Answer" in json.dumps(asked.body["messages"])
    assert (told, "tool_choice" in asked.body) == (not facts.forces_tools, facts.forces_tools)


async def test_where_there_is_no_small_model_the_main_one_is_asked_and_paid() -> None:
    main = ModelFacts(id="qwen3-coder")
    async with (
        MessagesApi(script("A title."), local=LocalServer(("qwen3-coder",))) as api,
        line(api.url, find=lambda: CANARY) as model,
    ):
        small = SmallModel(model, TABLE["claude-haiku-5-5"], main)
        reply = await small.ask("Name it.", "a session", ())
    assert (reply.model, small.price_of(reply)) == ("qwen3-coder", None)
    assert [it.status for it in api.requests] == [404, 200]


async def test_a_session_goes_from_model_to_model_and_back_with_thinking_calls_and_cache(tmp_path: Path) -> None:
    """The server takes a model's thinking only from that model and behind what it stood behind."""
    write_settings(tmp_path, model="opus", sessionTitles=False)
    look = ToolUse(name="Glob", input={"pattern": "*.py"})
    turns = [
        Reply(content=(Thinking(thinking=f"Thought {n}."), it))
        for n, it in enumerate(
            (look, Text(text="None."), Text(text="Hm."), look, Text(text="Still."), Text(text="Bye."))
        )
    ]
    async with MessagesApi(script(*turns)) as api:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-scripted", "ANTHROPIC_BASE_URL": api.url}
        async with visiting(tmp_path, environment=environment) as visit:
            session = (await visit.turn("claw.ask", prompt="what is there?"))["session"]
            for command in ({"model": "sonnet"}, {"model": "opus"}, {"effort": "low"}):
                (name,) = command
                await visit.command(f"claw.{name}", session=session, **command)
                assert (await visit.turn("claw.ask", prompt="and now?", session=session))["stopped"] == "done"
        assert [it.refusal for it in api.requests if it.refusal] == []
        asked = [(it.body["model"], "Thought" in str(it.body["messages"])) for it in api.requests]
        opus, sonnet = "claude-opus-5-5", "claude-sonnet-5-5"
        assert asked == [(opus, False), (opus, True), (sonnet, False), (opus, False), (opus, True), (opus, True)]
        assert [it.body.get("output_config") for it in api.requests][-1] == {"effort": "low"}
        assert (api.requests[-1].usage or {})["cache_read_input_tokens"] > 1_000, (
            "another effort leaves the cache as it is"
        )
        assert not api.leftover()


async def test_the_cost_says_what_the_session_may_cost(tmp_path: Path) -> None:
    write_settings(tmp_path, maxCost=2.5)
    async with visiting(tmp_path, says("Hello.")) as visit:
        await visit.turn("claw.ask", prompt="hello")
        told = (await visit.command("claw.cost"))["text"].splitlines()[0]
        assert told.endswith(" in this session, of $2.50 that it may cost before you are asked (`maxCost`)")
