"""What a chat document offers: code actions and lenses, worked out from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from claw_lsp.facts.question import Question
from claw_lsp.lsp.questions import flat

QUICKFIX = "quickfix"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """A chat as its menus see it: `heading` is the range of the prompt's heading, `run` the turn in flight."""

    uri: str
    heading: Json
    has_words: bool
    run: str | None
    questions: tuple[Question, ...] = ()


def actions(chat: Sight) -> list[Json]:
    """Every answer to every pending question, then Stop or Send."""
    found = [
        _action(
            f"Claw: {flat(choice.title, 80)} ({flat(question.title, 80)})",
            "claw.answer",
            {"question": question.id, "choice": choice.key},
        )
        for question in chat.questions
        for choice in question.choices
    ]
    if chat.run is not None:
        found.append(_action("Claw: Stop", "claw.stop", {"run": chat.run}))
    if chat.has_words:
        found.append(_action("Claw: Send", "claw.send", {"uri": chat.uri}))
    return found


def lenses(chat: Sight) -> list[Json]:
    """On the prompt's heading, where the person writes: every answer to what is asked, then Stop and Send."""
    many = len(chat.questions) > 1
    found = [
        _command(
            flat(f"{choice.title} ({question.title})" if many else choice.title, 80),
            "claw.answer",
            {"question": question.id, "choice": choice.key},
        )
        for question in chat.questions
        for choice in question.choices
    ]
    if chat.run is not None:
        found.append(_command("Stop", "claw.stop", {"run": chat.run}))
    if chat.run is None or chat.has_words:
        found.append(_command("Send", "claw.send", {"uri": chat.uri}))
    return [{"range": chat.heading, "command": it} for it in found]


def _action(title: str, command: str, arguments: Json) -> Json:
    return {"title": title, "kind": QUICKFIX, "command": _command(title, command, arguments)}


def _command(title: str, command: str, arguments: Json) -> Json:
    return {"title": title, "command": command, "arguments": [arguments]}
