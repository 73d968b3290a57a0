"""What stands in a file of MCP servers such as .mcp.json, as it is written: the shape that is read, completed and explained."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool


class OAuthEntry(BaseModel):
    """How one logs in to a server."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_id: str | None = Field(
        None, alias="clientId", description="The client id that the server knows; else claw-lsp registers itself."
    )
    callback_port: int | None = Field(
        None,
        alias="callbackPort",
        ge=1,
        le=65535,
        description="The port on this machine where the browser comes back; any free one if not set.",
    )
    scopes: str | tuple[str, ...] | None = Field(
        None, description="What is asked for: words with spaces between them, or a list."
    )
    metadata_url: str | None = Field(
        None,
        alias="authServerMetadataUrl",
        description="Where the authorization server describes itself, where the server does not say it.",
    )


class ServerEntry(BaseModel):
    """One MCP server."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["stdio", "http", "streamable-http", "sse", "ws"] | None = Field(
        None,
        description="How one speaks with it: a program (stdio, which a command implies) or an address (http, sse).",
    )
    command: str | None = Field(
        None, description="The program of a stdio server. ${VAR} and ${VAR:-default} are filled in."
    )
    args: tuple[str, ...] = Field((), description="Its arguments.")
    env: dict[str, str] = Field({}, description="Environment variables beside the few that every server gets.")
    url: str | None = Field(None, description="The address of an http or sse server.")
    headers: dict[str, str] = Field({}, description="Headers that go with every request.")
    headers_helper: str | None = Field(
        None, alias="headersHelper", description="A command that prints more headers as a JSON object of texts."
    )
    oauth: OAuthEntry | None = Field(None, description="How one logs in.")
    timeout: float | None = Field(None, gt=0, description="How long one call may take, in milliseconds.")
    always_load: StrictBool = Field(
        False,
        alias="alwaysLoad",
        description="Show the model its tools from the start, rather than when it looks for them.",
    )


class ServersFile(BaseModel):
    """A .mcp.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    servers: dict[str, ServerEntry] = Field({}, alias="mcpServers", description="MCP servers by name.")
