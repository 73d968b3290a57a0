"""Completion and hover in claw-lsp's own files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from claw_lsp.core.files.hook_words import EVENTS, MATCHED
from claw_lsp.core.files.json_tree import Scalar
from claw_lsp.core.files.kinds import FRONTMATTER, Kind
from claw_lsp.core.files.place import Place, in_front, in_json
from claw_lsp.core.files.rule_words import in_words
from claw_lsp.core.files.shapes import Schema, at, of_value, plain
from claw_lsp.core.files.values import Known, behavior, meaning, values
from claw_lsp.core.hooks.choosing import names_meant
from claw_lsp.core.json_edit import Keys
from claw_lsp.facts.hook import TOOL_EVENTS

_PLAIN = re.compile(r"[A-Za-z0-9_./$(](?:[^\s:#,\[\]{}]|:(?=\S)| (?=[^#\s]))*")
"""What needs no quotes in YAML."""
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "~"})


@dataclass(frozen=True, slots=True)
class Offer:
    """One completion: `insert` replaces what stands from `start` to `end`, in code points."""

    label: str
    insert: str
    start: int
    end: int
    kind: Literal["key", "value"]
    detail: str = ""
    documentation: str = ""


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about what stands from `start` to `end`, in code points; `rule` is the permission rule that stands there."""

    text: str
    start: int
    end: int
    rule: str = ""


def complete(kind: Kind, text: str, offset: int, known: Known) -> tuple[Offer, ...]:
    """What may stand at an offset. An editor narrows it down to what was typed."""
    place = _place(kind, text, offset)
    if place is None:
        return ()
    offers = _names(kind, place) if place.role == "key" else _values(kind, place, known)
    unique = {it.label: it for it in reversed(list(offers))}
    return tuple(reversed(unique.values()))


def hover(kind: Kind, text: str, offset: int, known: Known) -> Hover | None:
    """What the name or the value at an offset means."""
    place = _place(kind, text, offset)
    if place is None or place.text is None:
        return None
    if place.role == "key":
        found = _of_name(kind, (*place.keys, place.text), at(kind, place.keys, place.beside), place.text)
        return Hover(found, place.start, place.end) if found else None
    meant = meaning(kind, place.keys)
    if meant == "rule":
        said = in_words(place.text, behavior(place.keys))
        return Hover(f"`{place.text}`\n\n{said}", place.start, place.end, place.text)
    if meant == "matcher":
        return Hover(_matched(str(place.keys[1]), place.text, known), place.start, place.end)
    way = tuple(it for it in place.keys if isinstance(it, str))
    if not way:
        return None
    found = _of_name(kind, place.keys, at(kind, place.keys[:-1], place.beside), way[-1])
    return Hover(found, place.start, place.end) if found else None


def _place(kind: Kind, text: str, offset: int) -> Place | None:
    return in_front(text, offset) if kind in FRONTMATTER else in_json(text, offset)


# ---- names ------------------------------------------------------------------------------------------------------------


def _names(kind: Kind, place: Place) -> Iterator[Offer]:
    for schema in at(kind, place.keys, place.beside):
        fields: Mapping[str, Schema] = schema.get("properties", {})
        for name, field in fields.items():
            if name not in place.beside and not field.get("deprecated"):
                it = plain(kind, field)
                insert = _named(kind, name, it, place)
                yield Offer(name, insert, place.start, place.end, "key", _type(it), str(it.get("description", "")))


def _named(kind: Kind, name: str, schema: Schema, place: Place) -> str:
    if place.yaml:
        return name if place.named else f"{name}: "
    said = (
        json.dumps(name)
        if place.named
        else f"{json.dumps(name)}: {json.dumps(_stub(kind, schema), ensure_ascii=False)}"
    )
    return _with_commas(said, place)


def _stub(kind: Kind, schema: Schema) -> Any:
    """A value that is right as it stands, to be written over."""
    if examples := schema.get("examples"):
        return examples[0]
    if "const" in schema:
        return schema["const"]
    default = schema.get("default")
    if default or (enum := schema.get("enum")) is None:
        return default if default not in (None, True, False) else _empty(kind, schema)
    return enum[0]


def _empty(kind: Kind, schema: Schema) -> Any:
    match schema.get("type"):
        case "array":
            return []
        case "boolean":
            return not schema.get("default", False)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "string":
            return ""
        case _:
            fields: Mapping[str, Schema] = schema.get("properties", {})
            return {
                name: _stub(kind, plain(kind, it)) for name, it in fields.items() if name in schema.get("required", ())
            }


def _type(schema: Schema) -> str:
    if enum := schema.get("enum"):
        return " | ".join(map(str, enum))
    return str(schema.get("type", ""))


def _with_commas(said: str, place: Place) -> str:
    return f"{', ' if place.comma_before else ''}{said}{', ' if place.comma_behind else ''}"


# ---- values -----------------------------------------------------------------------------------------------------------


def _values(kind: Kind, place: Place, known: Known) -> Iterator[Offer]:
    said = ""
    for schema in of_value(kind, place.keys, place.beside):
        said = said or str(schema.get("description", ""))
        for value in _listed(schema):
            yield _offer(value, place, "default" if value == schema.get("default") else "", said)
    if meant := meaning(kind, place.keys):
        for value, detail in values(meant, place.keys, place.beside, known):
            yield _offer(value, place, detail, said)


def _listed(schema: Schema) -> Iterator[Scalar]:
    if "const" in schema:
        yield schema["const"]
    yield from schema.get("enum", ())
    if schema.get("type") == "boolean":
        yield from (True, False)
    if schema.get("type") == "object" and not schema.get("enum"):
        return
    default = schema.get("default")
    if isinstance(default, str | int | float) and default != "" and not isinstance(default, bool):
        yield default


def _offer(value: Scalar, place: Place, detail: str, said: str) -> Offer:
    shown = value if isinstance(value, str) else json.dumps(value)
    if place.yaml:
        bare = _PLAIN.fullmatch(shown) and shown.casefold() not in _WORDS
        insert = shown if bare or not isinstance(value, str) else json.dumps(shown, ensure_ascii=False)
        insert = f" {insert}" if place.comma_before else insert
    else:
        insert = _with_commas(json.dumps(value, ensure_ascii=False), place)
    return Offer(shown, insert, place.start, place.end, "value", detail, said)


# ---- what things mean -------------------------------------------------------------------------------------------------


def _of_name(kind: Kind, keys: Keys, around: Iterable[Schema], name: str) -> str:
    for schema in around:
        field = schema.get("properties", {}).get(name)
        if field is None:
            continue
        it = plain(kind, field)
        lines = [f"**{name}** ({_type(it)})" if _type(it) else f"**{name}**"]
        if description := it.get("description"):
            lines.append(str(description))
        if it.get("default") not in (None, "", [], {}):
            lines.append(f"If not set: `{json.dumps(it['default'], ensure_ascii=False)}`")
        return "\n\n".join(lines)
    return ""


def _matched(event: str, matcher: str, known: Known) -> str:
    """What a matcher means of what is known here."""
    if event in TOOL_EVENTS:
        them, what = known.tools, "tools"
    else:
        them, what = MATCHED.get(event, ()), EVENTS.get(event, "")
    met = names_meant(matcher, them)
    if not met:
        return f"`{matcher}` is held against what {event} is about."
    named = ", ".join(f"`{it}`" for it in met[:30])
    return f"`{matcher}` means, of what is known here: {named}." if what == "tools" else f"`{matcher}` means: {named}."
