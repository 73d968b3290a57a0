"""The JSON schema of each kind of file, and what stands at a place of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

from claw_lsp.core.files.json_tree import Scalar
from claw_lsp.core.files.kinds import Kind
from claw_lsp.core.files.models import Agent, Marketplace, Plugin, Skill
from claw_lsp.core.files.settings_shape import hook_group, hooks, schema
from claw_lsp.core.json_edit import Keys

Schema = Mapping[str, Any]

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}
_COMMON: Final = {
    "timeout": {
        "type": "integer",
        "minimum": 1,
        "description": "Milliseconds that a call may take.",
        "examples": [60_000],
    },
    "alwaysLoad": {
        "type": "boolean",
        "default": False,
        "description": "The model knows its tools from the start, and need not search for them.",
    },
}
_PROGRAM: Final = {
    "type": {"const": "stdio", "description": "A program that is spoken to over its standard input and output."},
    "command": _TEXT
    | {"description": "The program; `${NAME}` and `${NAME:-otherwise}` stand for environment variables."},
    "args": {"type": "array", "items": _TEXT, "description": "Its arguments."},
    "env": _TEXTS | {"description": "Environment variables that it gets; it sees no others but a few common ones."},
}
_ADDRESS: Final = {
    "url": _TEXT | {"description": "Its address.", "examples": ["https://example.com/mcp"]},
    "headers": _TEXTS | {"description": "Headers of each request."},
    "headersHelper": _TEXT | {"description": "A command that prints further headers as JSON, run for each connection."},
    "oauth": {
        "type": "object",
        "description": "How to log in, where the server does not say it all.",
        "properties": {
            "clientId": _TEXT | {"description": "What we are registered as there."},
            "callbackPort": {
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "description": "The port the browser comes back to.",
            },
            "scopes": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}], "description": "What is asked for."},
            "authServerMetadataUrl": _TEXT | {"description": "Where what the login server can do is described."},
        },
    },
}
_TYPE: Final = "How it is spoken to over the network."


def _entry(kind: str) -> Schema:
    address = {"type": {"const": kind, "description": _TYPE}, **_ADDRESS, **_COMMON}
    return {"type": "object", "properties": address, "required": ["type", "url"]}


_SERVERS: Final = {
    "type": "object",
    "description": "MCP servers by name.",
    "additionalProperties": {
        "anyOf": [
            {"type": "object", "properties": _PROGRAM | _COMMON, "required": ["command"]},
            *map(_entry, ("http", "sse", "streamable-http")),
        ]
    },
}


@cache
def shape(kind: Kind) -> Schema:
    """The JSON schema of a kind of file; of Markdown files that of their front."""
    match kind:
        case "settings":
            return schema()
        case "mcp":
            return {"type": "object", "properties": {"mcpServers": _SERVERS}}
        case "hooks":
            return {
                "type": "object",
                "properties": {"description": _TEXT | {"description": "What they are for."}, "hooks": hooks()},
                "required": ["hooks"],
                "$defs": {"HookGroup": hook_group()},
            }
        case "skill" | "agent" | "plugin" | "marketplace":
            model = {"skill": Skill, "agent": Agent, "plugin": Plugin, "marketplace": Marketplace}[kind]
            found = model.model_json_schema(by_alias=True)
            if kind in ("skill", "agent"):
                found["properties"]["hooks"] |= {"anyOf": [hooks()]}
                found["$defs"] = {**found.get("$defs", {}), "HookGroup": hook_group()}
            return found


def at(kind: Kind, keys: Keys, beside: Mapping[str, Scalar]) -> tuple[Schema, ...]:
    """What the object there may be: every schema that fits, plain ones. `beside` are its names and values: of objects told
    apart by one field, that decides."""
    root = shape(kind)
    found = tuple(_plain(root, root))
    for key in keys:
        found = tuple(it for schema_ in found for it in _below(root, schema_, key))
    return _told_apart(found, beside)


def of_value(kind: Kind, keys: Keys, beside: Mapping[str, Scalar]) -> tuple[Schema, ...]:
    """The schemas of the value there; `beside` are the names and values of the object that it is in."""
    if not keys:
        return at(kind, keys, beside)
    root = shape(kind)
    return tuple(it for schema_ in at(kind, keys[:-1], beside) for it in _below(root, schema_, keys[-1]))


def plain(kind: Kind, schema: Schema) -> Schema:
    """The schema with what it refers to in it: the first of its choices, and what is said of all."""
    return next(_plain(shape(kind), schema), schema)


def _below(root: Schema, schema_: Schema, key: str | int) -> Iterator[Schema]:
    if isinstance(key, int):
        inner = schema_.get("items", {})
    else:
        inner = schema_.get("properties", {}).get(key, schema_.get("additionalProperties", {}))
    if isinstance(inner, Mapping):
        yield from _plain(root, cast("Schema", inner))


def _plain(root: Schema, schema_: Schema) -> Iterator[Schema]:
    """The schema without references and choices; what is said beside a choice is said of each."""
    if reference := schema_.get("$ref"):
        named = root.get("$defs", {}).get(str(reference).rpartition("/")[2], {})
        schema_ = {**named, **{key: it for key, it in schema_.items() if key != "$ref"}}
    choices: Iterable[Schema] = [*schema_.get("anyOf", ()), *schema_.get("oneOf", ())]
    rest = {key: it for key, it in schema_.items() if key not in ("anyOf", "oneOf", "$defs", "$schema")}
    if not choices:
        yield rest
    for it in choices:
        if it.get("type") != "null":
            yield from _plain(root, {**rest, **it} if "description" in it else {**it, **rest})


def _told_apart(found: tuple[Schema, ...], beside: Mapping[str, Scalar]) -> tuple[Schema, ...]:
    fits = tuple(it for it in found if not _other(it, beside))
    return fits or found


def _other(schema_: Schema, beside: Mapping[str, Scalar]) -> bool:
    fields: Mapping[str, Schema] = schema_.get("properties", {})
    wrong = any("const" in it and name in beside and beside[name] != it["const"] for name, it in fields.items())
    # An object that names what only others have is one of those.
    return wrong or (bool(fields) and "type" in fields and not beside.keys() <= fields.keys() and "type" not in beside)
