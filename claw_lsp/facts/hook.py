"""Hooks: what is configured, how one ended, and what they say of a call before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from claw_lsp.facts.rule import Behavior

HookKind = Literal["command", "http", "mcp_tool", "prompt", "agent"]

FIRED = frozenset(
    """SessionStart SessionEnd UserPromptSubmit PreToolUse PermissionRequest PermissionDenied PostToolUse PostToolUseFailure
    PostToolBatch Notification Stop StopFailure PreCompact PostCompact InstructionsLoaded CwdChanged PreModelSwitch
    PostModelSwitch UserPromptExpansion TaskCreated TaskCompleted Elicitation ElicitationResult
    ConfigChange FileChanged DirectoryAdded MessageDisplay""".split()
)
"""The events that happen here."""

NOT_YET = frozenset(
    """Setup SubagentStart SubagentStop TeammateIdle WorktreeCreate
    WorktreeRemove""".split()
)
"""The events that other agents have and that do not happen here; docs/compatibility.md says why."""

TOOL_EVENTS = frozenset("PreToolUse PermissionRequest PermissionDenied PostToolUse PostToolUseFailure".split())
"""The events about one call: `if` counts for these alone."""

_NEEDED: dict[HookKind, tuple[str, ...]] = {
    "command": ("command",),
    "http": ("url",),
    "mcp_tool": ("server", "tool"),
    "prompt": ("prompt",),
    "agent": ("prompt",),
}


class Hook(BaseModel):
    """One handler of one event, as a settings file has it. `source`, `file` and `line` say where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True)

    type: HookKind
    event: str = ""
    matcher: str = ""
    condition: str = Field("", alias="if")
    timeout: float | None = Field(None, gt=0, le=86_400)
    status_message: str = Field("", alias="statusMessage")
    once: bool = False
    on_failure: Literal["block"] | None = Field(None, alias="onFailure")
    command: str = ""
    args: tuple[str, ...] | None = None
    is_async: bool = Field(False, alias="async")
    async_rewake: bool = Field(False, alias="asyncRewake")
    shell: Literal["bash", "powershell"] = "bash"
    url: str = ""
    headers: dict[str, str] = {}
    allowed_env_vars: tuple[str, ...] = Field((), alias="allowedEnvVars")
    server: str = ""
    tool: str = ""
    input: dict[str, Any] = {}
    prompt: str = ""
    model: str = ""
    continue_on_block: bool = Field(False, alias="continueOnBlock")
    source: str = ""
    file: str = ""
    line: int = 0

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        for name in _NEEDED[self.type]:
            if not getattr(self, name).strip():
                raise ValueError(f"a hook of type {self.type} needs {name}")
        return self

    @property
    def name(self) -> str:
        """What people call it: its command, its address or its prompt."""
        words = " ".join((self.command, *(self.args or ()))) if self.command else ""
        return words or self.url or (f"{self.server}/{self.tool}" if self.server else self.prompt)


@dataclass(frozen=True, slots=True)
class HookRan:
    """What came of running one. `code` is None where it could not be started, was ended or ran out of time; `fault` then says
    which, in a sentence for people. `usage` is what a model took, by model, and `cost` that in dollars. `exported` is what it
    wrote into the file that CLAUDE_ENV_FILE names."""

    code: int | None
    output: str = ""
    errors: str = ""
    seconds: float = 0.0
    fault: str = ""
    usage: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    cost: float | None = 0.0
    exported: str = ""


@dataclass(frozen=True, slots=True)
class HookEnded:
    """How one PreToolUse hook ended. `code` is None where it crashed, ran out of time or could not be started; `decision`
    is what its output said, if it said one. `must_run`: a failure of this hook refuses the call (`onFailure: "block"`)."""

    code: int | None
    decision: Behavior | None = None
    reason: str = ""
    must_run: bool = False


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """What the hooks decided together, and why, for people."""

    decision: Behavior
    reason: str = ""
