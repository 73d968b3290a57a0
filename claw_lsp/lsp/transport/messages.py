"""JSON-RPC messages as values: what a body says, or why it says nothing; and back to bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
CANCELLED = -32800

RequestId: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """The client wants an answer under `id`."""

    id: RequestId
    method: str
    params: Any


@dataclass(frozen=True, slots=True)
class Notification:
    """The client tells something."""

    method: str
    params: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The client answers a request of ours.

    Invariant: `result` counts only where `error` is None.
    """

    id: RequestId
    result: Any
    error: Any


@dataclass(frozen=True, slots=True)
class Malformed:
    """What was sent is no message; `id` is that of the request it was meant to be, if that much can be told."""

    id: RequestId | None
    code: int
    text: str


Message: TypeAlias = Request | Notification | Answer | Malformed


def read_message(body: bytes) -> Message:
    """What a body says. Never raises, however odd the bytes are."""
    try:
        return read_object(_loads(body.decode()))
    except RecursionError:
        return Malformed(None, PARSE_ERROR, "the message is nested too deeply")
    except UnicodeDecodeError:
        return Malformed(_id_in_spite_of(body), PARSE_ERROR, "the message is not UTF-8")
    except ValueError:
        return Malformed(None, PARSE_ERROR, "the message is not JSON")


def read_object(data: Any) -> Message:
    """What parsed JSON says."""
    if not isinstance(data, dict):
        return Malformed(None, INVALID_REQUEST, "a message is one JSON object")
    fields = cast("dict[str, Any]", data)
    request_id = fields.get("id")
    method = fields.get("method")
    if request_id is not None and not is_request_id(request_id):
        return Malformed(None, INVALID_REQUEST, "id: expected a string or an integer")
    if fields.get("jsonrpc") != "2.0":
        return Malformed(request_id, INVALID_REQUEST, 'jsonrpc: expected "2.0"')
    if isinstance(method, str):
        if request_id is not None:
            return Request(request_id, method, fields.get("params"))
        if "id" in fields:
            return Malformed(None, INVALID_REQUEST, "id: expected a string or an integer")
        return Notification(method, fields.get("params"))
    if "method" not in fields and request_id is not None and ("result" in fields or "error" in fields):
        return Answer(request_id, fields.get("result"), fields.get("error"))
    return Malformed(request_id, INVALID_REQUEST, "method: expected a string")


def is_request_id(value: Any) -> bool:
    """True for a string or an integer; JSON's true is none, though Python thinks so."""
    return isinstance(value, (int, str)) and not isinstance(value, bool)


class Encoder:
    """Values to bodies. `unfold` turns what JSON does not know into what it does."""

    def __init__(self, unfold: Callable[[Any], Any]) -> None:
        self._plain = json.JSONEncoder(
            ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False, default=unfold
        )

    def encode(self, message: dict[str, Any], *, keep_surrogates: bool) -> bytes:
        """One body; raises ValueError or TypeError for what JSON cannot hold.

        A lone surrogate is escaped where `keep_surrogates`, else replaced: clients whose strings are UTF-16 get back
        what they sent; others (Neovim 0.11, everything on serde) would give up the connection over the escape.
        """
        text = self._plain.encode(message)
        try:
            return text.encode()
        except UnicodeEncodeError:
            # Halves of one character that met in a concatenation are joined on the way.
            joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
            if keep_surrogates:
                return joined.encode("utf-8", "backslashreplace")
            return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _id_in_spite_of(body: bytes) -> RequestId | None:
    """The id of a request whose text is broken somewhere else, so that its sender does not wait for ever."""
    try:
        data = _loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict) and "method" in data:
        request_id = cast("dict[str, Any]", data).get("id")
        return request_id if is_request_id(request_id) else None
    return None
