"""The arguments of commands: typed, every field optional unless PRODUCT.md says otherwise, errors that name the field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from claw_lsp.core.export import Format
from claw_lsp.facts.checkpoint import What
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.rule import Behavior, Mode

Effort = Literal["low", "medium", "high", "xhigh", "max"]


def _one_word(name: str) -> str:
    if len(name.split()) != 1:
        raise ValueError(f"expected one word, an alias (opus, sonnet, haiku) or a full model id, found {name!r}")
    return name.strip()


ModelName = Annotated[str, AfterValidator(_one_word)]


class Position(BaseModel):
    """LSP's position, in the units that were negotiated."""

    model_config = ConfigDict(frozen=True)

    line: Annotated[int, Field(ge=0)]
    character: Annotated[int, Field(ge=0)]


class Range(BaseModel):
    """LSP's range."""

    model_config = ConfigDict(frozen=True)

    start: Position
    end: Position


class Arguments(BaseModel):
    """Base of all: unknown fields are refused by name, so that a typing error is told and not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoArguments(Arguments):
    pass


class TurnArguments(Arguments):
    """What every command that starts a turn takes; without `session` it starts a fresh one."""

    prompt: str = ""
    uri: str | None = None
    range: Range | None = None
    session: str | None = None
    mode: Mode | None = None
    model: ModelName | None = None


class AskArguments(TurnArguments):
    prompt: Annotated[str, Field(min_length=1)] = Field(default=...)


class FixArguments(TurnArguments):
    diagnostics: tuple[dict[str, Any], ...] = ()


class HunkArguments(TurnArguments):
    hunk: str | None = None


class ReviewArguments(TurnArguments):
    base: str | None = None


class ChatArguments(Arguments):
    session: str | None = None
    prompt: str | None = None
    hunk: str | None = None


class ReviewedArguments(Arguments):
    """Which hunks: exactly one of these."""

    hunk: str | None = None
    uri: str | None = None
    prompt_id: str | None = None
    all: bool = False


class UriArguments(Arguments):
    uri: str | None = None


class PlaceArguments(UriArguments):
    range: Range | None = None


class SessionArguments(Arguments):
    session: str | None = None


class CompactArguments(SessionArguments):
    focus: Annotated[str, Field(max_length=2_000)] = ""


class SessionsArguments(Arguments):
    pick: bool = True


class ResumeArguments(Arguments):
    session: Annotated[str, Field(min_length=1)]


class InitArguments(SessionArguments):
    prompt: str | None = None


class MemoryArguments(SessionArguments):
    file: str | None = None


class AlongArguments(SessionArguments):
    along: Literal["on", "off"] | None = None


class RenameArguments(SessionArguments):
    title: str = ""


class SearchArguments(Arguments):
    text: Annotated[str, Field(min_length=1)]


class ExportArguments(SessionArguments):
    format: Format = "markdown"


class ForkArguments(SessionArguments):
    at: str | None = None
    uri: str | None = None


class RewindArguments(SessionArguments):
    to: str | None = None
    what: What = "both"


class RunArguments(Arguments):
    run: str


class OptionalRunArguments(Arguments):
    run: str | None = None


class RetryArguments(OptionalRunArguments):
    session: str | None = None


class SteerArguments(Arguments):
    run: str | None = None
    prompt: Annotated[str, Field(min_length=1)]


class DiffArguments(SessionArguments):
    uri: str | None = None
    hunk: str | None = None
    prompt_id: str | None = None


class RevertArguments(SessionArguments):
    prompt_id: str | None = None


class ModelArguments(SessionArguments):
    model: ModelName | None = None


class ModeArguments(SessionArguments):
    mode: Mode | None = None


class PermissionsArguments(SessionArguments):
    rule: str | None = None
    behavior: Behavior | None = None
    file: str | None = None
    to: Literal["allow", "ask", "deny", "remove", "open", "why"] | None = None


class ContextArguments(SessionArguments):
    drop: tuple[str, ...] = ()


class McpArguments(SessionArguments):
    server: str | None = None
    do: Literal["restart", "disable", "enable", "approve", "login", "logout", "open"] | None = None


class EffortArguments(SessionArguments):
    effort: Effort | None = None


class TrustArguments(Arguments):
    trust: bool | None = None
    uri: str | None = None


class AnswerArguments(Arguments):
    question: str
    choice: str
    text: str = ""


A = TypeVar("A", bound=Arguments)


def decoded(kind: type[A], arguments: tuple[Any, ...]) -> A:
    """The typed arguments of a command: one JSON object, or nothing at all. Raises BadRequest."""
    if len(arguments) > 1:
        raise BadRequest(f"arguments: expected one JSON object, found {len(arguments)} values")
    given: Any = arguments[0] if arguments else None
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise BadRequest(f"arguments: expected one JSON object, found {type(given).__name__}")
    given = cast("dict[str, Any]", given)
    try:
        return kind.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        lines = [f"{'.'.join(map(str, it['loc']))}: {_expected(it['msg'], it['type'])}" for it in faults]
        raise BadRequest("; ".join(lines)) from error


def _expected(message: str, kind: str) -> str:
    match kind:
        case "missing":
            return "expected a value, found none"
        case "extra_forbidden":
            return "this command has no such field"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            return message[:1].lower() + message[1:]
