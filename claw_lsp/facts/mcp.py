"""MCP servers: what is configured, how each one is, and what it offers. Names are the servers' own unless a field says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.call import Block
from claw_lsp.facts.settings import Problem

Scope = Literal["managed", "local", "project", "user", "plugin", "session"]
"""Who configured a server: `session` is the command line or another client of ours."""

Transport = Literal["stdio", "http", "sse"]

Standing = Literal["disabled", "unapproved", "refused", "waiting", "starting", "up", "login", "failed"]
"""How a server is: `unapproved` waits for the person's yes, `refused` is ruled out by policy, `waiting` was not started yet,
`login` needs the person to log in, `failed` says why in its view."""


class OAuthSettings(BaseModel):
    """What an entry says of its login."""

    model_config = ConfigDict(frozen=True)

    client_id: str | None = None
    callback_port: int | None = None
    scopes: tuple[str, ...] = ()
    auth_server_metadata_url: str | None = None


class ServerConfig(BaseModel):
    """One configured server, variables filled in. `timeout` is for one call, in seconds; `always_load` keeps its tools out of
    the search. `file` is where it is written, "" for none; `digest` changes with anything that is run or asked."""

    model_config = ConfigDict(frozen=True)

    name: str
    scope: Scope
    transport: Transport
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    url: str = ""
    headers: dict[str, str] = {}
    headers_helper: str = ""
    oauth: OAuthSettings | None = None
    timeout: float | None = None
    always_load: bool = False
    file: str = ""
    digest: str = ""


class ServerTool(BaseModel):
    """A tool of a server. `called` is its name for the model and for rules, `mcp__server__tool`, cleaned and unlike any other's;
    `name` is the server's. `digest` is of name, description and schemas, and `unlike` says how it differs from those that the
    server had when the person first used it, or last said yes to this one. `size` is the limit of its results in characters
    where the server raised it; `asks`: the server wants a person to be asked each time."""

    model_config = ConfigDict(frozen=True)

    server: str
    name: str
    called: str
    title: str = ""
    description: str = ""
    input_schema: dict[str, Any] = {}
    read_only: bool = False
    destructive: bool = True
    open_world: bool = True
    asks: bool = False
    always_load: bool = False
    size: int | None = None
    digest: str = ""
    unlike: Literal["", "new", "changed"] = ""


@dataclass(frozen=True, slots=True)
class ServerResource:
    """A resource, or with `template` a URI template, of a server."""

    server: str
    uri: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = ""
    template: bool = False


@dataclass(frozen=True, slots=True)
class PromptArgument:
    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class ServerPrompt:
    """A prompt of a server; `called` is its name as a slash command without the slash, `mcp__server__prompt`."""

    server: str
    name: str
    called: str
    title: str = ""
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server as a person sees it. `why` is a sentence where something is wrong, `log` the last lines it wrote or sent."""

    config: ServerConfig
    standing: Standing
    why: str = ""
    tools: tuple[ServerTool, ...] = ()
    resources: tuple[ServerResource, ...] = ()
    prompts: tuple[ServerPrompt, ...] = ()
    log: tuple[str, ...] = ()
    protocol: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class GivenServers:
    """Servers that the command line brings: what could stand in a .mcp.json, and how people call where it came from."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Configured:
    """Every server that is configured for a folder, one for each name, the strongest scope first: those that stand as `waiting`
    may be started, the others tell why not. `problems` are what is wrong in the files."""

    servers: tuple[ServerView, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a server's tool answered, as blocks of the Messages API; `structured` is its structured output as JSON, "" for none."""

    blocks: tuple[Block, ...]
    is_error: bool = False
    structured: str = ""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the model wrote for a server, in MCP's shape; what it took, by model, and dollars, None where a price is not known."""

    message: Mapping[str, Any]
    usage: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    cost: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Elicited:
    """The person's answer to a server's question: `content` holds the fields of a form that was accepted."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Elicitation:
    """What a server asks the person: fields of a form as a flat JSON schema, or a page to visit."""

    server: str
    message: str
    schema: dict[str, Any] = field(default_factory=dict[str, Any])
    url: str = ""
