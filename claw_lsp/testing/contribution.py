"""The settings that the VS Code extension contributes: those of our schema that an editor may say, in its package.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claw_lsp.adapters.settings.belief import NOT_FROM_EDITOR
from claw_lsp.core.files.settings_shape import schema

PACKAGE = "editors/vscode/package.json"
TITLE = "Claw"
"""The group of settings that is written; another is the extension's own and stays as it is."""

Json = dict[str, Any]


def package_json(repository: Path) -> str:
    """The extension's package.json as it should be."""
    package: Json = json.loads((repository / PACKAGE).read_text("utf-8"))
    described = schema()
    group = next(it for it in package["contributes"]["configuration"] if it["title"] == TITLE)
    group["properties"] = dict(_settings(described["properties"], described["$defs"], "claw."))
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _settings(described: Mapping[str, Any], defined: Mapping[str, Any], path: str) -> Iterator[tuple[str, Json]]:
    """Every setting by its key, nested ones with dots between."""
    for name, it in described.items():
        if it.get("type") == "object" and "properties" in it:
            yield from _settings(it["properties"], defined, f"{path}{name}.")
        # An allow rule of a workspace would let it run what it likes.
        elif NOT_FROM_EDITOR.isdisjoint((name, f"{path}{name}".removeprefix("claw."))) and name != "allow":
            yield f"{path}{name}", _contributed(it, defined)


def _contributed(field: Mapping[str, Any], defined: Mapping[str, Any]) -> Json:
    """A setting as VS Code reads it: one type or several, a choice, a default, and what it is for."""
    kinds = [defined.get(str(it["$ref"]).rsplit("/", 1)[-1], it) if "$ref" in it else it for it in _kinds(field)]
    types = list(dict.fromkeys(it.get("type", "string") for it in kinds))
    choices = [one for it in kinds for one in it.get("enum", [it["const"]] if "const" in it else [])]
    found: Json = {"type": types[0] if len(types) == 1 else types}
    if choices:
        found["enum"] = choices + ([None] if "null" in types else [])
    found |= {key: it[key] for it in kinds for key in ("items", "minimum") if key in it}
    if "default" in field:
        found["default"] = field["default"]
    return found | {"markdownDescription": field.get("description", "")}


def _kinds(field: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(field.get("anyOf", [field]))
