"""`claw-lsp schema`: what may stand in settings, what a session log holds, what commands take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from claw_lsp.facts.event import KNOWN


def schemas(settings: dict[str, Any], commands: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The JSON schemas by what they describe; those of commands by the command's name."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {
        "settings": settings,
        "events": {"$schema": dialect, **KNOWN.json_schema()},
        "commands": {name: it.model_json_schema() for name, it in commands.items()},
    }
