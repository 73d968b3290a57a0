"""How the keys of a settings file lead to the fields of `Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from claw_lsp.facts.settings import Settings

_UNDER_PERMISSIONS = (
    "defaultMode",
    "additionalDirectories",
    "disableBypassPermissionsMode",
    "disableAutoMode",
    "blockReadsOutsideWorkingDirectories",
)

KEYS: dict[str, tuple[str, ...]] = {
    alias: (("permissions", alias) if alias in _UNDER_PERMISSIONS else tuple(alias.split(".")))
    for alias in sorted(
        (field.alias or name for name, field in Settings.model_fields.items()), key=lambda it: it.startswith("sandbox.")
    )
    if alias not in ("rules", "hooks", "restricted")
}
"""The way to each field in a settings file, by the field's alias. Rules and hooks are read on their own."""

BEHAVIORS = ("deny", "ask", "allow")


def lookup(data: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[tuple[str, ...], Any] | None:
    """The value and how it was found: nested as in files, or by one dotted name as some editors write it."""
    dotted = ".".join(keys)
    if dotted in data:
        return (dotted,), data[dotted]
    here: Any = data
    for key in keys:
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = cast("Mapping[str, Any]", here)[key]
    return keys, here


def modern(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a settings file says, with older names of settings turned into those of today."""
    if isinstance(said := data.get("includeCoAuthoredBy"), bool) and "attribution" not in data:
        return {**data, "attribution": said}
    return data


def plain(alias: str, value: Any) -> Any:
    """The value as the model takes it: other spellings that the conventions know are turned into ours."""
    if alias == "fallbackModel" and isinstance(value, str):
        return [value]
    if alias == "defaultMode" and value == "manual":
        return "default"
    if alias == "models" and isinstance(value, dict):
        facts = cast("dict[str, Any]", value)
        return {
            name: {"id": name, **cast("dict[str, Any]", it)} if isinstance(it, dict) else it
            for name, it in facts.items()
        }
    return value
