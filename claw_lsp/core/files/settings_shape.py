"""The JSON schema of a settings file, made from the Settings model."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.files.elsewhere import ELSEWHERE
from claw_lsp.core.files.hook_words import EVENTS, FIELDS, NEEDED, OF_TYPE
from claw_lsp.core.files.keys import BEHAVIORS, KEYS
from claw_lsp.facts.hook import FIRED, Hook
from claw_lsp.facts.settings import Settings

_ASIDE = {
    "allow": "Calls that run without a question.",
    "ask": "Calls that always ask.",
    "deny": "Calls that never run.",
}


def schema() -> dict[str, Any]:
    """What may stand in settings.json. Other keys are allowed: other programs read the same files."""
    model = Settings.model_json_schema(by_alias=True)
    properties: dict[str, Any] = {}
    for alias, keys in KEYS.items():
        here = properties
        for key in keys[:-1]:
            here = here.setdefault(key, {"type": "object", "properties": {}})["properties"]
        here[keys[-1]] = {name: it for name, it in model["properties"][alias].items() if name != "title"}
    permissions = properties["permissions"]["properties"]
    for behavior in reversed(BEHAVIORS):
        permissions[behavior] = {"type": "array", "items": {"type": "string"}, "description": _ASIDE[behavior]}
    properties["hooks"] = hooks()
    properties["includeCoAuthoredBy"] = {"type": "boolean", "description": "The older name of `attribution`."}
    properties |= {name: {**it.schema, "description": it.sentence} for name, it in ELSEWHERE.items()}
    used = {name: it for name, it in model["$defs"].items() if name not in ("Rule", "Hook")}
    used["HookGroup"] = hook_group()
    # A model's id is its name in `models`.
    used["ModelFacts"] = {**used["ModelFacts"], "required": []}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "claw-lsp settings",
        "type": "object",
        "properties": properties,
        "$defs": used,
    }


def hooks() -> dict[str, Any]:
    """Groups of handlers by event; what a group is stands in `hook_group`."""
    group = {"$ref": "#/$defs/HookGroup"}
    return {
        "type": "object",
        "description": "Programs, addresses and prompts that are asked at events; docs/compatibility.md says which there are.",
        "properties": {
            event: {"type": "array", "items": group, "description": said}
            if event in FIRED
            else {"type": "array", "items": group, "description": f"{said} Not here yet.", "deprecated": True}
            for event, said in EVENTS.items()
        },
        "additionalProperties": False,
    }


def hook_group() -> dict[str, Any]:
    """Handlers with their matcher."""
    fields = Hook.model_json_schema(by_alias=True)["properties"]
    outside = {"event", "matcher", "source", "file", "line", *(it for names in OF_TYPE.values() for it in names)}
    common = [name for name in fields if name not in outside and name != "type"]
    handlers = [
        {
            "type": "object",
            "properties": {"type": {"const": kind, "description": FIELDS["type"]}}
            | {name: _described(name, fields[name]) for name in (*names, *common)},
            "required": ["type", *NEEDED[kind]],
            "additionalProperties": False,
        }
        for kind, names in OF_TYPE.items()
    ]
    return {
        "type": "object",
        "properties": {
            "matcher": {
                "type": "string",
                "description": "What of the event is meant: names with | between them, or a regular expression; everything if not set.",
            },
            "hooks": {"type": "array", "items": {"anyOf": handlers}, "description": "What runs, side by side."},
        },
        "required": ["hooks"],
    }


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {key: it for key, it in schema.items() if key != "title"} | {"description": FIELDS[name]}
