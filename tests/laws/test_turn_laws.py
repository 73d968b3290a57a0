"""Laws of the loop, over random scripts run by the real engine, and over random interruptions of the logs they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from claw_lsp.core.budget import total
from claw_lsp.core.fold import fold
from claw_lsp.core.prompt import request
from claw_lsp.core.recover import Partial, recover
from claw_lsp.core.step import Consult, Rest, next_step
from claw_lsp.engine.session import Session
from claw_lsp.engine.toolbox import spec
from claw_lsp.engine.turn import Hands, run_turn
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.event import (
    EVENT,
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModelChanged,
    ModelSpoke,
    Noted,
    SessionStarted,
    Steered,
    UserSpoke,
)
from claw_lsp.facts.fault import ModelError, ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Retrying, UsageReported
from claw_lsp.facts.usage import ModelFacts, Price, Usage
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.model import Hear, Model
from claw_lsp.ports.tools import Tell
from claw_lsp.testing.fakes import Doubt, FakeClock, MemoryLog, NoGuidance, NoHooks, NoMemory, PlannedPerson
from claw_lsp.testing.memory_workspace import BufferedWorkspace
from claw_lsp.testing.scripted_model import ScriptedModel, says
from tests.replay import assert_replays, bare

FACTS = ModelFacts(id="scripted", price=Price(input=1, output=1, cache_read=1), thinking=("adaptive",))


class AnyInput(BaseModel):
    model_config = ConfigDict(extra="forbid")
    how: str


class Look:
    """Looks."""

    name: ClassVar[str] = "Look"
    input: ClassVar[type[BaseModel]] = AnyInput
    side_by_side: ClassVar[bool] = True
    reach = Reach.READ

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        how = AnyInput.model_validate(call.input).how
        if how == "unplannable":
            raise ToolError("it cannot be planned")
        return Plan(call, self.reach, f"{self.name} {how}", payload=how)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        await asyncio.sleep(0)
        if plan.payload == "fails":
            raise ToolError("it failed")
        return Result(content=f"{plan.title} done", seen={str(plan.payload): "digest"})


class Touch(Look):
    """Touches."""

    name: ClassVar[str] = "Touch"
    side_by_side: ClassVar[bool] = False
    reach = Reach.EDIT


TOOLS = {it.name: it for it in (Look(), Touch())}


def started() -> SessionStarted:
    return SessionStarted(
        session="s",
        cwd="/w",
        roots=("/w",),
        model="scripted",
        system="be good",
        tools=tuple(spec(it) for it in TOOLS.values()),
        context="where you are",
    )


def calls() -> st.SearchStrategy[tuple[str, str, dict[str, Any]]]:
    names = st.sampled_from(["Look", "Touch", "Nothing"])
    given_ = st.sampled_from([{"how": "a"}, {"how": "fails"}, {"how": "unplannable"}, {"wrong": 1}])
    return st.tuples(st.uuids().map(lambda it: f"toolu_{it.hex}"), names, given_)


def replies() -> st.SearchStrategy[Reply | ModelError]:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    spoken = st.builds(
        lambda text, some, stop, cut: says(text, *some, stop=stop, cut=cut),
        st.sampled_from(["", "word", " trailing \n", "   "]),
        st.lists(calls(), max_size=4),
        st.sampled_from([None, None, None, "max_tokens", "pause_turn", "refusal", "model_context_window_exceeded"]),
        st.sampled_from([False, False, False, True]),
    )
    thoughtful = spoken.map(
        lambda it: Reply((thinking, *it.blocks), it.stop_reason, it.usage, it.model, cut=it.cut, fault=it.fault)
    )
    return st.one_of(spoken, thoughtful, spoken, st.just(ModelError("the provider failed")))


def choices() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(["deny", "once", "session"]), max_size=4)


class Interrupting(ScriptedModel):
    """While it is asked, something else happens to the session; it never runs out of answers."""

    def __init__(self, session: Session, asides: Sequence[Event | None], replies: Sequence[Reply | ModelError]) -> None:
        super().__init__(*replies, *(says("the end") for _ in range(12)))
        self._session = session
        self._asides = list(asides)

    async def consult(self, request: Request, hear: Hear) -> Reply:
        aside = self._asides.pop(0) if self._asides else None
        if aside is not None:
            self._session.write(aside)
        return await super().consult(request, hear)


async def played(
    turns: Sequence[Sequence[Reply | ModelError]], answers: list[str], asides: Sequence[Event | None]
) -> tuple[MemoryLog, list[Request]]:
    """The log of these turns, and every request that the model was sent."""
    log = MemoryLog()
    session = Session(log)
    session.write(started())
    requests: list[Request] = []
    for number, turn in enumerate(turns):
        model = Interrupting(session, asides, turn)
        session.write(Noted(text="something changed"))
        await run_turn(session, spoken(number), hands(model, answers))
        requests += model.requests
    return log, requests


def hands(model: Model, answers: list[str]) -> Hands:
    return Hands(
        model=model,
        tools=TOOLS,
        workspace=BufferedWorkspace(),
        host=PlannedPerson(answers),
        clock=FakeClock(),
        memory=NoMemory(),
        guidance=NoGuidance(),
        hooks=NoHooks(),
        assessor=Doubt(),
        settings=Settings(),
        facts_of=lambda _: FACTS,
        home="/home/u",
    )


def spoken(number: int) -> UserSpoke:
    return UserSpoke(run=f"r{number}", prompt_id=f"p{number}", text="go", blocks=({"type": "text", "text": "go"},))


def run(
    turns: Sequence[Sequence[Reply | ModelError]], answers: list[str], asides: Sequence[Event | None] = ()
) -> list[Entry]:
    return asyncio.run(played(turns, answers, asides))[0].entries


def said_aside() -> st.SearchStrategy[list[Event | None]]:
    """What the person says while the model is asked, by request."""
    said = [None, None, Noted(text="by the way"), Steered(text="also this"), ModelChanged(effort="low")]
    return st.lists(st.sampled_from(said), max_size=6)


scripts = st.lists(st.lists(replies(), max_size=4), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(scripts, choices(), said_aside())
def test_every_prefix_of_every_log_decides_the_kind_of_the_next_fact_the_loop_made(
    turns: list[list[Reply | ModelError]], answers: list[str], asides: list[Event | None]
) -> None:
    state = assert_replays(it.event for it in run(turns, answers, asides))
    assert isinstance(next_step(state), Rest)


@settings(max_examples=40, deadline=None)
@given(scripts, choices(), st.data())
def test_folding_in_two_halves_equals_folding_once(
    turns: list[list[Reply | ModelError]], answers: list[str], data: st.DataObject
) -> None:
    events = [it.event for it in run(turns, answers)]
    cut = data.draw(st.integers(0, len(events)))
    assert fold(events[cut:], fold(events[:cut])) == fold(events)


@settings(max_examples=40, deadline=None)
@given(scripts, choices(), st.data(), st.text(max_size=5))
def test_a_log_cut_anywhere_is_closed_once_and_its_next_request_answers_every_call(
    turns: list[list[Reply | ModelError]], answers: list[str], data: st.DataObject, partial: str
) -> None:
    events = [it.event for it in run(turns, answers)]
    cut = data.draw(st.integers(1, len(events)))
    state = fold(events[:cut])
    shown = partial if state.turn is not None and isinstance(next_step(state), Consult) else ""
    counted = (
        Usage(input_tokens=7, output_tokens=1) if isinstance(next_step(state), Consult) and state.turn else Usage()
    )
    closing = recover(state, Partial(shown, counted, 0.25 if counted != Usage() else 0.0))
    closed = fold(closing, state)
    assert recover(closed) == ()
    assert total(closed) == total(state) + counted
    assert isinstance(next_step(closed), Rest)
    if shown.strip():
        texts = [block.get("text") for message in closed.messages for block in message["content"]]
        assert shown.rstrip() in texts
    again = fold([UserSpoke(run="n", prompt_id="n", text="go", blocks=({"type": "text", "text": "go"},))], closed)
    assert_valid(request(again, FACTS, 1000))


@settings(max_examples=60, deadline=None)
@given(scripts, choices(), said_aside())
def test_every_request_is_valid_and_begins_with_the_one_before_it(
    turns: list[list[Reply | ModelError]], answers: list[str], asides: list[Event | None]
) -> None:
    requests = asyncio.run(played(turns, answers, asides))[1]
    for it in requests:
        assert_valid(it)
    for before, now in zip(requests, requests[1:], strict=False):
        assert bare(now.messages)[: len(before.messages)] == bare(before.messages)
        assert (now.system, now.tools) == (before.system, before.tools)


@settings(max_examples=40, deadline=None)
@given(scripts, choices(), said_aside())
def test_what_the_person_says_while_the_model_is_asked_reaches_it_once(
    turns: list[list[Reply | ModelError]], answers: list[str], asides: list[Event | None]
) -> None:
    entries = run(turns, answers, asides)
    state = fold(it.event for it in entries)
    told = [block.get("text") for message in state.messages for block in message["content"]]
    told += [block.get("text") for block in (*state.pending, *state.waiting)]
    for text in ("by the way", "also this"):
        said = sum(isinstance(it.event, Noted | Steered) and it.event.text == text for it in entries)
        assert told.count(text) == said


def assert_valid(it: Request) -> None:
    """What the API refuses with 400, as far as the loop can cause it."""
    assert it.messages[0]["role"] == "user"
    ids: set[str] = set()
    marked = sum("cache_control" in block for message in it.messages for block in message["content"])
    assert marked <= 3, "with the one on the system text, at most 4"
    for index, message in enumerate(it.messages):
        blocks = message["content"]
        assert blocks
        for block in blocks:
            if block["type"] == "text":
                assert block["text"].strip()
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert ids.isdisjoint(asked)
        ids.update(asked)
        if message["role"] == "assistant" and asked:
            answered = [b["tool_use_id"] for b in it.messages[index + 1]["content"] if b["type"] == "tool_result"]
            assert answered == asked
            kinds = [b["type"] for b in it.messages[index + 1]["content"]]
            assert kinds[: len(asked)] == ["tool_result"] * len(asked)
        if message["role"] == "assistant" and blocks[-1]["type"] == "text":
            assert blocks[-1]["text"] == blocks[-1]["text"].rstrip()


@given(st.lists(st.one_of(replies(), st.just(ModelError("x"))), max_size=3), choices())
@settings(max_examples=30, deadline=None)
def test_events_survive_the_way_through_json(turn: list[Reply | ModelError], answers: list[str]) -> None:
    for entry in run([turn], answers):
        written = Entry.model_validate_json(entry.model_dump_json())
        assert written == entry
        assert EVENT.validate_python(entry.event.model_dump()) == entry.event


@given(scripts, choices())
@settings(max_examples=60, deadline=None)
def test_another_model_gets_no_thinking_of_the_first(turns: list[list[Reply | ModelError]], answers: list[str]) -> None:
    state = fold([it.event for it in run(turns, answers)])
    switched = fold([ModelChanged(model="other")], state)
    kinds = {block["type"] for message in switched.messages for block in message["content"]}
    assert "thinking" not in kinds
    assert switched.prefix == state.prefix + 1


def test_the_events_of_a_newer_version_keep_what_we_do_not_know() -> None:
    event: Event = EVENT.validate_python({"kind": "noted", "text": "hi", "colour": "red"})
    assert event.model_dump()["colour"] == "red"


def test_what_a_side_request_took_counts_for_the_turn_and_the_session() -> None:
    asked = ModelSpoke(
        blocks=says("", ("c1", "Look", {"how": "a"})).blocks, stop_reason="tool_use", model="big", cost=1.0
    )
    searched = Result(content="found", side_usage={"small": {"output_tokens": 7}}, side_cost=0.5)
    state = fold([started(), spoken(0), asked, CallFinished(call_id="c1", result=searched)])
    assert state.turn is not None
    assert state.usage["small"].output_tokens == state.turn.usage["small"].output_tokens == 7
    assert state.cost == state.turn.cost == 1.5


async def test_what_the_person_will_rely_on_is_on_the_disk_before_anything_is_done_about_it() -> None:
    """What was said, each yes to what changes something, and the end; a power cut may cost the rest."""
    turn = [says("", ("c1", "Look", {"how": "a"}), ("c2", "Touch", {"how": "b"})), says("Done.")]
    log, _ = await played([turn], ["once"], [])
    kept = [log.entries[n - 1].event for n in log.durable]
    assert [it.kind for it in kept] == ["user_spoke", "call_judged", "turn_ended"]
    assert kept[1] == next(
        it.event for it in log.entries if isinstance(it.event, CallJudged) and it.event.call_id == "c2"
    )


class Retried(ScriptedModel):
    """Fails after the provider counted something and nothing was shown, and waits to ask again."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    async def consult(self, request: Request, hear: Hear) -> Reply:
        await hear(UsageReported(Usage(input_tokens=100)))
        await hear(Retrying(2, 10, 60.0, "the provider is overloaded"))
        self.waits.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


async def test_a_turn_interrupted_while_it_waits_to_ask_again_has_no_reply_in_its_log() -> None:
    session = Session(MemoryLog())
    session.write(started())
    model = Retried()
    running = asyncio.create_task(run_turn(session, spoken(0), hands(model, [])))
    await model.waits.wait()
    running.cancel()
    await asyncio.wait((running,))
    assert [it.event.kind for it in session.entries] == ["session_started", "user_spoke", "turn_ended"]
    assert session.state.cost == 0.0
