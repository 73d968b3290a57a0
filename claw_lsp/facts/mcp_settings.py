"""Which MCP servers the settings let be started, and whether we are one ourselves."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ServerMatch(BaseModel):
    """Servers that a rule means: by name, by the command line as a list, or by an address in which * is any text."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True)

    server_name: str | None = Field(None, alias="serverName")
    server_command: tuple[str, ...] | None = Field(None, alias="serverCommand")
    server_url: str | None = Field(None, alias="serverUrl")

    @model_validator(mode="after")
    def _says_one_thing(self) -> ServerMatch:
        if sum(it is not None for it in (self.server_name, self.server_command, self.server_url)) != 1:
            raise ValueError("expected one of serverName, serverCommand and serverUrl")
        return self


class McpSettings(BaseModel):
    """The keys of a settings file about MCP, but for the entries of servers, which stand elsewhere."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True)

    all_project_servers: bool = Field(
        False,
        alias="enableAllProjectMcpServers",
        description="Approve every server of a trusted folder's .mcp.json without a question. It counts only in your own settings.",
    )
    enabled_servers: tuple[str, ...] = Field(
        (),
        alias="enabledMcpjsonServers",
        description="Servers of .mcp.json files, by name, that are approved in every trusted folder. It counts only in your own"
        " settings; what you approve in a folder is bound to what stands there.",
    )
    disabled_servers: tuple[str, ...] = Field(
        (),
        alias="disabledMcpjsonServers",
        description="Servers of .mcp.json files, by name, that are never started; `*` is all of them.",
    )
    allowed_servers: tuple[ServerMatch, ...] | None = Field(
        None,
        alias="allowedMcpServers",
        description="The only MCP servers that may be used, from wherever they are configured: `{serverName}`, `{serverCommand: […]}`"
        " or `{serverUrl}` with * for any text; where one names commands (or addresses), a name alone is enough for no server"
        " of that kind. All servers if not set. It counts only in your own settings and managed ones.",
    )
    share_editor: bool = Field(
        False,
        alias="shareEditor",
        description="Let other agents on this machine see what you see (`claw-lsp mcp serve`): open buffers with unsaved text,"
        " diagnostics, the selection. They can propose edits, which wait until you apply or dismiss them. It counts only in your"
        " own settings.",
    )
    denied_servers: tuple[ServerMatch, ...] = Field(
        (),
        alias="deniedMcpServers",
        description="MCP servers that may not be used, in the same form; nothing allows them again.",
    )
