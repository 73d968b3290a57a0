"""Code actions: answered from memory, since editors ask on every move of the cursor. They carry commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from claw_lsp.facts.plan import Choice
from claw_lsp.facts.question import Question
from claw_lsp.lsp.questions import flat

QUICKFIX = "quickfix"
INVOKED, AUTOMATIC = 1, 2
"""LSP's CodeActionTriggerKind."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One action of the menu; `kind` is LSP's, so that `only` can filter it."""

    title: str
    kind: str
    command: str


OFFERED = (
    Offered("Claw: Fix", QUICKFIX, "claw.fix"),
    Offered("Claw: Explain", "claw.explain", "claw.explain"),
    Offered("Claw: Edit…", "refactor.rewrite.claw.edit", "claw.edit"),
    Offered("Claw: Write tests", "claw.tests", "claw.tests"),
    Offered("Claw: Document", "refactor.rewrite.claw.document", "claw.document"),
    Offered("Claw: Refactor", "refactor.rewrite.claw.refactor", "claw.refactor"),
    Offered("Claw: Review", "source.claw.review", "claw.review"),
)
KINDS = tuple(dict.fromkeys(it.kind for it in OFFERED))

Action = dict[str, Any]


def offered(uri: str, range_: dict[str, Any], context: dict[str, Any]) -> list[Action]:
    """The actions for a place in a file. Fix is offered where somebody complains, or where the person asked for the menu."""
    given: list[dict[str, Any]] = context.get("diagnostics") or []
    complaints = [it for it in given if it.get("source") != "claw"]
    wanted = bool(complaints) or context.get("triggerKind", INVOKED) != AUTOMATIC
    actions = [_action(it, uri, range_, complaints) for it in OFFERED if it.command != "claw.fix" or wanted]
    return [it for it in actions if fits(it["kind"], context.get("only"))]


def answers(questions: tuple[Question, ...], path: str) -> list[Action]:
    """An action for each answer to each question that is pending about this file, or about none."""
    return [
        {
            "title": flat(f"Claw: {choice.title} ({question.title})", 120),
            "kind": QUICKFIX,
            "command": answer(question, choice),
        }
        for question in questions
        if question.path in (None, path)
        for choice in question.choices
    ]


def answer(question: Question, choice: Choice) -> dict[str, Any]:
    """The command that gives this answer."""
    return command("claw.answer", flat(f"Claw: {choice.title}", 120), question=question.id, choice=choice.key)


def fits(kind: str, only: list[str] | None) -> bool:
    """Whether the client asked for this kind: kinds are hierarchical, and a kind covers those below it."""
    return not only or any(wanted in ("", kind) or kind.startswith(f"{wanted}.") for wanted in only)


def command(name: str, title: str, **arguments: Any) -> dict[str, Any]:
    return {"title": title, "command": name, "arguments": [arguments]}


def _action(it: Offered, uri: str, range_: dict[str, Any], complaints: list[Any]) -> Action:
    title = it.title
    arguments: dict[str, Any] = {"uri": uri, "range": range_}
    action: Action = {"title": title, "kind": it.kind}
    if it.command == "claw.fix" and complaints:
        message = flat(str(complaints[0].get("message", "")).split("\n")[0], 60)
        action["title"] = f"{title}: {message}" if message else title
        action["diagnostics"] = complaints
        arguments["diagnostics"] = complaints
    action["command"] = command(it.command, it.title, **arguments)
    return action
