"""What stands in the front of SKILL.md and of agents' files, in plugin.json and in marketplace.json."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Effort


def _inside(path: str) -> str:
    if not path.startswith("./") or ".." in path.split("/"):
        raise ValueError("expected a path that begins with ./ and has no .. in it")
    return path


def _hyphenated(name: str) -> str:
    words = name.split("-")
    if not all(it and it.isalnum() and it == it.casefold() for it in words):
        raise ValueError("expected small letters and digits, with - between words")
    return name


Texts = str | tuple[str, ...]
"""One text, several with commas between them, or a list of texts."""
Inside = Annotated[str, AfterValidator(_inside), Field(examples=["./folder"])]
Paths = Inside | tuple[Inside, ...]
Name = Annotated[str, AfterValidator(_hyphenated), Field(examples=["my-name"])]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", validate_by_name=False)


class Skill(_Model):
    """The front of a SKILL.md, or of a command's file."""

    name: str | None = Field(None, description="What the skill is called; the name of its folder if not set.")
    description: str = Field("", description="What it is good for and when: the model chooses by this.")
    when_to_use: str | None = Field(None, description="More about when, told to the model behind the description.")
    argument_hint: str | tuple[Any, ...] | None = Field(
        None, alias="argument-hint", description="What is shown where its arguments are written, such as `[issue]`."
    )
    arguments: Texts | None = Field(None, description="Names of its arguments, so that `$name` stands for one.")
    disable_model_invocation: bool = Field(
        False, alias="disable-model-invocation", description="Only you can begin it; the model is not told of it."
    )
    user_invocable: bool = Field(
        True,
        alias="user-invocable",
        description="Whether it is offered to you as a command; the model may use it anyway.",
    )
    allowed_tools: Texts | None = Field(
        None,
        alias="allowed-tools",
        description="Permission rules that are granted while it runs, such as `Bash(git *)`.",
    )
    disallowed_tools: Texts | None = Field(
        None, alias="disallowed-tools", description="Tools that are not there in its turn."
    )
    model: str | None = Field(None, description="The model for its turn: an alias, an id, or `inherit`.")
    effort: Effort | None = Field(None, description="How much the model thinks in its turn.")
    context: Literal["fork"] | None = Field(None, description="`fork` runs it as a subagent, away from the chat.")
    agent: str | None = Field(None, description="The type of that subagent.")
    background: bool | None = Field(None, description="Whether that subagent runs while the chat goes on.")
    paths: Texts | None = Field(None, description="Patterns of files that bring it along when they are touched.")
    hooks: dict[str, Any] | None = Field(None, description="Hooks from its first use to the end of the session.")
    shell: Literal["bash", "powershell"] | None = Field(None, description="What runs its `!` commands.")
    metadata: dict[str, Any] | None = Field(None, description="For other programs; not acted on.")
    license: str | None = Field(None, description="For people; not acted on.")
    compatibility: str | None = Field(None, description="For people; not acted on.")


class Agent(_Model):
    """The front of an agent's file; what stands below it is the agent's system prompt."""

    name: Name = Field(description="What it is called: small letters, with - between words.")
    description: str = Field(description="What it is good for and when: the model chooses by this.", min_length=1)
    tools: Texts | None = Field(None, description="The tools it has; those of the session if not set.")
    disallowed_tools: Texts | None = Field(None, alias="disallowedTools", description="Tools that it does not have.")
    model: str | None = Field(None, description="Its model: an alias, an id, or `inherit`.")
    permission_mode: Mode | None = Field(None, alias="permissionMode", description="The permission mode it works in.")
    max_turns: int | None = Field(
        None, alias="maxTurns", ge=1, description="How many replies of the model it may take."
    )
    skills: Texts | None = Field(None, description="Skills that it knows from the start.")
    mcp_servers: tuple[Any, ...] | dict[str, Any] | None = Field(
        None, alias="mcpServers", description="MCP servers it has: names, or entries as in .mcp.json."
    )
    hooks: dict[str, Any] | None = Field(None, description="Hooks while it works.")
    memory: Literal["user", "project", "local"] | None = Field(None, description="Where it keeps notes of its own.")
    background: bool = Field(False, description="Whether it runs while the chat goes on.")
    effort: Effort | None = Field(None, description="How much the model thinks.")
    isolation: Literal["worktree"] | None = Field(None, description="`worktree` gives it a working tree of its own.")
    color: str | None = Field(None, description="How it is shown.")
    initial_prompt: str | None = Field(None, alias="initialPrompt", description="What it is told first.")
    omit_claude_md: bool = Field(False, alias="omitClaudeMd", description="It is not told what CLAUDE.md files say.")


class Person(_Model):
    """Who wrote or keeps something."""

    name: str = Field(description="Their name.")
    email: str | None = Field(None, description="Their address.")
    url: str | None = Field(None, description="Their page.")


class UserOption(_Model):
    """Something that a plugin asks its user for."""

    type: Literal["string", "number", "boolean", "directory", "file"] = Field(description="What is asked for.")
    title: str = Field(description="What it is called.")
    description: str = Field(description="What it is for.")
    sensitive: bool = Field(False, description="It is kept in the keyring and shown nowhere.")
    required: bool = Field(False, description="The plugin does nothing without it.")
    default: Any = Field(None, description="What it is if nothing is said.")
    multiple: bool = Field(False, description="Several may be given.")
    min: float | None = Field(None, description="The smallest number.")
    max: float | None = Field(None, description="The largest number.")


class Dependency(_Model):
    """A plugin that another needs."""

    name: str = Field(description="Which plugin.")
    version: str | None = Field(None, description="Which versions of it.")


class _About(_Model):
    """What plugin.json and an entry of a marketplace have in common."""

    name: Name = Field(description="What it is called: small letters, with - between words.")
    display_name: str | None = Field(None, alias="displayName", description="What people are shown.")
    version: str | None = Field(None, description="Its version, such as 1.2.0.")
    description: str | None = Field(None, description="What it does.")
    author: Person | None = Field(None, description="Who wrote it.")
    homepage: str | None = Field(None, description="Its page.")
    repository: str | None = Field(None, description="Where its source is.")
    license: str | None = Field(None, description="Its license, such as MIT.")
    keywords: tuple[str, ...] = Field((), description="Words it is found by.")
    metadata: dict[str, Any] | None = Field(None, description="For other programs; not acted on.")
    default_enabled: bool = Field(True, alias="defaultEnabled", description="Whether it is on once it is installed.")
    skills: Paths | None = Field(None, description="Folders of skills beside `./skills`.")
    commands: Paths | dict[str, Any] | None = Field(None, description="Commands, in place of `./commands`.")
    agents: Paths | None = Field(None, description="Agents, in place of `./agents`.")
    workflows: Paths | None = Field(None, description="Workflows, in place of `./workflows`.")
    output_styles: Paths | None = Field(None, alias="outputStyles", description="In place of `./output-styles`.")
    hooks: Paths | dict[str, Any] | None = Field(None, description="Hooks, in files or as they stand in settings.")
    mcp_servers: Paths | dict[str, Any] | None = Field(
        None, alias="mcpServers", description="MCP servers, in files or as they stand in .mcp.json."
    )
    lsp_servers: Paths | dict[str, Any] | None = Field(
        None, alias="lspServers", description="Language servers, in files or as they stand in .lsp.json."
    )
    user_config: dict[str, UserOption] | None = Field(
        None, alias="userConfig", description="What its user is asked for; `${user_config.KEY}` stands for it."
    )
    channels: tuple[Any, ...] | None = Field(None, description="Not acted on.")
    dependencies: tuple[str | Dependency, ...] = Field((), description="Plugins that it needs.")
    experimental: dict[str, Any] | None = Field(None, description="Themes and monitors.")


class Plugin(_About):
    """A plugin.json."""


class Source(_Model):
    """Where a plugin comes from, if not from a folder of its marketplace."""

    source: Literal["github", "url", "git-subdir", "npm", "archive", "command"] = Field(
        description="From what kind of place."
    )
    repo: str | None = Field(None, description="`owner/name` on GitHub.")
    url: str | None = Field(None, description="The address of a repository or an archive.")
    path: str | None = Field(None, description="The folder in the repository.")
    ref: str | None = Field(None, description="A branch or a tag.")
    sha: str | None = Field(None, description="A commit.")
    package: str | None = Field(None, description="A package of npm.")
    version: str | None = Field(None, description="Which version of the package.")
    registry: str | None = Field(None, description="Another registry than npm's own.")
    sha256: str | None = Field(None, description="The digest of the archive.")
    command: str | None = Field(None, description="A command that writes the plugin.")
    timeout: float | None = Field(None, description="Seconds that the command may take.")
    mode: str | None = Field(None, description="How the command gives it.")


class Offered(_About):
    """A plugin in a marketplace."""

    source: Inside | Source = Field(description="A folder of the marketplace (`./…`), or where else it is.")
    category: str | None = Field(None, description="What kind of plugin it is.")
    tags: tuple[str, ...] = Field((), description="Words it is found by.")
    strict: bool = Field(True, description="Whether its own plugin.json is needed, and counts.")
    relevance: Any = Field(None, description="Not acted on.")


class Marketplace(_Model):
    """A marketplace.json."""

    name: Name = Field(description="What it is called; a plugin of it is `plugin@name`.")
    owner: Person = Field(description="Who keeps it.")
    plugins: tuple[Offered, ...] = Field(description="What it offers.")
    metadata: dict[str, Any] | None = Field(
        None, description="`pluginRoot`: the folder of the plugins; `description`, `version`."
    )
    renames: dict[str, str | None] | None = Field(None, description="Plugins that have another name now.")
    allow_cross: tuple[str, ...] = Field(
        (),
        alias="allowCrossMarketplaceDependenciesOn",
        description="Marketplaces whose plugins those of this one may need.",
    )
