"""What a request may look like: every field the scripted API knows, and none besides.

Field by field the types of anthropic 2.12 (stable fields; of the betas only thinking block binding). Left out, so
refused as extra: computer and browser toolsets, code execution, file ids, containers, MCP servers, compaction and
context editing.
"""

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

JsonObject = dict[str, Any]
Id = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]


class Shape(BaseModel):
    """A JSON object with no fields but its own."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _as_blocks(content: object) -> object:
    """A plain string is short for one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class CacheControl(Shape):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Marked(Shape):
    """A block on which a cache breakpoint may stand."""

    cache_control: CacheControl | None = None


class Citations(Shape):
    enabled: bool = False


class Text(Marked):
    type: Literal["text"]
    text: str
    citations: list[JsonObject] | None = None


class Base64Source(Shape):
    type: Literal["base64"]
    media_type: str
    data: str


class UrlSource(Shape):
    type: Literal["url"]
    url: str


class TextSource(Shape):
    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class Image(Marked):
    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource, Field(discriminator="type")]


class ContentSource(Shape):
    type: Literal["content"]
    content: Annotated[list[Annotated[Text | Image, Field(discriminator="type")]], BeforeValidator(_as_blocks)]


class Document(Marked):
    type: Literal["document"]
    source: Annotated[Base64Source | UrlSource | TextSource | ContentSource, Field(discriminator="type")]
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResult(Marked):
    type: Literal["search_result"]
    source: str
    title: str
    content: list[Text]
    citations: Citations | None = None


class ToolReference(Marked):
    type: Literal["tool_reference"]
    tool_name: str


class Thinking(Shape):
    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinking(Shape):
    type: Literal["redacted_thinking"]
    data: str


class Caller(Shape):
    type: Literal["direct"]


class ToolUse(Marked):
    type: Literal["tool_use"]
    id: Id
    name: ToolName
    input: JsonObject
    caller: Caller | None = None


ResultBlock = Annotated[Text | Image | SearchResult | Document | ToolReference, Field(discriminator="type")]


class ToolResult(Marked):
    type: Literal["tool_result"]
    tool_use_id: Id
    content: Annotated[list[ResultBlock], BeforeValidator(_as_blocks)] = []
    is_error: bool = False


ServerToolName = Literal["web_search", "web_fetch", "tool_search_tool_regex", "tool_search_tool_bm25"]


class ServerToolUse(Marked):
    type: Literal["server_tool_use"]
    id: Annotated[str, Field(pattern=r"^srvtoolu_[a-zA-Z0-9_]+$")]
    name: ServerToolName
    input: JsonObject
    caller: Caller | None = None


class ServerToolResult(Marked):
    """The API's own answer to a server tool; its content goes back as it came and is not looked into."""

    type: Literal["web_search_tool_result", "web_fetch_tool_result", "tool_search_tool_result"]
    tool_use_id: Annotated[str, Field(pattern=r"^srvtoolu_[a-zA-Z0-9_]+$")]
    content: list[JsonObject] | JsonObject
    caller: Caller | None = None


Block = Annotated[
    Text
    | Image
    | Document
    | SearchResult
    | Thinking
    | RedactedThinking
    | ToolUse
    | ToolResult
    | ServerToolUse
    | ServerToolResult,
    Field(discriminator="type"),
]


class Message(Shape):
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Block], BeforeValidator(_as_blocks)]


class InputSchema(BaseModel):
    """A tool's JSON schema: an object, with whatever else JSON Schema has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["object"]
    properties: JsonObject | None = None
    required: list[str] | None = None


class Offered(Marked):
    """What every tool definition may have."""

    allowed_callers: list[str] | None = None
    defer_loading: bool = False
    strict: bool = False


class ClientTool(Offered):
    type: Literal["custom"] | None = None
    name: ToolName
    description: str | None = None
    input_schema: InputSchema
    eager_input_streaming: bool | None = None
    input_examples: list[JsonObject] | None = None


class UserLocation(Shape):
    type: Literal["approximate"]
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class WebSearchTool(Offered):
    type: Literal["web_search_20250305", "web_search_20260209", "web_search_20260318"]
    name: Literal["web_search"]
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    max_uses: Annotated[int, Field(gt=0)] | None = None
    response_inclusion: Literal["full", "excluded"] | None = None
    user_location: UserLocation | None = None


class WebFetchTool(Offered):
    type: Literal["web_fetch_20250910", "web_fetch_20260209", "web_fetch_20260309", "web_fetch_20260318"]
    name: Literal["web_fetch"]
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    citations: Citations | None = None
    max_content_tokens: int | None = None
    max_uses: Annotated[int, Field(gt=0)] | None = None
    response_inclusion: Literal["full", "excluded"] | None = None
    use_cache: bool | None = None


class ToolSearchTool(Offered):
    type: Literal["tool_search_tool_bm25_20251119", "tool_search_tool_regex_20251119"]
    name: Literal["tool_search_tool_bm25", "tool_search_tool_regex"]


def _kind_of_tool(tool: object) -> str:
    kind = cast(JsonObject, tool).get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    if not isinstance(kind, str):
        return "custom"
    family = kind.rsplit("_", 1)[0]
    return "tool_search" if family.startswith("tool_search_tool") else family


Tool = Annotated[
    Annotated[ClientTool, Tag("custom")]
    | Annotated[WebSearchTool, Tag("web_search")]
    | Annotated[WebFetchTool, Tag("web_fetch")]
    | Annotated[ToolSearchTool, Tag("tool_search")],
    Discriminator(_kind_of_tool),
]


class ToolChoice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class BlockBinding(Shape):
    prefix_mismatch_behavior: Literal["error", "drop_block"] | None = None


class ThinkingConfig(Shape):
    type: Literal["adaptive", "enabled", "disabled", "between_tools"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None
    display: Literal["summarized", "omitted"] | None = None
    block_binding: BlockBinding | None = None


class OutputFormat(Shape):
    type: Literal["json_schema"]
    schema_: JsonObject = Field(alias="schema")


class OutputConfig(Shape):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Metadata(Shape):
    user_id: str | None = None


class Diagnostics(Shape):
    previous_message_id: str | None = None


class CountRequest(Shape):
    """The body of /v1/messages/count_tokens."""

    model: str
    messages: list[Message]
    system: Annotated[list[Text], BeforeValidator(_as_blocks)] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    speed: Literal["standard", "fast"] | None = None


class Request(CountRequest):
    """The body of /v1/messages."""

    max_tokens: Annotated[int, Field(ge=0)]
    stream: bool = False
    stop_sequences: list[str] | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: str | None = None
    diagnostics: Diagnostics | None = None
