"""What an MCP server asks during a call: questions the person answers, a page they visit, the model asked with their yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from door_desk import PLAIN, Visit, visiting

from claw_lsp.core.mcp.form import Unfit, defaults, expected, fields_of, read
from claw_lsp.facts.mcp import Elicitation, Elicited
from claw_lsp.facts.request import Reply
from claw_lsp.lsp.mcp.asked import DoorAsked
from claw_lsp.lsp.runs import Run
from claw_lsp.testing.scripted_model import says

Json = dict[str, Any]

PERSON: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "minLength": 2},
        "age": {"type": "integer", "minimum": 0, "maximum": 150, "default": 30},
        "color": {"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]},
        "news": {"type": "boolean", "default": True},
    },
    "required": ["name", "color"],
}
SIZE: Json = {
    "type": "object",
    "properties": {"size": {"type": "string", "enum": ["small", "large"]}},
    "required": ["size"],
}
PROPOSED: Json = {
    "type": "object",
    "properties": {"name": {"type": "string", "default": "Ada"}, "note": {"type": "string"}},
}


@asynccontextmanager
async def asked(
    tmp_path: Path, *steps: Reply, shim: tuple[str, ...] = (), **more: Any
) -> AsyncGenerator[tuple[Visit, DoorAsked]]:
    capabilities = PLAIN | {"experimental": {"claw": dict.fromkeys(shim, True)}}
    async with visiting(tmp_path, *steps, capabilities=capabilities, **more) as visit:
        door = visit.server.door
        assert door is not None
        session = await door.session_for(None, None, None, None)
        run = Run("run", session.id, "a call")
        yield visit, door.asked(session, door.host(run, door.progress.begin(run.id, "a call")))


def elicits(to: DoorAsked, schema: Mapping[str, Any], message: str = "Who are you?") -> asyncio.Task[Elicited]:
    return asyncio.create_task(to.elicit(Elicitation("shop", message, dict(schema))))


async def answers(visit: Visit, choice: str, text: str = "", title: str = "") -> Json:
    """Answer the question that is open, once one is, whose title begins so."""
    async with asyncio.timeout(60):
        while not (found := [it for it in await visit.questions() if it["title"].startswith(title)]):
            await asyncio.sleep(0.005)
    await visit.command("claw.answer", question=found[0]["question"], choice=choice, text=text)
    async with asyncio.timeout(60):
        while any(it["question"] == found[0]["question"] for it in await visit.questions()):
            await asyncio.sleep(0.005)
    return found[0]


async def test_each_field_is_a_question_and_what_does_not_fit_is_asked_again(tmp_path: Path) -> None:
    async with asked(tmp_path) as (visit, to):
        task = elicits(to, PERSON)
        first = await answers(visit, "once", title="shop asks: Who are you?")
        assert [it["choice"] for it in first["choices"]] == ["deny", "once"]
        await answers(visit, "deny", "A", title="shop asks for Name")
        again = await answers(visit, "deny", "Ada", title="shop asks for Name (")
        assert "from 2 characters" in again["title"]
        await answers(visit, "skip", title="shop asks for age")
        color = await answers(visit, "=g", title="shop asks for color")
        assert [it["title"] for it in color["choices"]] == ["Decline", "Red", "Green"]
        await answers(visit, "=no", title="shop asks for news")
        assert await task == Elicited("accept", {"name": "Ada", "age": 30, "color": "g", "news": False})


async def test_one_choice_is_one_question_in_the_box_that_every_editor_has(tmp_path: Path) -> None:
    async with asked(tmp_path) as (visit, to):
        task = elicits(to, SIZE, "How large?")
        box = await visit.box()
        assert "shop asks: How large?" in box.message
        assert box.titles == ["Decline", "small", "large"]
        box.pick("large")
        assert await task == Elicited("accept", {"size": "large"})


async def test_what_the_server_proposes_is_sent_where_the_person_changes_nothing(tmp_path: Path) -> None:
    async with asked(tmp_path) as (visit, to):
        task = elicits(to, PROPOSED)
        await answers(visit, "proposed")
        assert await task == Elicited("accept", {"name": "Ada"})


@pytest.mark.parametrize("at", [0, 1])
async def test_no_at_any_field_is_no_to_all_of_it(tmp_path: Path, at: int) -> None:
    async with asked(tmp_path) as (visit, to):
        task = elicits(to, PERSON)
        for n in range(at + 1):
            await answers(visit, "deny" if n == at else "once")
        assert await task == Elicited("decline")


async def test_words_are_typed_in_a_box_where_there_is_one_and_closing_it_cancels(tmp_path: Path) -> None:
    boxes: list[Json] = []

    def types(params: Json) -> Any:
        boxes.append(params)
        return ["no number", "7", None][len(boxes) - 1]

    schema = {"properties": {"n": {"type": "integer", "default": 3}, "why": {"type": "string"}}, "required": ["n"]}
    async with asked(tmp_path, shim=("input",), answers={"claw/input": types}) as (visit, to):
        task = elicits(to, schema)
        await answers(visit, "once")
        assert await task == Elicited("cancel")
        assert [(it["value"], it["placeholder"]) for it in boxes[:2]] == [("3", "a whole number")] * 2
        assert "expected a whole number" in boxes[1]["title"]


async def test_a_question_is_withdrawn_with_the_call(tmp_path: Path) -> None:
    async with asked(tmp_path) as (visit, to):
        task = elicits(to, SIZE)
        await visit.asked()
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()
        assert await visit.questions() == []


async def test_a_page_is_opened_when_the_person_saw_its_host_and_agreed(tmp_path: Path) -> None:
    async with asked(tmp_path) as (visit, to):
        page = Elicitation("shop", "Pay there.", url="https://pay.example/x?y=1")
        task = asyncio.create_task(to.elicit(page))
        question = await answers(visit, "once", title="shop wants you to visit pay.example")
        assert question["choices"][1]["title"] == "Open pay.example in the browser"
        assert await task == Elicited("accept")
        assert {"uri": "https://pay.example/x?y=1", "external": True} in visit.requested("window/showDocument")
        task = asyncio.create_task(to.elicit(page))
        await answers(visit, "deny")
        assert await task == Elicited("decline")


@pytest.mark.security_case("M03")
@pytest.mark.parametrize(
    "url", ["http://pay.example/", "file:///etc/passwd", "a:$(touch p)?", "https://good.example@evil.example/"]
)
async def test_a_page_that_is_not_https_or_hides_its_host_is_refused_unasked(tmp_path: Path, url: str) -> None:
    async with asked(tmp_path) as (visit, to):
        assert await to.elicit(Elicitation("shop", "Look.", url=url)) == Elicited("decline")
        assert visit.requested("window/showDocument") == []
        assert visit.boxes == []


async def test_the_model_is_asked_for_a_server_only_with_the_persons_yes_to_what_is_sent(tmp_path: Path) -> None:
    request = {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Sum this up."}}],
        "systemPrompt": "Be short.",
        "maxTokens": 10,
    }
    async with asked(tmp_path, says("In short: no.")) as (visit, to):
        task = asyncio.create_task(to.sample("shop", request))
        question = await answers(visit, "deny", title="shop wants to ask the model something")
        assert "Be short." in question["detail"]
        assert "Sum this up." in question["detail"]
        assert await task is None
        task = asyncio.create_task(to.sample("shop", request))
        await answers(visit, "once")
        answer = await task
        assert answer is not None
        said = answer.message
        assert (said["role"], said["content"]) == ("assistant", {"type": "text", "text": "In short: no."})
        assert said["stopReason"] == "endTurn"
        sent = visit.model.requests[0]
        assert "not the person's" in sent.system[0]["text"]
        assert "Sum this up." in sent.messages[0]["content"][0]["text"]
        assert sent.tools == ()


def test_values_are_read_as_the_schema_wants_them_or_refused_with_what_is_expected() -> None:
    schema = {
        "properties": {
            "many": {
                "type": "array",
                "items": {"anyOf": [{"const": "a", "title": "Ape"}, {"const": "b"}]},
                "minItems": 2,
            },
            "mail": {"type": "string", "format": "email"},
            "day": {"type": "string", "format": "date"},
            "part": {"type": "number", "minimum": 0, "default": 95.5},
            "odd": {"type": "string", "enum": ["x"], "default": "not there"},
        }
    }
    many, mail, day, part, odd = fields_of(schema)
    assert read(many, "ape, b, a") == ["a", "b"]
    assert (read(mail, " a@b "), read(day, "2026-01-02"), read(part, "0.5")) == ("a@b", "2026-01-02", 0.5)
    assert defaults((many, mail, day, part, odd)) == {"part": 95.5}
    for field, words in (
        (many, "c"),
        (many, "a, a"),
        (mail, "a"),
        (day, "today"),
        (part, "-1"),
        (part, "nan"),
        (odd, "y"),
    ):
        with pytest.raises(Unfit, match=r"^expected"):
            read(field, words)
    assert expected(many) == "some, with commas, of Ape, b"
