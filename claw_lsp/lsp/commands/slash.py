"""Slash commands of the chat document: the commands of the same name, with words in place of JSON."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from claw_lsp.facts.fault import BadRequest
from claw_lsp.lsp.arguments import SessionArguments
from claw_lsp.lsp.chat import Slash
from claw_lsp.lsp.commands.table import TABLE, Command
from claw_lsp.lsp.door import Door


def table(slot: list[Door]) -> dict[str, Slash]:
    """Every slash command by name, for the door that `slot` will hold."""
    return {name.removeprefix("claw."): partial(_run, it, slot) for name, it in TABLE.items() if it.slash}


def about_session() -> frozenset[str]:
    """The names of those that are about a session."""
    return frozenset(
        name.removeprefix("claw.")
        for name, it in TABLE.items()
        if it.slash and issubclass(it.arguments, SessionArguments)
    )


async def _run(command: Command, slot: list[Door], session: str | None, words: str) -> str:
    """The answer as Markdown. Raises ClawError, BadRequest for words that the command does not take."""
    door = slot[0]
    answer = await command(door, (_arguments(command, session, words.strip()),), None)
    return _told(command, answer)


def _arguments(command: Command, session: str | None, words: str) -> dict[str, Any]:
    """The session of the document where the command takes one, and the words for its own field; a last word that is one of
    the values of another field is for that (`/rewind 2 code`)."""
    fields = command.arguments.model_fields
    about = issubclass(command.arguments, SessionArguments)
    own = [name for name in fields if name != "session" or not about]
    given: dict[str, Any] = {}
    if about and session is not None:
        given["session"] = session
    for name in own[1:]:
        first, _, last = words.rpartition(" ")
        if last in get_args(fields[name].annotation):
            given[name], words = last, first.strip()
    if words and not own:
        raise BadRequest("this command takes no words")
    if words:
        given[own[0]] = words
    return given


def _told(command: Command, answer: dict[str, Any]) -> str:
    if isinstance(answer.get("text"), str):
        return str(answer["text"])
    name = command.name.removeprefix("claw.")
    told = f"{name}: {answer.get(name) or 'not set'}"
    if "question" in answer:
        told += " (the change waits for your answer to a question)"
    return told
