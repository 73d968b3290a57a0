"""Tools as the model is told of them."""

from __future__ import annotations

import inspect
from typing import Any, cast

from claw_lsp.facts.offered import ToolSpec
from claw_lsp.ports.tools import Tool


def spec(tool: Tool) -> ToolSpec:
    """Name, docstring and input schema of a tool; titles and the model class's own docstring are left out."""
    schema = cast("dict[str, Any]", _bare(tool.input.model_json_schema()))
    schema.pop("description", None)
    return ToolSpec(
        name=tool.name,
        description=inspect.getdoc(type(tool)) or "",
        input_schema={"type": "object", "properties": {}, **schema},
        side_by_side=tool.side_by_side,
    )


def _bare(node: Any, *, names: bool = False) -> Any:
    """The schema without `title`; below `properties` a title is the name of a field, and stays."""
    if isinstance(node, list):
        return [_bare(it) for it in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = cast("dict[str, Any]", node)
    return {
        key: _bare(value, names=key in ("properties", "$defs") and not names)
        for key, value in fields.items()
        if names or key != "title"
    }
