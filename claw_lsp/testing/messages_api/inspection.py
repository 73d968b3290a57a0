"""From the bytes of a request to what was asked, or to the refusal the real API would give."""

import json
from typing import TypeVar, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from claw_lsp.testing.messages_api.ledger import Ledger
from claw_lsp.testing.messages_api.models import find
from claw_lsp.testing.messages_api.prompt import Prompt, canonical, read_prompt, row
from claw_lsp.testing.messages_api.refusal import Refused
from claw_lsp.testing.messages_api.rules import caching, limits, media, thinking, tools, turns
from claw_lsp.testing.messages_api.rules.asked import Asked, Rule
from claw_lsp.testing.messages_api.shapes import CountRequest, JsonObject

RULES: tuple[Rule, ...] = (
    *limits.RULES[:1],
    *tools.RULES,
    *thinking.RULES[:5],
    *caching.RULES,
    *turns.RULES,
    *media.RULES,
    *thinking.RULES[5:],
    *limits.RULES[1:],
)
ShapeT = TypeVar("ShapeT", bound=CountRequest)


def read_body(data: bytes) -> JsonObject:
    """The JSON object in a request's body; raises Refused if there is none, or text in it is half a surrogate pair."""
    try:
        body = json.loads(data)
        if b"\\ud" in data.lower():
            canonical(body).encode()
    except ValueError as error:
        raise Refused(400, f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused(400, "The request body is not a JSON object")
    return cast(JsonObject, body)


def inspect(shape: type[ShapeT], body: JsonObject, ledger: Ledger, betas: frozenset[str]) -> tuple[ShapeT, Asked]:
    """The request and what the rules saw of it; raises Refused with the first thing that is wrong."""
    try:
        request = shape.model_validate(body)
    except ValidationError as error:
        raise Refused(400, _as_told(error.errors()[0])) from error
    facts = find(request.model)
    if facts is None:
        raise Refused(404, f"model: {request.model}")
    asked = Asked(request, read_prompt(request, body), facts, ledger, betas)
    for rule in RULES:
        for complaint in rule(asked):
            raise Refused(400, complaint)
    return request, asked


def dropped(asked: Asked) -> list[str]:
    """Where thinking stands that is out of place and, as the request wants it, left out."""
    return list(thinking.out_of_place(asked)) if thinking.may_drop(asked) else []


def as_read(asked: Asked) -> Prompt:
    """The prompt as the model reads it: without what was dropped."""
    gone = dropped(asked)
    if not gone:
        return asked.prompt
    return row(asked.request.model, tuple(it for it in asked.prompt.pieces if it.where not in gone))


def _as_told(error: ErrorDetails) -> str:
    return f"{'.'.join(str(it) for it in error['loc'])}: {error['msg']}"
