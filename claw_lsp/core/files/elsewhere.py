"""Keys of settings files that other agents read and that have no effect here, with the reason: known, so never a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`standing` says whether it will come; `schema` is its shape, for completion."""

    standing: Literal["not yet", "not supported"]
    why: str
    schema: dict[str, Any]

    @property
    def sentence(self) -> str:
        """What hover and the documents say."""
        return f"Of other agents' settings; without effect in claw-lsp ({self.standing}): {self.why}"


_TEXT, _YES = {"type": "string"}, {"type": "boolean"}
_COMMAND = {"type": "object", "properties": {"type": {"const": "command"}, "command": _TEXT}, "required": ["command"]}
_PLUGINS = "there are no plugins yet."
_SKILLS = "there are no skills yet."

ELSEWHERE = {
    "agent": Elsewhere("not yet", "there are no agents yet.", _TEXT),
    "askUserQuestionTimeout": Elsewhere(
        "not supported", "a question waits until you answer it; nothing but an answer is one.", {"type": "number"}
    ),
    "disableSkillShellExecution": Elsewhere("not yet", _SKILLS, _YES),
    "enabledPlugins": Elsewhere("not yet", _PLUGINS, {"type": "object", "additionalProperties": _YES}),
    "extraKnownMarketplaces": Elsewhere(
        "not yet",
        _PLUGINS,
        {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"source": {"type": "object"}}},
        },
    ),
    "fileSuggestion": Elsewhere(
        "not supported", "what @ offers comes from the editor's open files, git and ripgrep, in order.", _COMMAND
    ),
    "outputStyle": Elsewhere("not yet", "output styles come with skills; `language` says which language.", _TEXT),
    "plansDirectory": Elsewhere(
        "not supported", "a plan is shown in the editor and kept in the session, not in a file of yours.", _TEXT
    ),
    "pluginConfigs": Elsewhere("not yet", _PLUGINS, {"type": "object"}),
    "skillOverrides": Elsewhere(
        "not yet",
        _SKILLS,
        {"type": "object", "additionalProperties": {"enum": ["on", "name-only", "user-invocable-only", "off"]}},
    ),
    "statusLine": Elsewhere("not supported", "the editor draws the status; docs/shims.md says of what.", _COMMAND),
    "worktree": Elsewhere("not yet", "there are no worktrees yet.", {"type": "object"}),
}
"""By their name at the top of a file; in the order of the alphabet."""
