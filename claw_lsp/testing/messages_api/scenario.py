"""Scenario files: what the scripted model answers, to which request, and what goes wrong on the way.

Events are counted from `message_start`, which is number 0; the ping after the first block's start is one of them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from claw_lsp.testing.messages_api.recorded import Recorded
from claw_lsp.testing.messages_api.shapes import JsonObject

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Value(BaseModel):
    """A part of a scenario; a field it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Value):
    """Text, sent in `pieces` (by default of a few words each), `pace` seconds apart."""

    type: Literal["text"] = "text"
    text: str
    pieces: tuple[str, ...] | None = None
    pace: Seconds | None = None
    citations: tuple[JsonObject, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _join(cls, given: Any) -> Any:
        if isinstance(given, dict) and "text" not in given and "pieces" in given:
            fields = cast(JsonObject, given)
            return {**fields, "text": "".join(fields["pieces"])}
        return cast(Any, given)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.pieces is not None and "".join(self.pieces) != self.text:
            raise ValueError("the pieces do not make up the text")
        return self


class Thinking(Value):
    """Thinking; the server signs it. With `display: omitted` in the request only the signature is sent."""

    type: Literal["thinking"] = "thinking"
    thinking: str
    pieces: tuple[str, ...] | None = None
    pace: Seconds | None = None


class RedactedThinking(Value):
    """Thinking that is not shown; the server makes up its data."""

    type: Literal["redacted_thinking"] = "redacted_thinking"


class ToolUse(Value):
    """A call. `json_text` is sent in place of the input's JSON: broken, or cut off where the tokens ended."""

    type: Literal["tool_use"] = "tool_use"
    name: str
    input: JsonObject = {}
    id: str | None = None
    json_text: str | None = None
    pieces: tuple[str, ...] | None = None
    pace: Seconds | None = None


class ServerToolUse(Value):
    """A call that the API performs itself."""

    type: Literal["server_tool_use"] = "server_tool_use"
    name: Literal["web_search", "web_fetch", "tool_search_tool_regex", "tool_search_tool_bm25"] = "web_search"
    input: JsonObject = {}
    id: str | None = None


class Found(Value):
    """One page that a web search found."""

    url: str
    title: str
    page_age: str | None = None
    encrypted_content: str = "c2NyaXB0ZWQ="


class WebSearchToolResult(Value):
    """What the search before it found, or the code of its error."""

    type: Literal["web_search_tool_result"] = "web_search_tool_result"
    found: tuple[Found, ...] = ()
    error_code: str | None = None
    tool_use_id: str | None = None


class Raw(Value):
    """Any block whole, as it stands: for kinds that nobody knows yet."""

    type: Literal["raw"] = "raw"
    block: JsonObject


Content = Annotated[
    Text | Thinking | RedactedThinking | ToolUse | ServerToolUse | WebSearchToolResult | Raw,
    Field(discriminator="type"),
]


class Status(Value):
    """An error answer instead of the reply, and when to come back: `retry_after` in seconds, `retry_after_ms`,
    or `retry_at`, which is seconds from now, sent as an HTTP date.
    """

    kind: Literal["status"] = "status"
    status: int
    message: str = "scripted failure"
    error_type: str | None = None
    retry_after: float | None = None
    retry_after_ms: int | None = None
    retry_at: float | None = None


class ErrorEvent(Value):
    """An `error` event after so many events, then the end of the stream."""

    kind: Literal["error_event"] = "error_event"
    after_events: Count
    error_type: str = "overloaded_error"
    message: str = "Overloaded"


class Drop(Value):
    """The connection goes away after so many events or bytes of the body; `reset` makes it a TCP reset."""

    kind: Literal["drop"] = "drop"
    after_events: Count | None = None
    after_bytes: Count | None = None
    reset: bool = False


class Stall(Value):
    """Nothing comes for so long, by default longer than anybody waits."""

    kind: Literal["stall"] = "stall"
    after_events: Count
    seconds: Seconds = 3600


class CleanEnd(Value):
    """The response ends in good order, but before `message_stop`, or after so many events."""

    kind: Literal["clean_end"] = "clean_end"
    after_events: Count | None = None


class BrokenEvent(Value):
    """The event of that number (from 0) has JSON that breaks off."""

    kind: Literal["broken_event"] = "broken_event"
    at_event: Count


class UnknownEvent(Value):
    """An event of a kind nobody knows, after so many events."""

    kind: Literal["unknown_event"] = "unknown_event"
    after_events: Count
    data: JsonObject = {"type": "from_the_future", "anything": 1}


class Ping(Value):
    """A ping after so many events."""

    kind: Literal["ping"] = "ping"
    after_events: Count


Fault = Annotated[
    Status | ErrorEvent | Drop | Stall | CleanEnd | BrokenEvent | UnknownEvent | Ping, Field(discriminator="kind")
]


class Match(Value):
    """Which requests a reply is for: all that is given must hold.

    `last_user_contains` looks at the text blocks of the last user message, `has_tool_result` at its tool results,
    `tools_contain` for a tool of exactly that name.
    """

    last_user_contains: str | None = None
    has_tool_result: str | None = None
    n_messages: int | None = None
    model: str | None = None
    system_contains: str | None = None
    tools_contain: str | None = None


Times = Annotated[int, Field(ge=1)] | Literal["always"]


StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


class StopDetails(Value):
    """Why a reply was refused."""

    type: Literal["refusal"] = "refusal"
    category: str | None = None
    explanation: str | None = None


def _blocks(given: Any) -> Any:
    """Strings are short for text blocks."""
    if isinstance(given, str):
        return ({"type": "text", "text": given},)
    if isinstance(given, Sequence):
        return tuple({"type": "text", "text": it} if isinstance(it, str) else it for it in cast(Sequence[Any], given))
    return given


class Reply(Value):
    """One answer: `delay` seconds until the headers, `pace` seconds between deltas, the body in bits of `chunk_bytes`.

    Invariant: without `stop_reason` it is tool_use if there is a call, else end_turn.
    """

    content: Annotated[tuple[Content, ...], BeforeValidator(_blocks)] = ()
    match: Match = Match()
    times: Times = 1
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    delay: Seconds = 0
    pace: Seconds = 0
    faults: tuple[Fault, ...] = ()
    chunk_bytes: Annotated[int, Field(ge=1)] | None = None


class Improvised(Value):
    """A reply made by Python code from the request it answers."""

    make: Callable[[Recorded], Reply]
    match: Match = Match()
    times: Times = 1


class Scenario(Value):
    """A script. `values` fill `{{name}}` in texts, inputs and matches; other braces are left alone."""

    title: str = ""
    values: dict[str, str] = {}
    replies: tuple[Reply | Improvised, ...] = ()

    def with_values(self, **values: str) -> "Scenario":
        """The same script with more, or other, values."""
        return self.model_copy(update={"values": {**self.values, **values}})


def script(*replies: Reply | Improvised | str | Callable[[Recorded], Reply]) -> Scenario:
    """A scenario of these replies, in order: a string is a reply of that text, a function improvises one."""
    return Scenario(replies=tuple(_reply(it) for it in replies))


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file; raises pydantic's ValidationError if it is not one."""
    return Scenario.model_validate_json(path.read_bytes())


def _reply(given: Reply | Improvised | str | Callable[[Recorded], Reply]) -> Reply | Improvised:
    if isinstance(given, Reply | Improvised):
        return given
    return Reply.model_validate({"content": given}) if isinstance(given, str) else Improvised(make=given)
