"""The AskUserQuestion tool: one question to the person for each that the model has."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Choice, Inquiry, Plan, Reach
from claw_lsp.facts.question import DENY, Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell

_NO_ANSWER = Choice(DENY, "Do not answer")


class Option(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, description="One to five words")
    description: str = Field("", description="What it means to choose it")
    preview: str = Field("", description="Text or code to compare by")


class AskedQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1)
    header: str = Field("", description="At most 12 characters")
    options: tuple[Option, ...] = Field(min_length=2, max_length=4)
    multiSelect: bool = Field(False, description="Whether several may be chosen")  # noqa: N815

    @model_validator(mode="after")
    def _distinct(self) -> AskedQuestion:
        labels = [_same(it.label) for it in self.options]
        if len(set(labels)) != len(labels) or _same(_NO_ANSWER.title) in labels:
            raise ValueError(f'the labels must differ from each other and from "{_NO_ANSWER.title}"')
        return self


class AskUserQuestionInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    questions: tuple[AskedQuestion, ...] = Field(min_length=1, max_length=4)

    @model_validator(mode="after")
    def _distinct(self) -> AskUserQuestionInput:
        if len({it.question for it in self.questions}) != len(self.questions):
            raise ValueError("the questions must differ from each other")
        return self


class AskUserQuestionTool:
    """Asks the person up to four questions and waits for the answers. For decisions that change what you do and that the workspace cannot answer; put the option you would take first. They may also answer in their own words. Not for permission to run a tool, and not to have a plan approved."""  # noqa: E501

    name: ClassVar[str] = "AskUserQuestion"
    input: ClassVar[type[BaseModel]] = AskUserQuestionInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        questions = AskUserQuestionInput.model_validate(call.input).questions
        inquiries = tuple(_inquiry(it) for it in questions)
        title = questions[0].question if len(questions) == 1 else f"{len(questions)} questions"
        detail = "\n\n".join(it.detail for it in inquiries)
        return Plan(call, Reach.PERSON, f"Ask: {title}", detail=detail, inquiries=inquiries)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        questions = AskUserQuestionInput.model_validate(plan.call.input).questions
        given = {it.question: _answered(it, answer) for it, answer in zip(questions, answers, strict=True)}
        content = json.dumps({"answers": given}, ensure_ascii=False)
        return Result(content=content, summary="; ".join(given.values()))


def _inquiry(question: AskedQuestion) -> Inquiry:
    several = " Several may be chosen, by their numbers." if question.multiSelect else ""
    lines = [f"{question.question}{several}", ""]
    for n, option in enumerate(question.options, 1):
        lines.append(f"{n}. {option.label}" + (f": {option.description}" if option.description else ""))
        if option.preview:
            lines += [f"   {it}" for it in option.preview.splitlines()]
    header = question.header.strip()[:12]
    title = f"{header}: {question.question}" if header else question.question
    choices = (Choice(str(n), it.label) for n, it in enumerate(question.options, 1))
    return Inquiry(title, "\n".join(lines), (_NO_ANSWER, *choices))


def _answered(question: AskedQuestion, answer: Answer) -> str:
    """The labels that were chosen, the person's own words, or both."""
    words = answer.text.strip()
    numbers = [answer.choice] if answer.choice != DENY else []
    if question.multiSelect and re.fullmatch(r"[\d\s,;+&]+", words):
        numbers += re.findall(r"\d+", words)
        words = ""
    labels = [it.label for n, it in enumerate(question.options, 1) if str(n) in numbers]
    if labels and words:
        return f"{', '.join(labels)} (they add: {words})"
    return ", ".join(labels) or words or "(not answered)"


def _same(label: str) -> str:
    return " ".join(label.split()).casefold()
