"""The one Settings model: read once per change, passed down whole; docs/settings.md and the schema come from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.hook import Hook
from claw_lsp.facts.mcp_settings import McpSettings
from claw_lsp.facts.opinion import AutoRules
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.sandbox import SandboxSettings
from claw_lsp.facts.usage import ModelFacts

Review = Literal["after", "before"]
AiComments = Literal["offer", "run", "off"]
SaveBeforeRun = Literal["save", "ask", "ignore"]
Provider = Literal["anthropic", "bedrock", "vertex", "foundry"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a settings file that is wrong; `message` says what was expected. Line and column count from 1."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class Attribution(BaseModel):
    """What commit messages and descriptions of pull requests end with; True for the usual line."""

    model_config = ConfigDict(frozen=True)

    commit: bool | str = True
    pr: bool | str = True


class Settings(SandboxSettings, AutoRules, McpSettings):
    """What a person, a project or an editor configured; the default of every field is what a new user gets."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True)

    model: str = Field("opus", description="The model: an alias (opus, sonnet, haiku) or a full model id.")
    small_model: str = Field(
        "haiku",
        alias="smallModel",
        description="The model for side requests such as a title or a search; where the provider does not have it, `model` is asked.",
    )
    fallback_models: tuple[str, ...] = Field(
        (),
        alias="fallbackModel",
        description="Models that stand in, in this order, for the rest of a turn when the provider is overloaded or does not know"
        " the model; the next turn begins with the chosen one again.",
    )
    available_models: tuple[str, ...] = Field(
        (),
        alias="availableModels",
        description="The only models that may be used, aliases or ids; all of them where the list is empty.",
    )
    effort: Effort | None = Field(
        None, alias="effortLevel", description="How much the model thinks; its own default if not set."
    )
    mode: Mode = Field(Mode.DEFAULT, alias="defaultMode", description="The permission mode a session starts in.")
    rules: tuple[Rule, ...] = Field(
        (), description="Permission rules with their source, from every settings file in force."
    )
    restricted: bool = Field(
        False, description="The editor says that the person does not trust the workspace: nothing of its files counts."
    )
    review: Review = Field(
        "after",
        description="`after`: edits are made, and you keep or revert them. `before`: they wait until you apply or dismiss them.",
    )
    save_before_run: SaveBeforeRun = Field(
        "save",
        alias="saveBeforeRun",
        description="What happens to the agent's unsaved edits before a shell command runs; `save` asks once where the editor cannot save.",
    )
    ai_comments: AiComments = Field(
        "offer",
        alias="aiComments",
        description="What happens when a file with a comment that begins or ends with AI! or AI? is saved: it is offered to do or"
        " answer that, or it is begun at once. `run` counts only in your own settings file.",
    )
    max_turns: int | None = Field(
        None, alias="maxTurns", ge=1, description="How many replies of the model one turn may take."
    )
    max_cost: float | None = Field(
        None,
        alias="maxCost",
        gt=0,
        description="How many dollars one session may cost before you are asked whether it may go on; replies of models without"
        " a known price do not count.",
    )
    max_minutes: float | None = Field(
        None,
        alias="maxMinutes",
        gt=0,
        description="How long one turn may take, in minutes; the time in which you are asked something does not count.",
    )
    max_output_tokens: int = Field(
        32_000, alias="maxOutputTokens", ge=1, description="How many tokens one reply may have."
    )
    auto_compact: bool = Field(
        True,
        alias="autoCompactEnabled",
        description="Make a session shorter by itself before the model's window is full; `/compact` does it whenever you like.",
    )
    compact_window: int | None = Field(
        None,
        alias="autoCompactWindow",
        ge=1,
        description="How many tokens count as the model's whole window for that; all that the model has if not set. It begins at 80 %.",
    )
    models: dict[str, ModelFacts] = Field(
        {}, description="Models beside the built-in table, by id: limits in tokens, prices in dollars per million."
    )
    aliases: dict[str, str] = Field({}, description="Short names for model ids, beside opus, sonnet and haiku.")
    provider: Provider | None = Field(
        None,
        description="Whose API is asked; if not set, CLAUDE_CODE_USE_BEDROCK, CLAUDE_CODE_USE_VERTEX or CLAUDE_CODE_USE_FOUNDRY in"
        " the environment says it, else it is Anthropic's. It counts only in your own settings, from the next start on.",
    )
    api_key_header: Literal["authorization", "x-api-key"] = Field(
        "authorization",
        alias="apiKeyHeader",
        description="The header that carries the key; some gateways want x-api-key.",
    )
    api_key_helper: str | None = Field(
        None,
        alias="apiKeyHelper",
        description="A command that prints the key, run by /bin/sh when neither the environment nor the keyring has one, and again"
        " after five minutes. It counts only in your own settings.",
    )
    todo_write: bool = Field(
        False,
        alias="todoWrite",
        description="Offer the older TodoWrite tool in place of TaskCreate, TaskGet, TaskList and TaskUpdate.",
    )
    allow_private_addresses: bool = Field(
        False,
        alias="allowPrivateAddresses",
        description="Let WebFetch reach private, loopback and link-local addresses.",
    )
    chats_directory: str | None = Field(
        None, alias="chats.directory", description="Where chat documents go; `.claw/chats` in the workspace if not set."
    )
    send_along: bool = Field(
        True,
        alias="sendAlong",
        description="Tell the model with a prompt where you are: the file before you, what is selected, its diagnostics, which"
        " open files changed since it read them, and the names of open files. It is shown before you send; `/along off` ends it"
        " for one chat. What may hold secrets, and what rules deny or ask for, never goes along.",
    )
    session_titles: bool = Field(
        True,
        alias="sessionTitles",
        description="Let the small model name a session, once it has been quiet for a while after its first turn.",
    )
    cleanup_days: int = Field(
        30,
        alias="cleanupPeriodDays",
        ge=0,
        description="Sessions that nobody used for so many days are deleted, but for those in use; 0 keeps all of them.",
    )
    checkpoints: bool = Field(
        True,
        alias="fileCheckpointingEnabled",
        description="Keep the files of the workspace as they are before the agent changes some, so that `claw.rewind` can bring"
        " them back; without, only its own edits can be taken back.",
    )
    most_megabytes: int = Field(
        1000,
        alias="maxSessionMegabytes",
        ge=0,
        description="Megabytes of sessions that a project keeps; once a day those used longest ago go, but for those in use"
        " and the last ten; 0 keeps all of them.",
    )
    attribution: bool | str | Attribution = Field(
        True,
        description="Whether commit messages and pull requests written by the agent say so; a text is the line that says it"
        " in commit messages, `{commit, pr}` those of each, and an empty one is none.",
    )
    add_dirs: tuple[str, ...] = Field(
        (), alias="additionalDirectories", description="Folders beside the workspace that tools may read freely."
    )
    disable_bypass: Literal["disable"] | None = Field(
        None, alias="disableBypassPermissionsMode", description="`disable` forbids the mode bypassPermissions."
    )
    disable_auto: Literal["disable"] | None = Field(
        None, alias="disableAutoMode", description="`disable` forbids the mode auto."
    )
    reads_inside: bool = Field(
        False,
        alias="blockReadsOutsideWorkingDirectories",
        description="Refuse to read any file outside of the workspace folders and the additional directories, in every mode.",
    )
    language: str | None = Field(
        None,
        pattern=r"^[^\W\d_]+(?:[ -][^\W\d_]+){0,3}$",
        max_length=40,
        examples=["German"],
        description="The language the agent speaks to you, such as `German`; that of your prompts if not set.",
    )
    respect_gitignore: bool = Field(
        True,
        alias="respectGitignore",
        description="Leave out of what @ offers in a chat the files that .gitignore names.",
    )
    env: dict[str, str] = Field({}, description="Environment variables that shell commands get beside the usual ones.")
    hooks: tuple[Hook, ...] = Field(
        (), description="Programs, addresses and prompts that are asked at events, from every settings file in force."
    )
    disable_hooks: bool = Field(
        False,
        alias="disableAllHooks",
        description="No hook runs, but for those of managed settings, which only these turn off.",
    )
    hook_urls: tuple[str, ...] | None = Field(
        None,
        alias="allowedHttpHookUrls",
        description="The addresses that hooks of type http may be sent to, with * for any characters; any at all if not set.",
    )
    hook_env_vars: tuple[str, ...] | None = Field(
        None,
        alias="httpHookAllowedEnvVars",
        description="The environment variables that headers of http hooks may hold, of those that a hook names itself; any of"
        " them if not set.",
    )
    memory_excludes: tuple[str, ...] = Field(
        (),
        alias="claudeMdExcludes",
        description="Patterns of CLAW.md, CLAUDE.md and AGENTS.md files, and of rules, that are not read: as in .gitignore, of"
        " absolute paths. What is managed is read all the same.",
    )
    auto_memory: bool = Field(
        True,
        alias="autoMemoryEnabled",
        description="Let the agent propose notes for later sessions (each waits until you apply it), and tell them there.",
    )
    memory_directory: str | None = Field(
        None,
        alias="autoMemoryDirectory",
        description="Where the notes about a workspace are kept, absolute or with ~; a folder of its own in CLAW_HOME if not set."
        " It counts only in your own settings.",
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A settings file says something else: its new text, None where it is gone. `source` is what hooks call such files."""

    path: str
    source: str
    text: str | None


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings in force somewhere, what is wrong in their files, and (`withheld`) what was left out: not believed
    from where it stands, in words for people."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    withheld: tuple[str, ...] = ()
