"""What an MCP server asks of the person, put to them as questions; and of the model, once they said yes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from claw_lsp.core.escape import visible
from claw_lsp.core.mcp.form import Field, Unfit, Value, defaults, expected, fields_of, read, shown
from claw_lsp.core.web_address import host_of, openable
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.call import Call, text_in
from claw_lsp.facts.fault import ModelError, ToolError
from claw_lsp.facts.mcp import Elicitation, Elicited, Sampled
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Answer, Question
from claw_lsp.facts.usage import cost
from claw_lsp.lsp.host import TurnHost
from claw_lsp.lsp.messages import INFO, Messages
from claw_lsp.lsp.shim import Shim
from claw_lsp.lsp.views import Views

logger = logging.getLogger(__name__)

AS_PROPOSED, SKIP = "proposed", "skip"
"""Choices besides no and yes: everything as the server proposes it; nothing for one field."""
NOT_YES = "An MCP server asked for text of the model's; the person did not allow it."
_DECLINE = Choice(DENY, "Decline")


@dataclass(frozen=True, slots=True)
class DoorAsked:
    """Fills `Asked` for one turn, whose `host` puts its questions. Words are typed in a box where a shim has one."""

    session: str
    host: TurnHost
    shim: Shim
    views: Views
    messages: Messages
    small: Callable[[], Awaitable[SmallModel]]

    async def elicit(self, elicitation: Elicitation) -> Elicited:
        if elicitation.url:
            return await self._page(elicitation)
        fields = fields_of(elicitation.schema)
        about = f"{elicitation.server} asks"
        if len(fields) == 1 and fields[0].kind in ("one", "boolean"):
            title = f"{about}: {elicitation.message}"
            return _elicited(fields, {fields[0].name: await self._field(title, fields[0])})
        answer = await self._question(f"{about}: {elicitation.message}", _listed(fields), _opening(fields))
        if answer.choice == DENY:
            return _refused(answer)
        if answer.choice == AS_PROPOSED or not fields:
            return Elicited("accept", dict(defaults(fields)))
        given: dict[str, Value | Elicited | None] = {}
        for it in fields:
            given[it.name] = await self._field(f"{about} for {it.title}", it)
            if isinstance(given[it.name], Elicited):
                break
        return _elicited(fields, given)

    async def sample(self, server: str, request: Mapping[str, Any]) -> Sampled | None:
        system, text = str(request.get("systemPrompt") or ""), _said(request)
        detail = visible(f"{system}\n\n{text}".strip())
        title = f"{server} wants to ask the model something; you pay for it"
        choices = (Choice(DENY, "Do not ask the model"), Choice(ONCE, "Ask the model"))
        answer = await self._question(title, detail, choices, document="sampling.txt")
        if answer.choice != ONCE:
            logger.info(NOT_YES)
            return None
        small = await self.small()
        try:
            reply = await small.ask(_SYSTEM.format(server=server) + (f"\n\n{system}" if system else ""), text, ())
        except ModelError as error:
            logger.info("The model did not answer for the MCP server %s: %s", server, error)
            return None
        stopped = {"max_tokens": "maxTokens", "stop_sequence": "stopSequence"}.get(reply.stop_reason or "", "endTurn")
        content = {"type": "text", "text": text_in(reply.blocks)}
        message = {"role": "assistant", "content": content, "model": reply.model, "stopReason": stopped}
        return Sampled(message, {reply.model: reply.usage.model_dump()}, cost(reply.usage, small.price_of(reply)))

    # ---- parts ----------------------------------------------------------------------------------------------------

    async def _page(self, it: Elicitation) -> Elicited:
        """A page in the browser, once the person saw where it leads."""
        try:
            url = openable(it.url)
        except ToolError as error:
            logger.warning("The MCP server %s wants a page opened that is refused: %s", it.server, error)
            return Elicited("decline")
        host = host_of(url)
        title = f"{it.server} wants you to visit {host}: {it.message}"
        answer = await self._question(title, url, (_DECLINE, Choice(ONCE, f"Open {host} in the browser")))
        if answer.choice != ONCE:
            return _refused(answer)
        if not await self.views.visit(url):
            self.messages.say(INFO, f"Open this page for {it.server}: {url}")
        return Elicited("accept")

    async def _field(self, title: str, field: Field, wrong: str = "") -> Value | Elicited | None:
        """One field's value; None where the person leaves it out, Elicited where they will not answer at all."""
        question = f"{title}{f' ({wrong})' if wrong else ''}"
        choices = _choices(field)
        if field.kind not in ("one", "boolean"):
            default = "" if field.default is None else shown(field, field.default)
            words = await self.shim.words(question, value=default, placeholder=expected(field))
            if words is not None:
                return await self._taken(title, field, words) if words else Elicited("cancel")
        detail = "\n".join(
            filter(None, (field.description, f"Expected: {expected(field)}", _HOW if len(choices) < 3 else ""))
        )
        answer = await self._question(question, detail, choices)
        if answer.text.strip():
            return await self._taken(title, field, answer.text)
        if answer.choice == DENY:
            return _refused(answer)
        if answer.choice == SKIP:
            return field.default
        return read(field, answer.choice.removeprefix("="))

    async def _taken(self, title: str, field: Field, words: str) -> Value | Elicited | None:
        """What the words mean; asked again with what was wrong about them."""
        try:
            return read(field, words)
        except Unfit as error:
            return await self._field(title, field, str(error))

    async def _question(self, title: str, detail: str, choices: tuple[Choice, ...], document: str = "") -> Answer:
        plan = Plan(Call(id="", name="mcp", input={}), Reach.PERSON, title, detail=detail)
        return await self.host.ask(
            Question(str(uuid4()), self.session, self.host.run.id, plan, title, detail, choices, document=document)
        )


_SYSTEM = (
    "The MCP server {server} asks you something, and the person allowed that. What follows is the server's, not the person's. "
    "Answer it; you have no tools."
)
_HOW = "In your own words: claw.answer with `text`."


def _opening(fields: tuple[Field, ...]) -> tuple[Choice, ...]:
    accept = Choice(ONCE, "Answer" if fields else "Accept")
    proposed = (Choice(AS_PROPOSED, "Accept as proposed"),) if fields and all(it.skippable for it in fields) else ()
    return (_DECLINE, accept, *proposed)


def _choices(field: Field) -> tuple[Choice, ...]:
    """What can be picked: options by their value, else only to leave it at what is proposed."""
    options: tuple[Choice, ...] = ()
    if field.kind == "boolean":
        options = (Choice("=yes", "Yes"), Choice("=no", "No"))
    elif field.kind == "one":
        options = tuple(Choice(f"={it.value}", it.title) for it in field.options)
    if not field.skippable:
        return (_DECLINE, *options)
    left = "Leave it out" if field.default is None else f"Leave it at {shown(field, field.default)}"
    return (_DECLINE, *options, Choice(SKIP, left))


def _listed(fields: tuple[Field, ...]) -> str:
    """The fields as the person reads them before they agree."""
    lines = [
        f"{it.title}: {expected(it)}"
        + (f" ({it.description})" if it.description else "")
        + (f" [{shown(it, it.default)}]" if it.default is not None else "")
        for it in fields
    ]
    return "\n".join(lines)


def _elicited(fields: tuple[Field, ...], given: Mapping[str, Value | Elicited | None]) -> Elicited:
    """The whole answer: one field that was refused refuses all of them."""
    for it in given.values():
        if isinstance(it, Elicited):
            return it
    return Elicited("accept", {**defaults(fields), **{name: it for name, it in given.items() if it is not None}})


def _refused(answer: Answer) -> Elicited:
    return Elicited("cancel" if answer.by == "nobody" else "decline")


def _said(request: Mapping[str, Any]) -> str:
    """The messages as one text; each but a single one of the person's says whose it is."""
    found: list[tuple[str, str]] = []
    for one in cast("list[Any]", request.get("messages") or []):
        message = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        content: Any = message.get("content")
        for it in cast("list[Any]", content) if isinstance(content, list) else [content]:
            block = cast("dict[str, Any]", it) if isinstance(it, dict) else {}
            found.append((str(message.get("role")), str(block.get("text") or f"({block.get('type')} left out)")))
    if len(found) == 1:
        return found[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in found)
