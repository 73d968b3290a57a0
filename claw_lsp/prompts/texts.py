"""What the model is told: the Markdown files of this folder, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

ACTIONS = (
    "ask",
    "edit",
    "fix",
    "explain",
    "tests",
    "document",
    "refactor",
    "review",
    "commit_message",
    "init",
    "comment_do",
    "comment_answer",
)
"""What a person can start; each has its own file."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The system prompt, the template of each action with `{placeholders}` (core/briefing.py fills them), and what the small
    model is told in auto mode and by prompt and agent hooks."""

    system: str
    actions: Mapping[str, str]
    auto_mode: str
    compact: str
    hook: str
    hook_agent: str


def load() -> Prompts:
    """Read all of them. A missing file raises FileNotFoundError: the installation is broken."""
    folder = files("claw_lsp.prompts")
    return Prompts(
        system=folder.joinpath("system.md").read_text("utf-8").strip(),
        actions=MappingProxyType({name: folder.joinpath(f"{name}.md").read_text("utf-8").strip() for name in ACTIONS}),
        compact=folder.joinpath("compact.md").read_text("utf-8").strip(),
        auto_mode=folder.joinpath("auto_mode.md").read_text("utf-8").strip(),
        hook=folder.joinpath("hook.md").read_text("utf-8").strip(),
        hook_agent=folder.joinpath("hook_agent.md").read_text("utf-8").strip(),
    )
