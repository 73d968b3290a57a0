"""The JSON schema of a settings file, made from the Settings model."""

from __future__ import annotations

from typing import Any

from claw_lsp.adapters.settings.elsewhere import ELSEWHERE
from claw_lsp.adapters.settings.keys import BEHAVIORS, KEYS
from claw_lsp.facts.hook import FIRED, NOT_YET, Hook
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
    properties["hooks"] = _hooks()
    properties["includeCoAuthoredBy"] = {"type": "boolean", "description": "The older name of `attribution`."}
    properties |= {name: {**it.schema, "description": it.sentence} for name, it in ELSEWHERE.items()}
    used = {name: it for name, it in model["$defs"].items() if name != "Rule"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "claw-lsp settings",
        "type": "object",
        "properties": properties,
        "$defs": used,
    }


def _hooks() -> dict[str, Any]:
    """Groups of handlers by event."""
    handler = Hook.model_json_schema(by_alias=True)
    outside = ("event", "matcher", "source", "file", "line")
    fields = {name: it for name, it in handler["properties"].items() if name not in outside}
    items = {"type": "object", "properties": fields, "required": ["type"]}
    group = {
        "type": "object",
        "properties": {"matcher": {"type": "string"}, "hooks": {"type": "array", "items": items}},
        "required": ["hooks"],
    }
    return {
        "type": "object",
        "description": "Programs, addresses and prompts that are asked at events; docs/compatibility.md says which there are.",
        "propertyNames": {"enum": sorted(FIRED | NOT_YET)},
        "additionalProperties": {"type": "array", "items": group},
    }
