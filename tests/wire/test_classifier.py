"""The small model of auto mode over real HTTP: a forced call is a verdict, everything else is a question."""

from __future__ import annotations

from claude_line import line

from claw_lsp.adapters.classifier import VERDICT, Classifier
from claw_lsp.adapters.claude.models import resolve
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.call import Call
from claw_lsp.facts.opinion import AutoRules
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Verdict
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.model import Model
from claw_lsp.testing.messages_api import MessagesApi, Reply, Status, ToolUse, script

GROUND = Ground(("/ws",), "/ws", "/home/u")
PLAN = Plan(Call(id="c", name="Bash", input={"command": "touch one"}), Reach.RUN, "Run touch one", command="touch one")
ASKED = Verdict(decision="ask", reason="no rule decides it")
HAIKU = resolve("haiku", Settings.model_validate({}))


def classifier(model: Model, patience: float = 60.0) -> Classifier:
    return Classifier("Decide.", SmallModel(model, HAIKU), AutoRules(), patience)


async def test_the_api_takes_the_request_and_the_verdict_is_counted() -> None:
    said = ToolUse(name=VERDICT["name"], input={"decision": "allow", "reason": "Asked for."})
    async with MessagesApi(script(Reply(content=(said,)))) as api, line(api.url) as model:
        found = await classifier(model).assess((), PLAN, ASKED, GROUND)
        sent = api.requests[0]
    assert (found.decision, found.reason) == ("allow", "Asked for")
    assert found.usage[HAIKU.id]["output_tokens"] > 0
    assert found.cost is not None
    assert found.cost > 0
    assert sent.refusal is None
    assert sent.body["tool_choice"] == {"type": "tool", "name": VERDICT["name"]}
    assert '"touch one"' in sent.last_user_text


async def test_words_in_place_of_a_verdict_are_a_question_that_is_paid_for() -> None:
    async with MessagesApi(script("I would allow it.")) as api, line(api.url) as model:
        found = await classifier(model).assess((), PLAN, ASKED, GROUND)
    assert found.decision == "ask"
    assert found.usage[HAIKU.id]["output_tokens"] > 0


async def test_a_small_model_that_refuses_us_is_a_question() -> None:
    refused = Reply(faults=(Status(status=401, error_type="authentication_error"),))
    async with MessagesApi(script(refused)) as api, line(api.url) as model:
        found = await classifier(model).assess((), PLAN, ASKED, GROUND)
    assert (found.decision, found.reason) == ("ask", "auto mode could not reach its small model")


async def test_a_small_model_that_takes_too_long_is_a_question() -> None:
    said = ToolUse(name=VERDICT["name"], input={"decision": "allow", "reason": "Asked for."})
    async with MessagesApi(script(Reply(content=(said,), delay=5))) as api, line(api.url) as model:
        found = await classifier(model, patience=0.1).assess((), PLAN, ASKED, GROUND)
    assert found.decision == "ask"
    assert "0.1 s" in found.reason


async def test_a_call_that_is_too_long_is_not_judged_by_half_of_it() -> None:
    long = Plan(Call(id="c", name="Write", input={"content": "x" * 9000}), Reach.EDIT, "Write a")
    async with MessagesApi(script()) as api, line(api.url) as model:
        found = await classifier(model).assess((), long, ASKED, GROUND)
    assert (found.decision, found.usage) == ("ask", {})
