"""AskUserQuestion: what the person is shown, and what comes back of each answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Choice, Inquiry, Plan, Reach
from claw_lsp.facts.question import DENY, Answer
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.tools.ask_user_question import AskUserQuestionTool

SCENE = Scene("s", "r", "/p", ("/p",), "/h", Mode.DEFAULT, {}, (), Settings())
WORKSPACE: Any = None
STORE = {
    "question": "Where do sessions go?",
    "header": "Storage",
    "options": [
        {"label": "SQLite", "description": "one file", "preview": "import sqlite3\ndb = …"},
        {"label": "Postgres"},
        {"label": "Redis"},
    ],
}
CHECKS = {**STORE, "question": "Which checks?", "header": "", "multiSelect": True}


async def planned(*questions: dict[str, Any]) -> Plan:
    call = Call(id="c", name="AskUserQuestion", input={"questions": list(questions)})
    return await AskUserQuestionTool().plan(call, SCENE, WORKSPACE)


async def answers(questions: tuple[dict[str, Any], ...], *given: Answer) -> dict[str, str]:
    async def tell(line: str) -> None:
        raise AssertionError(line)

    result = await AskUserQuestionTool().perform(await planned(*questions), SCENE, WORKSPACE, given, tell)
    assert isinstance(result.content, str)
    return json.loads(result.content)["answers"]


async def test_each_question_is_asked_with_the_harmless_choice_first() -> None:
    plan = await planned(STORE, CHECKS)
    assert (plan.reach, plan.title) == (Reach.PERSON, "Ask: 2 questions")
    assert plan.inquiries[0] == Inquiry(
        "Storage: Where do sessions go?",
        "Where do sessions go?\n\n1. SQLite: one file\n   import sqlite3\n   db = …\n2. Postgres\n3. Redis",
        (Choice(DENY, "Do not answer"), Choice("1", "SQLite"), Choice("2", "Postgres"), Choice("3", "Redis")),
    )
    assert plan.inquiries[1].title == "Which checks?"
    assert plan.inquiries[1].detail.startswith("Which checks? Several may be chosen, by their numbers.\n")


async def test_answers_come_back_by_question() -> None:
    assert await answers((STORE, CHECKS), Answer("2"), Answer("1")) == {
        "Where do sessions go?": "Postgres",
        "Which checks?": "SQLite",
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("text", "a flat file"), "a flat file"),
        (Answer("2", "but version 17"), "Postgres (they add: but version 17)"),
        (Answer("1", "3"), "SQLite (they add: 3)"),
        (Answer("once"), "(not answered)"),
        (Answer(DENY, "neither of them"), "neither of them"),
    ],
)
async def test_the_persons_own_words_are_an_answer(answer: Answer, expected: str) -> None:
    assert await answers((STORE,), answer) == {"Where do sessions go?": expected}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("3"), "Redis"),
        (Answer("1", "3"), "SQLite, Redis"),
        (Answer("text", "1, 2"), "SQLite, Postgres"),
        (Answer("1", "and a linter"), "SQLite (they add: and a linter)"),
        (Answer("text", "9"), "(not answered)"),
    ],
)
async def test_several_may_be_chosen_where_the_question_says_so(answer: Answer, expected: str) -> None:
    assert await answers((CHECKS,), answer) == {"Which checks?": expected}


@pytest.mark.parametrize(
    ("questions", "field"),
    [
        ([], "questions"),
        ([STORE] * 5, "questions"),
        ([STORE, STORE], "questions"),
        ([{**STORE, "options": STORE["options"][:1]}], "questions.0.options"),
        ([{**STORE, "options": [{"label": "a"}, {"label": " A "}]}], "questions.0"),
        ([{**STORE, "options": [{"label": "a"}, {"label": "do not  answer"}]}], "questions.0"),
        ([{**STORE, "urgent": True}], "questions.0.urgent"),
    ],
)
async def test_questions_that_could_not_be_answered_clearly_are_refused(
    questions: list[dict[str, Any]], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        await planned(*questions)
    where = ".".join(map(str, caught.value.errors()[0]["loc"]))
    assert field.startswith(where) or where == field
