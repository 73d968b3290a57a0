"""What a server asks a person to fill in: the fields of a flat JSON schema, and values read from words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

Kind = Literal["text", "integer", "number", "boolean", "one", "many"]

Value = str | int | float | bool | list[str]


class Unfit(Exception):
    """Words are no value for a field; the text says what is expected."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in. `options` are those of the kinds "one" and "many"; `default` is None where there is none. Limits
    are of the number, of the text's length, or of how many options."""

    name: str
    kind: Kind
    title: str
    description: str = ""
    required: bool = False
    default: Value | None = None
    options: tuple[Option, ...] = ()
    least: float | None = None
    most: float | None = None
    format: str = ""

    @property
    def skippable(self) -> bool:
        """Whether nothing needs to be said."""
        return not self.required or self.default is not None


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields, in the server's order. What has no known kind is asked for as text."""
    properties = _mapping(schema.get("properties"))
    required = [it for it in _sequence(schema.get("required")) if isinstance(it, str)]
    return tuple(_field(name, _mapping(it), required=name in required) for name, it in properties.items())


def defaults(fields: Sequence[Field]) -> dict[str, Value]:
    """What is sent where the person changes nothing."""
    return {it.name: it.default for it in fields if it.default is not None}


def read(field: Field, words: str) -> Value:
    """The value that these words mean. Raises Unfit."""
    words = words.strip()
    match field.kind:
        case "text":
            return _text(field, words)
        case "integer" | "number":
            return _number(field, words)
        case "boolean":
            if words.casefold() not in _BOOLEANS:
                raise Unfit("expected yes or no")
            return _BOOLEANS[words.casefold()]
        case "one":
            return _option(field, words)
        case "many":
            chosen = list(dict.fromkeys(_option(field, it.strip()) for it in words.split(",") if it.strip()))
            _within(field, len(chosen), "of these")
            return chosen


def shown(field: Field, value: Value) -> str:
    """A value as the person would write it."""
    titles = {it.value: it.title for it in field.options}
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(titles.get(it, it) for it in value)
        case _:
            return titles.get(str(value), str(value))


def expected(field: Field) -> str:
    """What may be said, for the person."""
    match field.kind:
        case "one" | "many":
            listed = ", ".join(it.title for it in field.options)
            return f"{'one' if field.kind == 'one' else 'some, with commas,'} of {listed}"
        case "boolean":
            return "yes or no"
        case "integer" | "number":
            return f"{'a whole number' if field.kind == 'integer' else 'a number'}{_limits(field, '')}"
        case "text":
            return f"{_FORMATS.get(field.format, 'some text')}{_limits(field, ' characters')}"


def _field(name: str, given: Mapping[str, Any], *, required: bool) -> Field:
    kind, options = _kind(given)
    low, high = _BOUNDS[kind]
    made = Field(
        name=name,
        kind=kind,
        title=_words(given.get("title")) or name,
        description=_words(given.get("description")),
        required=required,
        options=options,
        least=_bound(given.get(low)),
        most=_bound(given.get(high)),
        format=_words(given.get("format")),
    )
    return replace(made, default=_default(made, given.get("default")))


def _kind(given: Mapping[str, Any]) -> tuple[Kind, tuple[Option, ...]]:
    if given.get("type") == "array":
        return "many", _options(_mapping(given.get("items")))
    if options := _options(given):
        return "one", options
    match given.get("type"):
        case "integer":
            return "integer", ()
        case "number":
            return "number", ()
        case "boolean":
            return "boolean", ()
        case _:
            return "text", ()


def _options(given: Mapping[str, Any]) -> tuple[Option, ...]:
    """What may be chosen, in each of the ways a schema can say it."""
    titled = [_mapping(it) for it in (*_sequence(given.get("oneOf")), *_sequence(given.get("anyOf")))]
    if titled:
        return tuple(
            Option(str(it["const"]), _words(it.get("title")) or str(it["const"])) for it in titled if "const" in it
        )
    values = [str(it) for it in _sequence(given.get("enum"))]
    names = [_words(it) for it in _sequence(given.get("enumNames"))]
    names += values[len(names) :]
    return tuple(Option(value, name or value) for value, name in zip(values, names, strict=False))


def _default(field: Field, given: Any) -> Value | None:
    """The server's default where it is one that it would take itself."""
    if given is None:
        return None
    try:
        words = ", ".join(map(str, cast("list[Any]", given))) if isinstance(given, list) else str(given)
        return read(field, words)
    except Unfit:
        return None


def _text(field: Field, words: str) -> str:
    _within(field, len(words), "characters")
    if field.format in _PATTERNS and not re.fullmatch(_PATTERNS[field.format], words):
        raise Unfit(f"expected {_FORMATS[field.format]}")
    return words


def _number(field: Field, words: str) -> int | float:
    try:
        value = int(words) if field.kind == "integer" else float(words)
    except ValueError:
        raise Unfit(f"expected {expected(field)}") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise Unfit(f"expected {expected(field)}")
    _within(field, value, "")
    return value


def _option(field: Field, words: str) -> str:
    for it in field.options:
        if words.casefold() in (it.value.casefold(), it.title.casefold()):
            return it.value
    raise Unfit(f"expected {expected(field)}")


def _within(field: Field, size: float, what: str) -> None:
    if (field.least is not None and size < field.least) or (field.most is not None and size > field.most):
        raise Unfit(f"expected{_limits(field, f' {what}' if what else '')}, found {size:g}")


def _limits(field: Field, unit: str) -> str:
    least = f" from {field.least:g}" if field.least is not None else ""
    most = f" up to {field.most:g}" if field.most is not None else ""
    return f"{least}{most}{unit}" if least or most else ""


_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}
_BOUNDS: Mapping[Kind, tuple[str, str]] = {
    "text": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "boolean": ("", ""),
    "one": ("", ""),
    "many": ("minItems", "maxItems"),
}
_FORMATS = {
    "email": "an e-mail address",
    "uri": "an address such as https://…",
    "date": "a date such as 2026-11-23",
    "date-time": "a time such as 2026-11-23T08:30:00Z",
}
_PATTERNS = {
    "email": r"[^@\s]+@[^@\s]+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?",
}


def _mapping(given: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}


def _sequence(given: Any) -> Sequence[Any]:
    return cast("list[Any]", given) if isinstance(given, list) else ()


def _words(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _bound(given: Any) -> float | None:
    return given if isinstance(given, int | float) and not isinstance(given, bool) else None
