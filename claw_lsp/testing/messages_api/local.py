"""A server on the person's own machine: it speaks the Messages API and lacks parts of it."""

from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.testing.messages_api.refusal import Refused
from claw_lsp.testing.messages_api.shapes import JsonObject

STAND_IN = "claude-opus-4-6"
"""The model whose limits one of a local server has here."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The models it has, and the fields it knows nothing of: a request that holds one is refused with its name. It wants
    no key, counts no tokens beforehand, and says nothing of a cache in its usage."""

    models: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    def taken(self, body: JsonObject) -> JsonObject:
        """The body as it is looked at further; raises Refused."""
        if body.get("model") not in self.models:
            raise Refused(404, f"model '{body.get('model')}' not found")
        for name in self.lacks:
            if path := _found(name, body, ""):
                raise Refused(400, f"{path}: Extra inputs are not permitted")
        return {**body, "model": STAND_IN}


def plain_usage(usage: JsonObject) -> JsonObject:
    """Only what such a server counts."""
    return {name: usage[name] for name in ("input_tokens", "output_tokens")}


def _found(name: str, value: Any, path: str) -> str:
    """Where a field of that name stands, "" where none does."""
    items = dict(enumerate(cast("list[Any]", value))) if isinstance(value, list) else value
    for key, inner in cast("dict[Any, Any]", items).items() if isinstance(items, dict) else ():
        here = f"{path}.{key}" if path else str(key)
        if key == name:
            return here
        if where := _found(name, inner, here):
            return where
    return ""
