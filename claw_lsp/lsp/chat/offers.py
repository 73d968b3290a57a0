"""What a chat document offers: code actions and lenses, worked out from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from claw_lsp.core.surroundings import OFF
from claw_lsp.facts.question import Question
from claw_lsp.lsp.questions import flat

QUICKFIX = "quickfix"
HINT = 4
"""LSP's DiagnosticSeverity.Hint."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """An answered prompt: `range` spans its heading and its words."""

    id: str
    range: Json
    words: str
    edited: bool
    known: bool = True
    """Whether the model knows of it: it was not taken back."""

    @property
    def heading(self) -> Json:
        """The line of its heading."""
        return {"start": self.range["start"], "end": self.range["start"]}


@dataclass(frozen=True, slots=True)
class Sight:
    """A chat as its menus see it: `heading` is the range of the prompt's heading, `run` the turn in flight, `again` the last
    one, which can be retried; `prompts` are those that were answered."""

    uri: str
    heading: Json
    has_words: bool
    run: str | None
    questions: tuple[Question, ...] = ()
    session: str = ""
    again: str | None = None
    prompts: tuple[Prompt, ...] = ()


def actions(chat: Sight, line: int) -> list[Json]:
    """Every answer to every pending question, then Stop or Send, Retry, forks from what was edited or is at this line, and its
    revert and rewind."""
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
    if chat.again is not None:
        found.append(_action("Claw: Retry", "claw.retry", {"run": chat.again, "session": chat.session}))
    for it in chat.prompts:
        is_here = it.range["start"]["line"] <= line <= it.range["end"]["line"]
        if it.edited or is_here:
            title = f"Claw: Fork from here ({flat(it.words, 60)})"
            found.append(_action(title, "claw.fork", _fork(chat, it)))
        if is_here:
            title = f"Claw: Revert what this prompt changed ({flat(it.words, 60)})"
            found.append(_action(title, "claw.revert", {"session": chat.session, "prompt_id": it.id}))
        if is_here and it.known and chat.run is None:
            title = f"Claw: Rewind to here, files and chat ({flat(it.words, 60)})"
            found.append(_action(title, "claw.rewind", {"session": chat.session, "to": it.id}))
    return found


def lenses(chat: Sight) -> list[Json]:
    """On the prompt's heading, where the person writes: every answer to what is asked, then Stop and Send. On those of
    earlier prompts what can be done about them."""
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
    lenses = [{"range": chat.heading, "command": it} for it in found]
    for it in chat.prompts:
        if it.id == chat.again:
            lenses.append(
                {
                    "range": it.heading,
                    "command": _command("Retry", "claw.retry", {"run": it.id, "session": chat.session}),
                }
            )
        title = "Send as a fork" if it.edited else "Fork from here"
        lenses.append({"range": it.heading, "command": _command(title, "claw.fork", _fork(chat, it))})
        if it.known and chat.run is None:
            back = _command("Rewind to here", "claw.rewind", {"session": chat.session, "to": it.id})
            lenses.append({"range": it.heading, "command": back})
    return lenses


def sent_along(chat: Sight, along: str) -> list[Json]:
    """A lens with what would go with the prompt, where the person writes it; it switches that off, or on again."""
    return [{"range": chat.heading, "command": it} for it in _along(chat, along)]


def sent_along_actions(chat: Sight, along: str) -> list[Json]:
    """The same as an action: every client has those, and the person sends by one."""
    return [
        {"title": f"Claw: {it['title']} ({verb})", "kind": QUICKFIX, "command": it}
        for it in _along(chat, along)
        for verb in ("switch on" if along == OFF else "switch off",)
    ]


def sent_along_notices(chat: Sight, along: str) -> list[Json]:
    """The same as diagnostics, for clients that show no lenses."""
    return [
        {"range": chat.heading, "severity": HINT, "source": "claw", "message": it["title"]}
        for it in _along(chat, along)
    ]


def _along(chat: Sight, along: str) -> list[Json]:
    if not along or chat.run is not None:
        return []
    to = "on" if along == OFF else "off"
    given = {"session": chat.session, "along": to} if chat.session else {}
    return [_command(flat(f"Along goes: {along}", 160), "claw.along", given)]


def _fork(chat: Sight, prompt: Prompt) -> Json:
    return {"session": chat.session, "at": prompt.id, "uri": chat.uri}


def _action(title: str, command: str, arguments: Json) -> Json:
    return {"title": title, "kind": QUICKFIX, "command": _command(title, command, arguments)}


def _command(title: str, command: str, arguments: Json) -> Json:
    return {"title": title, "command": command, "arguments": [arguments]}
