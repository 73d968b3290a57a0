"""Rules about the tools offered and the choice among them. Names, ids and the schema's type are matters of shape."""

import re
from collections.abc import Iterator

from claw_lsp.testing.messages_api.rules.asked import Asked, numbered_blocks
from claw_lsp.testing.messages_api.shapes import ClientTool, ToolReference, ToolResult, WebFetchTool, WebSearchTool

_PROPERTY = re.compile(r"^[a-zA-Z0-9_.-]{1,64}$")


def tool_names_are_unique(asked: Asked) -> Iterator[str]:
    names = [it.name for it in asked.request.tools or []]
    if len(names) != len(set(names)):
        yield "tools: Tool names must be unique."


def schema_keys_are_plain(asked: Asked) -> Iterator[str]:
    for n, tool in enumerate(asked.request.tools or []):
        keys = (tool.input_schema.properties or {}) if isinstance(tool, ClientTool) else {}
        if not all(_PROPERTY.fullmatch(it) for it in keys):
            yield f"tools.{n}.custom.input_schema.properties: Property keys should match pattern '{_PROPERTY.pattern}'"


def schemas_have_no_top_level_choice(asked: Asked) -> Iterator[str]:
    for n, tool in enumerate(asked.request.tools or []):
        extra = (tool.input_schema.model_extra or {}) if isinstance(tool, ClientTool) else {}
        if extra.keys() & {"oneOf", "anyOf", "allOf"}:
            yield f"tools.{n}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"


def domains_are_allowed_or_blocked(asked: Asked) -> Iterator[str]:
    for n, tool in enumerate(asked.request.tools or []):
        if isinstance(tool, WebSearchTool | WebFetchTool) and tool.allowed_domains and tool.blocked_domains:
            yield f"tools.{n}: only one of allowed_domains and blocked_domains may be given"


def some_tool_is_loaded(asked: Asked) -> Iterator[str]:
    tools = asked.request.tools or []
    if tools and all(it.defer_loading for it in tools):
        yield "tools: at least one tool must have defer_loading=false"


def references_name_a_tool(asked: Asked) -> Iterator[str]:
    names = {it.name for it in asked.request.tools or []}
    for where, _, block in numbered_blocks(asked):
        for it in block.content if isinstance(block, ToolResult) else []:
            if isinstance(it, ToolReference) and it.tool_name not in names:
                yield f"{where}: Tool reference '{it.tool_name}' not found in available tools"


def choice_has_tools(asked: Asked) -> Iterator[str]:
    choice = asked.request.tool_choice
    if choice is None:
        return
    if not asked.request.tools:
        yield "tool_choice: tool_choice may only be specified while providing tools"
    elif choice.type == "tool" and not choice.name:
        yield "tool_choice.tool.name: Field required"
    elif choice.type != "tool" and choice.name is not None:
        yield f"tool_choice.{choice.type}.name: Extra inputs are not permitted"
    elif choice.type == "none" and choice.disable_parallel_tool_use is not None:
        yield "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted"
    elif choice.type == "tool" and choice.name not in {it.name for it in asked.request.tools}:
        yield f"tool_choice: Tool '{choice.name}' not found in provided tools"


RULES = (
    tool_names_are_unique,
    schema_keys_are_plain,
    schemas_have_no_top_level_choice,
    domains_are_allowed_or_blocked,
    some_tool_is_loaded,
    references_name_a_tool,
    choice_has_tools,
)
