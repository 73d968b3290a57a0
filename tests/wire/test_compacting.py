"""Compaction against the strict scripted server, over real HTTP: what is kept, what the cache reads, what a failure leaves."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from claw_lsp.adapters.claude.client import ClaudeModel
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.adapters.claude.models import resolve
from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.core.compacting import by_itself
from claw_lsp.engine.house import House
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import Hands, compact, run_turn
from claw_lsp.facts.call import Block
from claw_lsp.facts.event import Compacted, CompactionFailed, Event, TurnEnded, UserSpoke
from claw_lsp.facts.fault import LogError
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.fakes import MemoryLog, PlannedPerson
from claw_lsp.testing.messages_api import MessagesApi, Reply, Scenario, Thinking, ToolUse
from claw_lsp.testing.messages_api.recorded import Recorded
from claw_lsp.testing.messages_api.scenario import Improvised, Status, Text
from tests.replay import assert_replays

SMALL = Settings(model="sonnet", compact_window=30_000, max_output_tokens=4_000)
"""It is compacted at 24,000 tokens, of which system and tools take about a third."""
ASKED = "The conversation above is about to be made shorter."


def wish(number: int) -> str:
    return f"Wish {number}: keep «prices» exact to {number} cents, café included.\n\n```py\nx = {number}\n```"


@dataclass
class Long:
    """A session with a model that answers at length; `summaries` answers what asks for one."""

    session: Session
    hands: Hands
    log: MemoryLog

    async def say(self, text: str, *more: Block) -> TurnEnded:
        run = f"r{len(self.session.state.said)}"
        at = by_itself(self.hands.facts_of(self.session.state.model), self.hands.settings)
        blocks = ({"type": "text", "text": text}, *more)
        return await run_turn(
            self.session, UserSpoke(run=run, prompt_id=run, text=text, blocks=blocks, compact_at=at), self.hands
        )

    @property
    def events(self) -> list[Event]:
        return [it.event for it in self.log.entries]

    def compacted(self) -> list[Compacted]:
        return [it for it in self.events if isinstance(it, Compacted)]

    def failed(self) -> list[CompactionFailed]:
        return [it for it in self.events if isinstance(it, CompactionFailed)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Built before there is a loop, as the command line does."""
    made = build(World({"PATH": "/usr/bin:/bin"}, str(tmp_path), str(tmp_path / ".claw"), str(tmp_path)))
    made.tools(Settings())
    return made


async def long_session(house: House, folder: Path, api: MessagesApi, settings: Settings, log: MemoryLog) -> Long:
    home = Home(str(folder), (str(folder),))
    session = Session(log)
    session.write(await house.sessions._opening("s", home, Chosen(model="sonnet")))
    model = ClaudeModel(lambda: Credential("api_key", "sk-ant-scripted"), SystemClock(), base_url=api.url)
    its = house.hands(DiskWorkspace(), PlannedPerson(), settings, home)
    hands = replace(its, model=model, facts_of=lambda name: resolve(name, settings))
    return Long(session, hands, log)


def improvising(answer: Callable[[Recorded], Reply]) -> Scenario:
    return Scenario(replies=(Improvised(make=answer, times="always"),))


def texts(body: dict) -> str:
    blocks = [it for message in body["messages"] for it in message["content"]]
    return "\n".join(str(it.get("text", "")) for it in blocks)


def at_length(request: Recorded) -> Reply:
    """Notes where they are asked for, a task first, else a long answer with thinking before it."""
    if ASKED in request.last_user_text:
        return Reply(content=(Text(text="## What was decided\nPrices are integers of cents, since floats drift."),))
    if "Wish 0" in request.last_user_text and not request.tool_results:
        task = {"subject": "Round the totals", "description": "half to even", "activeForm": "Rounding"}
        return Reply(content=(Thinking(thinking="A list helps."), ToolUse(name="TaskCreate", input=task)))
    return Reply(content=(Thinking(thinking="Long."), Text(text="A long answer about prices. " * 500 + "End.")))


async def test_after_five_compactions_task_words_decisions_and_tasks_are_in_the_prompt_and_the_cache_is_read(
    house: House, tmp_path: Path
) -> None:
    async with MessagesApi(improvising(at_length)) as api:
        long = await long_session(house, tmp_path, api, SMALL, MemoryLog())
        number = 0
        while len(long.compacted()) < 5:
            assert (await long.say(wish(number))).stopped == "done"
            number += 1
            assert number < 60
        assert (await long.say("And now?")).stopped == "done"
        await long.hands.model.close()
    assert [it.refusal for it in api.requests if it.refusal] == []
    told = texts(api.requests[-1].body)
    assert all(told.count(wish(it)) == 1 for it in range(number))
    assert "Prices are integers of cents" in told
    assert "Round the totals: half to even" in told
    assert told.count("This session was made shorter here") == 1
    assert api.cache_report().ratio >= 0.99
    assert_replays(long.events)
    paid = sum(it.cost or 0 for it in long.events if it.kind in ("model_spoke", "compacted"))
    assert long.session.state.cost == pytest.approx(paid)
    for it in long.compacted():
        assert it.after < it.before / 2


async def test_old_results_go_first_and_no_model_is_asked_for_that(house: House, tmp_path: Path) -> None:
    names = [tmp_path / f"file{number}.txt" for number in range(6)]
    for name in names:
        name.write_text("a line of the file\n" * 600)

    def reads(request: Recorded) -> Reply:
        assert ASKED not in request.last_user_text
        n_read = sum(it["role"] == "assistant" for it in request.body["messages"])
        if n_read < len(names):
            return Reply(content=(ToolUse(name="Read", input={"file_path": str(names[n_read])}),))
        return Reply(content=(Text(text="All read."),))

    async with MessagesApi(improvising(reads)) as api:
        long = await long_session(house, tmp_path, api, SMALL, MemoryLog())
        assert (await long.say("read them all")).stopped == "done"
        await long.hands.model.close()
    assert [it.refusal for it in api.requests if it.refusal] == []
    assert long.compacted()
    assert {it.head for it in long.compacted()} == {()}
    assert "is left out here to save room. Call it again if you need it.]" in str(api.requests[-1].body)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(content=(Text(text="No."),), stop_reason="refusal"), "the model declined to summarise it"),
        (Reply(content=(ToolUse(name="TaskList", input={}),)), "the model wrote no summary"),
        (Reply(faults=(Status(status=401, error_type="authentication_error"),)), "refused the key"),
        (
            Reply(
                faults=(
                    Status(
                        status=400,
                        error_type="invalid_request_error",
                        message="prompt is too long: 9 tokens > 8 maximum",
                    ),
                )
            ),
            "too long to be summarised",
        ),
    ],
)
async def test_a_summary_that_fails_leaves_the_session_as_it_was_and_says_so(
    house: House, tmp_path: Path, reply: Reply, why: str
) -> None:
    def answer(request: Recorded) -> Reply:
        return reply if ASKED in request.last_user_text else at_length(request)

    async with MessagesApi(improvising(answer)) as api:
        long = await long_session(house, tmp_path, api, SMALL, MemoryLog())
        while not long.failed():
            ended = await long.say(wish(len(long.session.state.said)))
            assert ended.stopped == "done"
        assert why in long.failed()[0].why
        assert "The session goes on as it was." in long.failed()[0].why
        assert long.session.state.prefix == 1
        asked = [it for it in api.requests if ASKED in it.last_user_text]
        assert len(asked) <= 3
        await long.hands.model.close()


async def test_r45_a_prompt_that_the_provider_finds_too_long_is_made_shorter_and_the_turn_goes_on(
    house: House, tmp_path: Path
) -> None:
    def answer(request: Recorded) -> Reply:
        if "too much" in request.last_user_text and "made shorter here" not in texts(request.body):
            if ASKED in request.last_user_text and request.number > 3:
                return at_length(request)
            said = "prompt is too long: 210000 tokens > 200000 maximum"
            return Reply(faults=(Status(status=400, error_type="invalid_request_error", message=said),))
        return at_length(request)

    async with MessagesApi(improvising(answer)) as api:
        long = await long_session(house, tmp_path, api, Settings(model="sonnet"), MemoryLog())
        await long.say(wish(0))
        ended = await long.say("too much")
        await long.hands.model.close()
    assert (ended.stopped, ended.why) == ("done", "")
    assert len(long.compacted()) == 1
    assert_replays(long.events)


class Full(MemoryLog):
    """The disk is full when a compaction is to be written."""

    def append(self, event: Event, *, durable: bool = False):
        if isinstance(event, Compacted):
            raise LogError("The disk is full.")
        return super().append(event, durable=durable)


async def test_nothing_of_a_compaction_holds_before_its_fact_is_written(house: House, tmp_path: Path) -> None:
    async with MessagesApi(improvising(at_length)) as api:
        long = await long_session(house, tmp_path, api, SMALL, Full())
        await long.say(wish(0))
        before = long.session.state
        with pytest.raises(LogError):
            await compact(long.session, "the prices", long.hands)
        assert long.session.state is before
        assert (await long.say("and now?")).stopped == "done"
        await long.hands.model.close()
    assert [it.refusal for it in api.requests if it.refusal] == []


async def test_files_read_lately_are_attached_as_they_are_now_and_the_focus_is_told(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "price.py"
    path.write_text("price = 1\n")

    def answer(request: Recorded) -> Reply:
        if request.last_user_text.endswith("read it"):
            return Reply(content=(ToolUse(name="Read", input={"file_path": str(path)}),))
        return at_length(request)

    async with MessagesApi(improvising(answer)) as api:
        long = await long_session(house, tmp_path, api, SMALL, MemoryLog())
        await long.say("read it")
        for number in range(1, 4):
            await long.say(wish(number))
        path.write_text("price = 2\n")
        event = await compact(long.session, "the prices", long.hands)
        await long.say("and now?")
        await long.hands.model.close()
    assert isinstance(event, Compacted)
    assert event.attached == (str(path),)
    assert "price = 2" in texts(api.requests[-1].body)
    assert (
        "what concerns this: the prices" in next(it for it in api.requests if ASKED in it.last_user_text).last_user_text
    )
    assert [it.refusal for it in api.requests if it.refusal] == []


async def test_images_that_the_person_sent_go_first_and_what_they_said_stays(house: House, tmp_path: Path) -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4_000)).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}}

    def answer(request: Recorded) -> Reply:
        assert ASKED not in request.last_user_text
        return Reply(content=(Text(text="Seen."),))

    async with MessagesApi(improvising(answer)) as api:
        long = await long_session(house, tmp_path, api, SMALL, MemoryLog())
        number = 0
        while not long.compacted():
            assert (await long.say(wish(number), image)).stopped == "done"
            number += 1
            assert number < 20
        await long.hands.model.close()
    assert [it.refusal for it in api.requests if it.refusal] == []
    (event,) = long.compacted()
    assert (event.head, event.usage.prompt_tokens) == ((), 0)
    sent = [it for message in api.requests[-1].body["messages"] for it in message["content"]]
    kept = [it for it in sent if it["type"] == "image"]
    notes = [it for it in sent if str(it.get("text")).startswith("[The image that stood here is left out")]
    assert len(kept) + len(notes) == number
    assert kept
    assert len(notes) > number / 2
    assert all(wish(it) in texts(api.requests[-1].body) for it in range(number))
    assert_replays(long.events)


async def test_a_model_that_stands_in_writes_the_summary_where_the_sessions_own_cannot_be_had(
    house: House, tmp_path: Path
) -> None:
    def answer(request: Recorded) -> Reply:
        if ASKED in request.last_user_text and request.body["model"] == "claude-sonnet-5-5":
            return Reply(faults=(Status(status=404, error_type="not_found_error", message="model: no such model"),))
        return at_length(request)

    settings = SMALL.model_copy(update={"fallback_models": ("claude-haiku-5-5",)})
    async with MessagesApi(improvising(answer)) as api:
        long = await long_session(house, tmp_path, api, settings, MemoryLog())
        await long.say(wish(0))
        event = await compact(long.session, "", long.hands)
        await long.say("and now?")
        await long.hands.model.close()
    assert isinstance(event, Compacted)
    assert event.model == "claude-haiku-5-5"
    assert "Prices are integers of cents" in event.summary
    assert (event.usage.output_tokens, event.cost) != (0, 0.0)
    assert api.requests[-1].body["model"] == "claude-sonnet-5-5"
    assert [it.refusal for it in api.requests if it.refusal] == ["model: no such model"]
    assert_replays(long.events)


async def test_by_hand_a_session_becomes_much_shorter_however_much_would_fit(house: House, tmp_path: Path) -> None:
    async with MessagesApi(improvising(at_length)) as api:
        long = await long_session(house, tmp_path, api, Settings(model="sonnet"), MemoryLog())
        for number in range(6):
            await long.say(wish(number))
        event = await compact(long.session, "", long.hands)
        await long.say("and now?")
        await long.hands.model.close()
    assert isinstance(event, Compacted)
    assert event.after < event.before / 2
    told = texts(api.requests[-1].body)
    assert all(told.count(wish(it)) == 1 for it in range(6))


async def test_by_hand_the_persons_words_stay_as_far_as_the_window_has_room_for_them(
    house: House, tmp_path: Path
) -> None:
    pasted = [f"Rules, page {page}:" + "".join(f" rule {page}.{n} holds;" for n in range(600)) for page in range(5)]
    async with MessagesApi(improvising(lambda _: Reply(content=(Text(text="So be it."),)))) as api:
        long = await long_session(house, tmp_path, api, Settings(model="sonnet"), MemoryLog())
        for words in pasted:
            await long.say(words)
        await compact(long.session, "", long.hands)
        await long.say("and now?")
        await long.hands.model.close()
    told = texts(api.requests[-1].body)
    assert [told.count(it) for it in pasted] == [1] * 5
