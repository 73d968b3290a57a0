"""What is kept of a message: its method, id, size and time, and of some a few words."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from claw_lsp.core.redaction import redacted, redacted_within
from claw_lsp.facts.wire import WireMessage

LONGEST = 300
"""Characters that are kept of what a message says."""
MOST_LOOKED_AT = 20_000
"""Bytes of a message that is said anything of at all."""
MOST_PENDING = 10_000
"""Requests without an answer that are remembered."""

Direction = Literal["server", "client"]
Json = Mapping[str, Any]

_TELLING: Mapping[str, tuple[str, ...]] = {
    "workspace/executeCommand": ("command", "arguments"),
    "window/showMessage": ("message",),
    "window/showMessageRequest": ("message", "actions"),
    "window/logMessage": ("message",),
    "window/showDocument": ("uri",),
    "workspace/applyEdit": ("label",),
    "$/progress": ("token", "value"),
    "$/cancelRequest": ("id",),
    "$/setTrace": ("value",),
    "initialize": ("clientInfo", "trace"),
    "claw/event": ("session", "kind", "run"),
    "claw/editorState": ("uri",),
    "claw/save": ("uris",),
    "claw/pick": ("title",),
    "claw/input": ("title",),
}
"""The params that are kept, by method; of every other method the document's address alone."""
_ANSWERS = frozenset({"workspace/executeCommand", "window/showMessageRequest", "workspace/applyEdit"})
"""Requests whose result is kept: ids, the button that was pressed, yes or no."""


class Digest:
    """Messages of one connection, in order, to what is kept of them; an answer finds the request it is for."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = known
        self._pending: OrderedDict[tuple[Direction, int | str], tuple[str, float]] = OrderedDict()

    def of(self, at: float, to: Direction, body: bytes) -> WireMessage | None:
        """None for what is no message of the protocol's."""
        try:
            message: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict):
            return None
        fields = cast("Json", message)
        method, id_ = fields.get("method"), fields.get("id")
        known_id = id_ if isinstance(id_, int | str) and not isinstance(id_, bool) else None
        if isinstance(method, str):
            return self._asked(at, to, len(body), method[:100], known_id, fields.get("params"))
        if known_id is None:
            return None
        return self._answered(at, to, len(body), known_id, fields)

    def _asked(
        self, at: float, to: Direction, size: int, method: str, id_: int | str | None, params: Any
    ) -> WireMessage:
        if id_ is not None:
            self._pending[to, id_] = (method, at)
            if len(self._pending) > MOST_PENDING:
                self._pending.popitem(last=False)
        return WireMessage(
            at=at,
            to=to,
            kind="notification" if id_ is None else "request",
            method=method,
            size=size,
            id=id_,
            said=self._short(_picked(method, params)) if size <= MOST_LOOKED_AT else "",
            session=_session(params),
        )

    def _answered(self, at: float, to: Direction, size: int, id_: int | str, fields: Json) -> WireMessage:
        method, asked = self._pending.pop(("client" if to == "server" else "server", id_), ("", at))
        error, result = fields.get("error"), fields.get("result")
        fault = str(cast("Json", error).get("message", "")) if isinstance(error, dict) else ""
        return WireMessage(
            at=at,
            to=to,
            kind="answer",
            method=method,
            size=size,
            id=id_,
            ms=round(1000 * (at - asked), 1),
            said=self._short(result) if method in _ANSWERS and size <= MOST_LOOKED_AT else "",
            fault=self._short(fault or "failed") if error is not None else "",
            session=_session(result),
        )

    def _short(self, value: Any) -> str:
        """A value in few words, without what looks like a credential; it is taken out before anything is cut."""
        if value in (None, "", {}, []):
            return ""
        clean = redacted_within(value)
        text = clean if isinstance(clean, str) else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))
        text = redacted(text, self._known)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _picked(method: str, params: Any) -> Any:
    if not isinstance(params, dict):
        return None
    fields = cast("Json", params)
    if method in _TELLING:
        found = {name: fields[name] for name in _TELLING[method] if name in fields}
        return next(iter(found.values())) if len(found) == 1 else found
    document = fields.get("textDocument")
    return cast("Json", document).get("uri") if isinstance(document, dict) else fields.get("uri")


def _session(value: Any) -> str:
    """The session that params or a result name; the arguments of a command are looked into."""
    if not isinstance(value, dict):
        return ""
    fields = cast("Json", value)
    arguments = fields.get("arguments")
    if isinstance(arguments, list) and arguments:
        return _session(cast("list[Any]", arguments)[0])
    named = fields.get("session")
    return named if isinstance(named, str) and len(named) <= 64 else ""
